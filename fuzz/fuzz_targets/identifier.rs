//! See `certwright_fuzz::targets::identifier`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(identifier);
