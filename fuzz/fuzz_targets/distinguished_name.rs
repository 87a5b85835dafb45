//! See `certwright_fuzz::targets::distinguished_name`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(distinguished_name);
