//! What DNS services over HTTP share: a request is authenticated and sent, and what is refused becomes an error that says what to do.
//!
//! A provider holds one [`HttpApi`], and says once how its [`Service`] refuses. It retries nothing: the one second try, with other credentials after
//! the first were refused, happens here, so that a rotated secret is picked up without a restart.

mod complaint;
mod credential;
mod fault;
mod ids;
mod made;
mod quotes;
mod surveyed;
mod turns;
mod zone_ids;

use std::fmt;
use std::sync::Arc;

use acme_core::protocol::Url;
use acme_core::{Clock, Transport};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use complaint::Complaint;
#[cfg(feature = "httpreq")]
pub use credential::Basic;
#[cfg(any(feature = "acme-dns", feature = "akamai"))]
pub(crate) use credential::sensitive;
pub use credential::{Credential, Token};
#[cfg(any(feature = "cloud-dns", feature = "cloudflare", feature = "route53"))]
pub(crate) use fault::ALIAS;
pub use fault::{Fault, Meaning};
pub use ids::Ids;
pub use made::Made;
pub use quotes::{bare, quoted};
pub use surveyed::{Surveyed, full_name};
pub use turns::Turns;
pub use zone_ids::ZoneIds;

use crate::credentials::CredentialSource;
use crate::{Error, ErrorKind, uri};

/// A DNS service: its name in errors, and how it refuses.
#[derive(Clone, Copy)]
pub struct Service {
    /// The name that people know it by.
    pub name: &'static str,
    /// Reads what an answer refuses; `None` for a success. [`Fault::by_status`] is a beginning.
    pub fault: fn(&Response<Bytes>) -> Option<Fault>,
}

/// A service behind an address, and what it is spoken to with.
///
/// Bodies are JSON both ways. Answers are bounded by the [`Transport`]; what comes in pages is the provider's to bound.
pub struct HttpApi<C> {
    service: Service,
    base: Url,
    credentials: Arc<dyn CredentialSource<C>>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
}

impl<C: Credential> HttpApi<C> {
    /// `service` at `base`, of which paths are the rest.
    ///
    /// # Errors
    /// `Malformed` when `base` is no URL, or holds more than scheme, host, port and path.
    pub fn new(
        service: Service,
        base: &str,
        credentials: Arc<dyn CredentialSource<C>>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        Ok(Self { service, base: base_url(service.name, base)?, credentials, transport, clock })
    }

    /// The same service at another address: a proxy, a test server.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn at(self, base: &str) -> Result<Self, Error> {
        Ok(Self { base: base_url(self.service.name, base)?, ..self })
    }

    /// The clock by which credentials and zones end.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Asks, and reads the answer. `what` says what is done, to what, for errors.
    ///
    /// # Errors
    /// As [`send`](Self::send); `Malformed` for a success that is not what was asked for.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        what: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, Error> {
        self.read(what, &self.send(what, method, path, body).await?)
    }

    /// Reads an answer. `what` as for [`ask`](Self::ask).
    ///
    /// # Errors
    /// `Malformed` for one that is not what was asked for.
    pub fn read<T: DeserializeOwned>(&self, what: &str, answer: &Response<Bytes>) -> Result<T, Error> {
        // What serde says of a value would show a part of it.
        serde_json::from_slice(answer.body()).map_err(|_| {
            let (name, base) = (self.service.name, &self.base);
            let status = answer.status().as_u16();
            Error::new(
                ErrorKind::Malformed,
                format!("{what}: {name} answered {status} with something else than was asked for; is {base} its API?"),
            )
        })
    }

    /// Sends one request, and once more with other credentials when its own were refused.
    ///
    /// # Errors
    /// What the source of credentials and the transport say, and what the service refuses: [`Fault::of`] finds its words.
    pub async fn send(
        &self,
        what: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response<Bytes>, Error> {
        self.dispatch(what, self.request(method, path, body)?).await
    }

    /// Sends one request with a header of its own, such as a guard against lost updates (`If-Match`).
    ///
    /// # Errors
    /// As [`send`](Self::send); `Malformed` when `value` is no text fit for a header.
    pub async fn send_with(
        &self,
        what: &str,
        header: HeaderName,
        value: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response<Bytes>, Error> {
        let mut request = self.request(method, path, body)?;
        let value = value.parse().map_err(|_| {
            Error::new(
                ErrorKind::Malformed,
                format!("{what}: {header} of {} is no text fit for a header", self.service.name),
            )
        })?;
        request.headers_mut().insert(header, value);
        self.dispatch(what, request).await
    }

    /// What was to be removed is not there: done, unless its zone, which lies at `path`, is not there either. Then it may be left in another account.
    ///
    /// # Errors
    /// As [`send`](Self::send): `NotFound` where the zone is not there. That it may not be looked at is none.
    pub async fn is_gone(&self, what: &str, path: &str) -> Result<(), Error> {
        match self.send(what, Method::GET, path, None).await {
            Err(error) if error.kind() != ErrorKind::Unauthorized => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn dispatch(&self, what: &str, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let mut has_second_try = true;
        loop {
            let now = self.clock.now();
            let credential = self.credentials.credential(now).await.map_err(|error| error.while_doing(what))?;
            let mut attempt = request.clone();
            credential.authenticate(&mut attempt, now).map_err(|error| error.while_doing(what))?;
            let answer = self.transport.send(attempt).await.map_err(|error| error.while_doing(what))?;
            let Some(fault) = (self.service.fault)(&answer) else {
                return Ok(answer);
            };
            let fault = fault.without(&credential.secrets());
            tracing::debug!(what, service = self.service.name, %fault, "a DNS service refused");
            if fault.meaning() == Meaning::Credentials {
                self.credentials.rejected();
                if std::mem::take(&mut has_second_try) {
                    continue;
                }
            }
            return Err(fault.into_error(what, self.service.name, &answer, now));
        }
    }

    fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Request<Bytes>, Error> {
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method;
        *request.uri_mut() = format!("{}{path}", self.base).parse().map_err(|source| {
            let what = format!("{} has no address for {path:?}", self.service.name);
            Error::new(ErrorKind::Malformed, what).with_source(source)
        })?;
        request.headers_mut().insert(ACCEPT, JSON);
        if let Some(body) = body {
            request.headers_mut().insert(CONTENT_TYPE, JSON);
            *request.body_mut() = body.to_string().into();
        }
        Ok(request)
    }
}

impl<C> Clone for HttpApi<C> {
    fn clone(&self) -> Self {
        Self {
            service: self.service,
            base: self.base.clone(),
            credentials: Arc::clone(&self.credentials),
            transport: Arc::clone(&self.transport),
            clock: Arc::clone(&self.clock),
        }
    }
}

impl<C> fmt::Debug for HttpApi<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpApi").field("service", &self.service.name).field("base", &self.base).finish_non_exhaustive()
    }
}

/// `None` for what is not there.
///
/// # Errors
/// What `outcome` says otherwise.
pub fn existing<T>(outcome: Result<T, Error>) -> Result<Option<T>, Error> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// One segment of a path, or one value of a query: what is not unreserved (RFC 3986 section 2.3) is percent-encoded.
pub fn encoded(text: &str) -> String {
    uri::encoded(text)
}

fn base_url(service: &str, base: &str) -> Result<Url, Error> {
    let url = Url::parse(base.trim_end_matches('/'))
        .map_err(|error| error.while_doing(format_args!("the address of {service}")))?;
    if url.as_str().contains(['?', '#']) || url.authority().contains('@') {
        return Err(Error::new(
            ErrorKind::Malformed,
            format!("the address of {service} holds more than scheme, host, port and a path"),
        ));
    }
    Ok(url)
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
