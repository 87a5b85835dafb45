//! See `certwright_fuzz::targets::aws_xml`.
#![cfg_attr(fuzzing, no_main)]

certwright_fuzz::target!(aws_xml);
