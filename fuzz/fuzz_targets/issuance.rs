//! See `certwright_fuzz::targets::issuance`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(issuance);
