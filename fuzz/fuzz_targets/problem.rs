//! See `certwright_fuzz::targets::problem`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(problem);
