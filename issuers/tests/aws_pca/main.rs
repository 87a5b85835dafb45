//! AWS Private CA: a strict double for what moto hides, moto itself, botocore for what is sent, OpenSSL for what comes.

#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod contract;
mod double;
mod issuance;
mod moto;
mod pki;
mod protocol;
mod refusals;
mod revocation;
mod secrecy;
mod template;
mod world;
