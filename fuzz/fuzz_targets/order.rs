//! See `certwright_fuzz::targets::order`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(order);
