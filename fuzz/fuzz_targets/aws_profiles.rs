//! See `certwright_fuzz::targets::aws_profiles`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(aws_profiles);
