//! See `certwright_fuzz::targets::signature_algorithm`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(signature_algorithm);
