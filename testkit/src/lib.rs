//! Test doubles, fault injection and conformance suites for certwright.
