//! Where Vault answers.

use std::fmt;
use std::sync::Arc;

use acme_core::protocol::Url;
use acme_core::{Clock, Error, ErrorKind, Secret, Timestamp, Transport, text};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};

use super::call::{Call, Doing};
use super::failure;

/// A Vault server, and how to reach it. Copies share the connections.
///
/// Its TLS is the transport's: give that the root of a private certificate authority, or a client certificate.
#[derive(Clone)]
pub struct Server {
    base: Url,
    namespace: Option<HeaderValue>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
}

impl Server {
    /// The server at `url`, such as `https://vault.example:8200`, reached over `transport`.
    ///
    /// # Errors
    /// `Malformed` when `url` is more than scheme, host, port and a path in front of `/v1/`.
    pub fn new(url: &str, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let base = Url::parse(url.trim_end_matches('/'))?;
        if base.as_str().contains(['?', '#']) || base.authority().contains('@') {
            let shown = base.authority().rsplit('@').next().unwrap_or_default();
            return Err(Error::new(
                ErrorKind::Malformed,
                format!("the address of vault at {shown} holds more than scheme, host, port and a path"),
            ));
        }
        Ok(Self { base, namespace: None, transport, clock })
    }

    /// Does everything in this namespace (Vault Enterprise, HCP, OpenBao), such as `teams/web`: logging in, too.
    ///
    /// # Errors
    /// `Malformed` when it is no such name.
    pub fn in_namespace(mut self, namespace: &str) -> Result<Self, Error> {
        let value = HeaderValue::from_str(namespace).ok().filter(|it| !it.is_empty());
        let Some(value) = value else {
            let shown = text::printable(namespace, 120);
            return Err(Error::new(ErrorKind::Malformed, format!("{shown:?} is no namespace of vault")));
        };
        self.namespace = Some(value);
        Ok(self)
    }

    /// Whether it is initialised and unsealed: nothing more can be asked of it before that. Needs no login.
    ///
    /// A standby is fine: it hands requests on to the active one.
    ///
    /// # Errors
    /// `Busy` when it is sealed or not initialised; `Unreachable`, `Malformed` when it does not answer as Vault does.
    pub async fn check(&self) -> Result<(), Error> {
        let call = Call::get(Doing::Health, "sys/health");
        let answer = self.send(&call, None).await?;
        // 429: standby, 472: disaster recovery secondary, 473: performance standby.
        match answer.status().as_u16() {
            200 | 429 | 472 | 473 => Ok(()),
            _ => Err(failure::of(self, &call, None, &answer)),
        }
    }

    /// The host, with its port where one is written.
    pub(super) fn host(&self) -> &str {
        self.base.authority()
    }

    pub(super) fn namespace(&self) -> Option<String> {
        self.namespace.as_ref().map(|it| text::printable(&String::from_utf8_lossy(it.as_bytes()), 120))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sends a call; its answer says yes.
    pub(super) async fn ask(&self, call: &Call<'_>, token: Option<&Secret<String>>) -> Result<Bytes, Error> {
        let answer = self.send(call, token).await?;
        self.read(call, token, answer)
    }

    /// The body of an answer that says yes.
    pub(super) fn read(
        &self,
        call: &Call<'_>,
        token: Option<&Secret<String>>,
        answer: Response<Bytes>,
    ) -> Result<Bytes, Error> {
        match answer.status() {
            StatusCode::OK | StatusCode::NO_CONTENT => Ok(answer.into_body()),
            _ => Err(failure::of(self, call, token, &answer)),
        }
    }

    /// Sends a call; its answer says anything.
    pub(super) async fn send(&self, call: &Call<'_>, token: Option<&Secret<String>>) -> Result<Response<Bytes>, Error> {
        let malformed = |source: http::Error| {
            Error::new(ErrorKind::Malformed, format!("{} is no request of HTTP", call.path)).with_source(source)
        };
        let mut request = Request::builder().method(call.method.clone()).uri(format!("{}/v1/{}", self.base, call.path));
        request = request.header(REQUEST, "true");
        // The health is the whole server's; asked in a namespace, Vault does not know the path.
        if let (Some(namespace), true) = (&self.namespace, call.doing != Doing::Health) {
            request = request.header(NAMESPACE, namespace);
        }
        if let Some(token) = token {
            let mut token = HeaderValue::from_str(token.expose().trim()).map_err(|_| {
                Error::new(ErrorKind::Unauthorized, "the token for vault holds line breaks or other control characters")
            })?;
            token.set_sensitive(true);
            request = request.header(TOKEN, token);
        }
        if !call.body.is_empty() {
            request = request.header(http::header::CONTENT_TYPE, "application/json");
        }
        let request = request.body(call.body.clone()).map_err(malformed)?;
        self.transport.send(request).await.map_err(|error| error.while_doing(call.doing.in_words(self.host())))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("base", &self.base).field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
/// Vault's agents refuse requests without it, against forged ones.
const REQUEST: HeaderName = HeaderName::from_static("x-vault-request");
