//! See `certwright_fuzz::targets::dns_api`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(dns_api);
