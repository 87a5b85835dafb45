//! See `certwright_fuzz::targets::retry_after`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(retry_after);
