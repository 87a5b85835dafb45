//! See `certwright_fuzz::targets::private_key`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(private_key);
