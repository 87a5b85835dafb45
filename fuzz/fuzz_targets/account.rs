//! See `certwright_fuzz::targets::account`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(account);
