//! See `certwright_fuzz::targets::record`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(record);
