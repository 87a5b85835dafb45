//! A certificate authority in this process, held against foreign judges and foreign signing requests.

#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod bad_input;
mod foreign;
mod issuer;
mod stories;
mod world;
