//! See `certwright_fuzz::targets::url`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(url);
