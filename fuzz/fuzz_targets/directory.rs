//! See `certwright_fuzz::targets::directory`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(directory);
