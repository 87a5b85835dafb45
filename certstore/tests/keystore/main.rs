//! Key stores, judged by OpenSSL, by Java and by Go.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod go;
mod java;
mod openssl;
mod reading;
mod rfc9579;
mod world;
