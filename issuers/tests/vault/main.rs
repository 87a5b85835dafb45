//! The Vault issuer against a real Vault, and against scripted answers for what a community Vault never says.
#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod aws;
mod chains;
mod contract;
mod logins;
mod refusals;
mod scripted;
mod secrecy;
mod tokens;
mod world;
