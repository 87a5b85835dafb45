//! See `certwright_fuzz::targets::pkcs12`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(pkcs12);
