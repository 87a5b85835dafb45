//! The port to the network: one HTTP request, one answer.

#[cfg(all(feature = "reqwest", any(feature = "aws-lc-rs", feature = "ring")))]
mod reqwest;

use std::net::{IpAddr, SocketAddr};

use async_trait::async_trait;
use bytes::Bytes;
use http::header;

use crate::directory::headers::retry_after;
use crate::directory::verdict;
use crate::{Error, Timestamp};

#[cfg(all(feature = "reqwest", any(feature = "aws-lc-rs", feature = "ring")))]
pub use self::reqwest::{ReqwestTransport, ReqwestTransportBuilder};

/// Sends one HTTP request.
///
/// # Contract
/// 1. Redirects are not followed.
/// 2. Every status is an answer, not an error. An error means that no whole answer came: `Unreachable`, `Malformed` for one that breaks a bound, or `Refused`
///    where this side may not go.
/// 3. Body and time are bounded: at most [`limits::BODY`](crate::limits::BODY) bytes, and an end within a minute.
/// 4. An error may hide that the server acted.
/// 5. It may be called at the same time by any number of callers; connections are reused.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends `request`, whose URI is absolute.
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Error>;
}

/// The address that answered. A [`Transport`] that knows it puts it into the extensions of the answer; behind a proxy it is the proxy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "complete by definition")]
pub struct Peer(pub SocketAddr);

/// Finds the addresses of servers, for those who shall not ask the system: name servers of one's own, or a table.
///
/// # Contract
/// 1. It answers within half a minute.
/// 2. A name without an address is an empty list, or an error that says where it was looked for.
/// 3. It may be called at the same time by any number of callers.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// The addresses of `host`, the best first.
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Error>;
}

/// The error for an answer that says no, of an HTTP API that is not ACME: a secret store, a key service, a DNS provider.
///
/// `what` says what failed and on what. The kind follows from the status, as for a certificate authority: 429 and 5xx are `Busy`, 401 and 403
/// `Unauthorized`, 404 `NotFound`, 409 `Conflict`, other 4xx `Refused`, and none of them is final: who knows the API better says so with
/// [`Error::with_retry`]. A `Retry-After` becomes [`Retry::After`](crate::Retry::After), seen from the answer's own `Date` where it has one, else from `now`.
pub fn refusal(what: String, answer: &http::Response<Bytes>, now: Timestamp) -> Error {
    let text = |name| answer.headers().get(name).and_then(|it| it.to_str().ok());
    let there = text(header::DATE).and_then(|it| Timestamp::parse_http_date(it).ok()).unwrap_or(now);
    let wait = text(header::RETRY_AFTER).and_then(|it| retry_after(it, there));
    verdict::refusal(what, answer.status(), None, wait)
}
