//! Revocation lists and OCSP answers, judged by OpenSSL.

#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod answers;
mod lists;
mod requests;
mod stage;
