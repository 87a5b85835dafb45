//! See `certwright_fuzz::targets::links`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(links);
