//! See `certwright_fuzz::targets::account_flow`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(account_flow);
