//! See `certwright_fuzz::targets::vault`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(vault);
