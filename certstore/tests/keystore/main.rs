//! Key stores, judged by OpenSSL and by Java.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod java;
mod openssl;
mod reading;
mod world;
