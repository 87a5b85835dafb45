//! See `certwright_fuzz::targets::sigv4`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(sigv4);
