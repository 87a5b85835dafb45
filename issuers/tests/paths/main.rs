//! Paths through bags of certificates, judged by OpenSSL and by rustls-webpki.

#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod authority;
mod bags;
mod broken;
mod constraints;
mod hostile;
