//! See `certwright_fuzz::targets::store_key`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(store_key);
