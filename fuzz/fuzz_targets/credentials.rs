//! See `certwright_fuzz::targets::credentials`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(credentials);
