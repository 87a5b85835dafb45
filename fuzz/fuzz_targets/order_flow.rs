//! See `certwright_fuzz::targets::order_flow`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(order_flow);
