//! The ACME issuer against the model certificate authority, on virtual time.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod crash;
mod persistent;
mod politeness;
mod records;
mod refusals;
mod stories;
mod world;
