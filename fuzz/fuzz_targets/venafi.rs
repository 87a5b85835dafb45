//! See `certwright_fuzz::targets::venafi`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(venafi);
