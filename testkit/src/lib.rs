//! Test doubles, fault injection and conformance suites for certwright.

#[cfg(feature = "servers")]
pub mod servers;
