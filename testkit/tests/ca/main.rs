//! The model certificate authority, driven by hand-made requests and by the client of `acme-core`.

#![expect(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test that cannot go on stops")]

mod crash;
mod faults;
mod persistent;
mod protocol;
mod raw;
mod session;
mod strictness;
mod validation;
