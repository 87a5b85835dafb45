//! See `certwright_fuzz::targets::chain`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(chain);
