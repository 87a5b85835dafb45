//! The cryptography of this build, as rustls wants it.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// aws-lc-rs when it is compiled in, ring otherwise; never what a process has made its default.
pub fn provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "aws-lc-rs")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "aws-lc-rs"))]
    let provider = rustls::crypto::ring::default_provider();
    Arc::new(provider)
}
