//! See `certwright_fuzz::targets::failover`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(failover);
