//! The port to the network: one HTTP request, one answer.

#[cfg(all(feature = "reqwest", any(feature = "aws-lc-rs", feature = "ring")))]
mod reqwest;

use async_trait::async_trait;
use bytes::Bytes;

use crate::Error;

#[cfg(all(feature = "reqwest", any(feature = "aws-lc-rs", feature = "ring")))]
pub use self::reqwest::{ReqwestTransport, ReqwestTransportBuilder};

/// Sends one HTTP request.
///
/// # Contract
/// 1. Redirects are not followed.
/// 2. Every status is an answer, not an error. An error means that no whole answer came: `Unreachable`, or `Malformed` for one that breaks a bound.
/// 3. Body and time are bounded: at most [`limits::BODY`](crate::limits::BODY) bytes, and an end within a minute.
/// 4. An error may hide that the server acted.
/// 5. It may be called at the same time by any number of callers; connections are reused.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends `request`, whose URI is absolute.
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Error>;
}
