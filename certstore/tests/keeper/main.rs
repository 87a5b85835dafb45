//! The keeper on virtual time, with a certificate authority that does as it is told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ca;
mod contents;
mod crash;
mod fleet;
mod in_process;
mod lifecycle;
mod ready;
mod trouble;
mod world;
