//! See `certwright_fuzz::targets::dns_message`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(dns_message);
