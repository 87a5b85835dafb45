//! See `certwright_fuzz::targets::ocsp_request`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(ocsp_request);
