//! Test doubles, fault injection and conformance suites for certwright.

#[cfg(feature = "solvers")]
pub mod conformance;
#[cfg(feature = "servers")]
pub mod servers;
