//! The three Venafi services: the contract, what is sent, what is refused, and what a crash costs.

#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod contract;
mod crash;
mod login;
mod refusals;
mod renewals;
mod requests;
mod world;
