//! See `certwright_fuzz::targets::renewal_window`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(renewal_window);
