//! See `certwright_fuzz::targets::time`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(time);
