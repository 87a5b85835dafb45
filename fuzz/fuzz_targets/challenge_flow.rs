//! See `certwright_fuzz::targets::challenge_flow`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(challenge_flow);
