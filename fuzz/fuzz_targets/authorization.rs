//! See `certwright_fuzz::targets::authorization`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(authorization);
