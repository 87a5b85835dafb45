//! See `certwright_fuzz::targets::public_key`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(public_key);
