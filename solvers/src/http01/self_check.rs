//! Looking at an answer to HTTP-01 as a certificate authority will: over the network, before it is asked to.
//!
//! [`SelfCheck`] is one look. [`Standing`] counts what several looks in a row showed, and says what follows; it waits for nothing. Both go together with any
//! way to serve the answer that this process cannot see into: an ingress, a web server, another machine.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::protocol::{ChallengeType, Url};
use acme_core::transport::Transport;
use acme_core::{Clock, Identifier};
use bytes::Bytes;
use http::header::{CONNECTION, LOCATION, USER_AGENT};
use http::{Request, Response, StatusCode, Uri};

use super::PATH;
use crate::{Error, ErrorKind, Presentation, limits};

mod address;
mod miss;
mod standing;

pub use address::others_can_reach;
pub use miss::{Fault, Miss};
pub use standing::{Rules, Standing, Verdict};

/// Looks whether an answer to HTTP-01 can be seen, the way validators do: one request, redirects followed to ports 80 and 443, whoever has the certificate of
/// a server that is redirected to.
///
/// # Examples
/// With the transport of `certwright-acme-core` (feature `reqwest`):
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use acme_core::{Clock, Timestamp};
/// use acme_core::transport::ReqwestTransport;
/// use certwright_solvers::http01::self_check::{SelfCheck, others_can_reach};
///
/// # struct System;
/// # impl Clock for System { fn now(&self) -> Timestamp { Timestamp::EPOCH } }
/// let transport = ReqwestTransport::builder()
///     .fresh_connections()
///     .dangerously_trust_anyone()
///     .only_addresses(others_can_reach)
///     .answer_within(Duration::from_secs(10))
///     .build()?;
/// let check = SelfCheck::new(Arc::new(transport), Arc::new(System));
/// # Ok::<(), certwright_solvers::Error>(())
/// ```
#[derive(Clone)]
pub struct SelfCheck {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    port: u16,
    tls_port: u16,
    limit: Duration,
}

impl SelfCheck {
    /// Looks over `transport`. It decides how names are found and where it may go: give it a filter, since whoever owns a name says to which addresses it
    /// leads.
    pub fn new(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self { transport, clock, port: 80, tls_port: 443, limit: limits::SELF_CHECK_TIME }
    }

    /// Looks at another port than 80, which is where validators begin.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Follows redirects to HTTPS to this port, too, besides 443.
    #[must_use]
    pub fn with_tls_port(mut self, port: u16) -> Self {
        self.tls_port = port;
        self
    }

    /// No redirect is followed when a look has taken so long; ten seconds by default. How long one request may take is the transport's.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Where the answer is looked for.
    ///
    /// # Errors
    /// `Unsupported` for a challenge of another type, or for what is neither a name nor an address.
    pub fn url(&self, presentation: &Presentation) -> Result<Url, Error> {
        presentation.require(&ChallengeType::Http01)?;
        let host = if let Identifier::Dns(name) = &presentation.identifier {
            name.base().to_string()
        } else if let Identifier::Ip(address) = presentation.identifier {
            if address.is_ipv6() { format!("[{address}]") } else { address.to_string() }
        } else {
            let what = format!("{} cannot be proven by http-01", presentation.identifier);
            return Err(Error::new(ErrorKind::Unsupported, what));
        };
        let port = if self.port == 80 { String::new() } else { format!(":{}", self.port) };
        Url::parse(&format!("http://{host}{port}{PATH}{}", presentation.key_authorization()?.token()))
    }

    /// Looks once.
    ///
    /// # Errors
    /// As [`url`](Self::url). What is not seen is no error.
    pub async fn look(&self, presentation: &Presentation) -> Result<Look, Error> {
        let mut url = self.url(presentation)?;
        let since = self.clock.now();
        for _ in 0..=limits::SELF_CHECK_REDIRECTS {
            let answer = match self.ask(&url).await {
                Ok(answer) => answer,
                Err(error) => return Ok(Look::missed(url, None, Fault::of(error))),
            };
            let Some(target) = redirection(&answer) else {
                return Ok(judge(url, &answer, presentation.key_authorization()?.as_str()));
            };
            match target.ok_or(()).and_then(|target| url.join(target).map_err(|_| ())) {
                Ok(target) if !self.goes_to(&target) => {
                    return Ok(Look::missed(url, Some(&answer), Fault::Port(target)));
                }
                Ok(target) if self.clock.now().since(since) < self.limit => url = target,
                Ok(_) => return Ok(Look::missed(url, Some(&answer), Fault::Late)),
                Err(()) => return Ok(Look::missed(url, Some(&answer), Fault::Astray)),
            }
        }
        Ok(Look::missed(url, None, Fault::Redirects))
    }

    /// Certificate authorities follow to the ports of HTTP and HTTPS alone.
    fn goes_to(&self, target: &Url) -> bool {
        let port = target.as_str().parse().ok().and_then(|it: Uri| it.port_u16());
        port.is_none_or(|it| [80, 443, self.port, self.tls_port].contains(&it))
    }

    async fn ask(&self, url: &Url) -> Result<Response<Bytes>, Error> {
        let request = Request::get(url.as_str())
            .header(USER_AGENT, concat!("certwright-self-check/", env!("CARGO_PKG_VERSION")))
            .header(CONNECTION, "close")
            .body(Bytes::new())
            .map_err(|source| Error::new(ErrorKind::Malformed, "not a request of HTTP").with_source(source))?;
        self.transport.send(request).await
    }
}

impl fmt::Debug for SelfCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelfCheck").field("port", &self.port).field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// What one look showed.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a driver must obey both")]
pub enum Look {
    /// The answer is there.
    Passed,
    /// It is not.
    Missed(Miss),
}

impl Look {
    fn missed(url: Url, answer: Option<&Response<Bytes>>, fault: Fault) -> Self {
        Self::Missed(Miss::new(url, answer, fault))
    }
}

/// Where the answer redirects to, if it does: `None` inside for nowhere. 303 is no redirect to certificate authorities.
fn redirection(answer: &Response<Bytes>) -> Option<Option<&str>> {
    let is_redirect = matches!(
        answer.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    is_redirect.then(|| answer.headers().get(LOCATION).and_then(|it| it.to_str().ok()))
}

fn judge(url: Url, answer: &Response<Bytes>, expected: &str) -> Look {
    if answer.status() != StatusCode::OK {
        return Look::missed(url, Some(answer), Fault::Status(answer.status()));
    }
    // White space at the end is no part of it (RFC 8555 section 8.3).
    if answer.body().trim_ascii_end() == expected.as_bytes() {
        Look::Passed
    } else {
        Look::missed(url, Some(answer), Fault::Content)
    }
}
