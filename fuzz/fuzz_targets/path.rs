//! See `certwright_fuzz::targets::path`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(path);
