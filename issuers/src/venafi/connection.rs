//! One call to a service: its address, our credentials, and what an answer that says no means.

use std::fmt;
use std::sync::Arc;

use acme_core::protocol::Url;
use acme_core::transport::refusal;
use acme_core::{Clock, Error, ErrorKind, Retry, Secret, Timestamp, Transport, text};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use solvers::credentials::CredentialSource;

use crate::limits;

/// Where a service answers.
#[derive(Clone)]
pub(super) struct Wire {
    base: Url,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
}

impl Wire {
    /// The service at `address`, which ends before the path of its interface; `https://` may be left out.
    pub(super) fn new(address: &str, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let address = address.trim().trim_end_matches('/');
        let url = match address.split_once("://") {
            Some(_) => Url::parse(address)?,
            None => Url::parse(&format!("https://{address}"))?,
        };
        let is_plain = url.as_str().starts_with("https://") && !url.as_str().contains(['?', '#', '@']);
        if !is_plain {
            let shown = text::printable(url.authority().rsplit('@').next().unwrap_or_default(), 120);
            return Err(Error::new(
                ErrorKind::Malformed,
                format!("the address of {shown} must be https, a host, and a path at the most: credentials go over it"),
            ));
        }
        Ok(Self { base: url, transport, clock })
    }

    pub(super) fn host(&self) -> &str {
        self.base.authority()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sends one request; every status is an answer.
    pub(super) async fn send(
        &self,
        call: &Call<'_>,
        credential: Option<&Credential>,
    ) -> Result<Response<Bytes>, Error> {
        let base = self.base.as_str();
        let uri = if call.path.is_empty() { base.to_owned() } else { format!("{base}/{}", call.path) };
        let mut request = Request::builder().method(call.method.clone()).uri(uri).header(header::ACCEPT, call.accepts);
        if !call.body.is_empty() {
            request = request.header(header::CONTENT_TYPE, call.content_type);
        }
        if let Some(credential) = credential {
            request = request.header(credential.header.clone(), credential.value()?);
        }
        let request = request.body(call.body.clone()).map_err(|source| {
            Error::new(ErrorKind::Malformed, format!("{} is no request of HTTP", self.doing(call))).with_source(source)
        })?;
        self.transport.send(request).await.map_err(|error| error.while_doing(self.doing(call)))
    }

    pub(super) fn doing(&self, call: &Call<'_>) -> String {
        format!("{} at {}", call.doing, self.host())
    }

    /// The error for an answer that says no, with what it says.
    pub(super) fn refused(&self, call: &Call<'_>, answer: &Response<Bytes>, says: Option<String>) -> Error {
        let status = answer.status();
        let says = match says {
            Some(says) if !says.trim().is_empty() => text::printable(says.trim(), limits::VENAFI_TEXT),
            _ => "it gives no reason".to_owned(),
        };
        let doing = self.doing(call);
        let error = refusal(format!("{doing}: it answered {}: {says}", status.as_u16()), answer, self.now());
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => error.with_retry(Retry::Never),
            StatusCode::BAD_REQUEST | StatusCode::PRECONDITION_FAILED | StatusCode::UNPROCESSABLE_ENTITY => {
                error.with_retry(Retry::Never)
            }
            _ => error,
        }
    }
}

/// A service and credentials for it.
pub(super) struct Connection {
    pub(super) wire: Wire,
    pub(super) credentials: Arc<dyn CredentialSource<Credential>>,
}

impl Connection {
    /// Sends one request with our credentials. When they are refused, once more with fresh ones, where there are any.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Response<Bytes>, Error> {
        let used = self.credentials.credential(self.wire.now()).await?;
        let answer = self.wire.send(call, Some(&used)).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let mut fresh = self.credentials.credential(self.wire.now()).await?;
        // Somebody who was refused before us may have replaced them already.
        if Arc::ptr_eq(&used, &fresh) {
            self.credentials.rejected();
            fresh = self.credentials.credential(self.wire.now()).await?;
        }
        if Arc::ptr_eq(&used, &fresh) {
            return Ok(answer);
        }
        self.wire.send(call, Some(&fresh)).await
    }
}

/// A request to come.
pub(super) struct Call<'a> {
    /// What it is for, in words that `at …` follows.
    pub(super) doing: &'a str,
    method: Method,
    path: String,
    body: Bytes,
    content_type: &'static str,
    accepts: &'static str,
}

impl<'a> Call<'a> {
    pub(super) fn get(doing: &'a str, path: impl Into<String>) -> Self {
        Self { method: Method::GET, ..Self::post(doing, path, Bytes::new()) }
    }

    /// With a body in JSON.
    pub(super) fn post(doing: &'a str, path: impl Into<String>, body: impl Into<Bytes>) -> Self {
        let (path, body) = (path.into(), body.into());
        Self { doing, method: Method::POST, path, body, content_type: JSON, accepts: JSON }
    }

    /// With a body as forms of HTML have it.
    pub(super) fn form(doing: &'a str, path: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self { content_type: "application/x-www-form-urlencoded", ..Self::post(doing, path, body) }
    }

    pub(super) fn accepting(mut self, accepts: &'static str) -> Self {
        self.accepts = accepts;
        self
    }
}

/// What shows who we are: a header and its value.
pub(super) struct Credential {
    header: HeaderName,
    value: Secret<String>,
}

impl Credential {
    pub(super) fn bearer(token: &str) -> Self {
        Self { header: header::AUTHORIZATION, value: Secret::new(format!("Bearer {token}")) }
    }

    pub(super) fn basic(value: String) -> Self {
        Self { header: header::AUTHORIZATION, value: Secret::new(format!("Basic {value}")) }
    }

    pub(super) fn key(header: &'static str, key: String) -> Self {
        Self { header: HeaderName::from_static(header), value: Secret::new(key) }
    }

    fn value(&self) -> Result<HeaderValue, Error> {
        let mut value = HeaderValue::from_str(self.value.expose().trim()).map_err(|_| {
            Error::new(ErrorKind::Unauthorized, "the credentials hold line breaks or other control characters")
        })?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({}: ..)", self.header)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connection").field(&self.wire.base).finish()
    }
}

/// One segment of a path, or one value of a form: what is not unreserved (RFC 3986 section 2.3) is percent-encoded.
pub(super) fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => {
                let _ = write!(out, "%{other:02X}");
            }
        }
        out
    })
}

const JSON: &str = "application/json";
