//! The suites of the solvers' traits: what keeps a contract passes, and each broken clause is caught by its number.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::wildcard_enum_match_arm, reason = "each fault changes one arm")]

mod provider;
mod solver;
