//! The election: what it decides, and candidates that race on virtual time.

mod decisions;
mod memory_lease;
mod races;
