//! See `certwright_fuzz::targets::leaf`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(leaf);
