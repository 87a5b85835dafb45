//! The operator as a program, against a real control plane.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]
#![expect(clippy::disallowed_methods, reason = "a program is waited for in real time, for a bounded one")]

mod cluster;
mod election;
mod encrypted;
mod lifecycle;
mod operator;
mod refusals;
mod solver;
