//! See `certwright_fuzz::targets::csr`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(csr);
