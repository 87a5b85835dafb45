//! Names, extensions, certificates and signing requests, to the byte as OpenSSL and Go write them.
#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod certificates;
mod literal_subject;
mod names;
mod openssl;
mod requests;
