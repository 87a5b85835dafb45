//! Requests to a service of AWS: signed, sent, and their refusals understood.

use std::fmt;
use std::sync::Arc;

use acme_core::{Clock, Error, ErrorKind, Timestamp, Transport};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, Uri};

use super::{Credentials, Endpoint, Fault};
use crate::credentials::CredentialSource;

/// Signs and sends requests to one service. It waits for nobody and retries nothing, except once with other credentials when its own were refused.
#[derive(Clone)]
pub struct Client {
    endpoint: Endpoint,
    credentials: Arc<dyn CredentialSource<Credentials>>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
}

impl Client {
    /// A client of the service at `endpoint`.
    pub fn new(
        endpoint: Endpoint,
        credentials: Arc<dyn CredentialSource<Credentials>>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { endpoint, credentials, transport, clock }
    }

    /// The service.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The clock by which requests are signed.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Sends `request`, whose URI is a path with its query. `what` names the action and the thing acted on, for errors:
    /// `acm-pca:IssueCertificate on arn:aws:…`.
    ///
    /// # Errors
    /// What the source of credentials and the transport say. For an answer that is no success, the kind and the advice on retrying follow from
    /// AWS's own code, and [`Fault::of`] answers that code: `Busy` when throttled, `Unauthorized` when denied.
    pub async fn send(&self, what: &str, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let now = self.clock.now();
        exchange(&self.endpoint, self.credentials.as_ref(), self.transport.as_ref(), what, request, now).await
    }

    /// Calls `target` (`ACMPrivateCA.IssueCertificate`) of a service that speaks AWS's JSON protocol 1.1.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn json(&self, what: &str, target: &'static str, body: impl Into<Bytes>) -> Result<Bytes, Error> {
        let mut request = Request::new(body.into());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static("/");
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
        request.headers_mut().insert(HeaderName::from_static("x-amz-target"), HeaderValue::from_static(target));
        self.send(what, request).await.map(Response::into_body)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// One request, signed and sent; once more with other credentials when these are refused.
pub(super) async fn exchange(
    endpoint: &Endpoint,
    source: &dyn CredentialSource<Credentials>,
    transport: &dyn Transport,
    what: &str,
    mut request: Request<Bytes>,
    now: Timestamp,
) -> Result<Response<Bytes>, Error> {
    let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = endpoint.resolve(&path)?;
    let mut has_second_try = true;
    loop {
        let credentials = source.credential(now).await.map_err(|error| error.while_doing(what))?;
        endpoint.scope().sign(&mut request, &credentials, now)?;
        let answer = transport.send(request.clone()).await.map_err(|error| error.while_doing(what))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let fault = Fault::read(&answer, &credentials.secrets());
        tracing::debug!(what, fault = %fault, status = answer.status().as_u16(), "AWS refused");
        if fault.refuses_credentials() {
            source.rejected();
            if std::mem::take(&mut has_second_try) {
                continue;
            }
        }
        return Err(fault.to_error(what, &answer, now));
    }
}

/// The body of an answer as text.
pub(super) fn text_of(answer: &Response<Bytes>) -> Result<&str, Error> {
    std::str::from_utf8(answer.body())
        .map_err(|source| Error::new(ErrorKind::Malformed, "an answer of AWS is no text").with_source(source))
}
