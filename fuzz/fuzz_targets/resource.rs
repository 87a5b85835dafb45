//! See `certwright_fuzz::targets::resource`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(resource);
