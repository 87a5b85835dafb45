//! See `certwright_fuzz::targets::certificate_id`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(certificate_id);
