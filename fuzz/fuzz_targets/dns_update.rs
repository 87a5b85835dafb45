//! See `certwright_fuzz::targets::dns_update`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(dns_update);
