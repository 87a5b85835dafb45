//! See `certwright_fuzz::targets::external_account`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(external_account);
