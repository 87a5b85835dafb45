//! See `certwright_fuzz::targets::renewal_info`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(renewal_info);
