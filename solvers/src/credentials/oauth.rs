//! Access tokens of OAuth 2.0 (RFC 6749): one request, one token with its end.

use std::fmt;
use std::time::Duration;

use acme_core::{Error, ErrorKind, Retry, Secret, Timestamp, Transport, text, transport};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response};
use serde::Deserialize;
use serde_json::Value;

use super::Fetched;
use crate::limits;
use crate::uri::encoded;

/// An access token. Requests carry it in `Authorization: Bearer …`.
pub struct AccessToken(Secret<String>);

impl AccessToken {
    /// A token that somebody else got.
    pub fn new(token: &Secret<String>) -> Self {
        Self(Secret::new(token.expose().trim().to_owned()))
    }

    /// The token. Nothing but the header of a request wants it.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The value of `Authorization`, which no log shows.
    ///
    /// # Errors
    /// `Malformed` when the token is no text fit for a header.
    pub fn header(&self) -> Result<HeaderValue, Error> {
        let text = Secret::new(format!("Bearer {}", self.expose()));
        let mut header: HeaderValue = text
            .expose()
            .parse()
            .map_err(|_| Error::new(ErrorKind::Malformed, "an access token is no text fit for a header"))?;
        header.set_sensitive(true);
        Ok(header)
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(..)")
    }
}

/// A request with a form (RFC 6749 appendix B).
pub(super) fn form(url: &str, fields: &[(&str, &str)]) -> Result<Request<Bytes>, Error> {
    let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    posted(url, FORM, body.join("&"))
}

/// A request to `url` with `body`.
pub(super) fn posted(url: &str, kind: HeaderValue, body: String) -> Result<Request<Bytes>, Error> {
    let mut request = get(url)?;
    *request.method_mut() = Method::POST;
    request.headers_mut().insert(CONTENT_TYPE, kind);
    *request.body_mut() = body.into();
    Ok(request)
}

/// A question to `url`.
pub(super) fn get(url: &str) -> Result<Request<Bytes>, Error> {
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = url.parse().map_err(|source| {
        let what = format!("{:?} is no address of a token endpoint", text::printable(url, SHOWN));
        Error::new(ErrorKind::Malformed, what).with_source(source)
    })?;
    request.headers_mut().insert(ACCEPT, JSON);
    Ok(request)
}

/// Asks for a token. `what` says for whom and where, for errors; `secrets` are in the question.
pub(super) async fn token(
    what: &str,
    request: Request<Bytes>,
    secrets: &[&str],
    transport: &dyn Transport,
    now: Timestamp,
) -> Result<Fetched<AccessToken>, Error> {
    let answer = transport.send(request).await.map_err(|error| error.while_doing(what))?;
    if !answer.status().is_success() {
        return Err(refused(what, &answer, secrets, now));
    }
    read(answer.body(), now).ok_or_else(|| {
        Error::new(ErrorKind::Malformed, format!("{what}: the answer holds no access token, or one beyond any bound"))
    })
}

fn read(body: &[u8], now: Timestamp) -> Option<Fetched<AccessToken>> {
    // What serde says of a value would show a part of it.
    let told: Told = serde_json::from_slice(body).ok()?;
    let token = told.token.filter(|it| !it.is_empty() && it.len() <= limits::ACCESS_TOKEN)?;
    let expires = match (told.expires_in, told.expire_time) {
        (_, Some(time)) => Some(Timestamp::parse_rfc3339(&time).ok()?),
        // Managed identities write the number as a text.
        (Some(Value::String(seconds)), None) => Some(after(now, seconds.parse().ok()?)),
        (Some(Value::Number(seconds)), None) => Some(after(now, seconds.as_u64()?)),
        (None, None) => None,
        (Some(_), None) => return None,
    };
    Some(Fetched::new(AccessToken(Secret::new(token)), expires))
}

fn after(now: Timestamp, seconds: u64) -> Timestamp {
    now + Duration::from_secs(seconds).min(limits::ACCESS_TOKEN_LIFE)
}

fn refused(what: &str, answer: &Response<Bytes>, secrets: &[&str], now: Timestamp) -> Error {
    let told: Complaint = serde_json::from_slice(answer.body()).unwrap_or_default();
    let mut said = format!("{what}: the answer was {}", answer.status().as_u16());
    for word in told.words(secrets).into_iter().filter(|it| !it.is_empty()) {
        said = format!("{said}: {word}");
    }
    let by_status = transport::refusal(said.clone(), answer, now);
    match answer.status().as_u16() {
        // Whoever rotates a secret or a binding helps.
        400 | 401 | 403 => Error::new(ErrorKind::Unauthorized, said).with_retry(Retry::Backoff),
        _ => by_status,
    }
}

#[derive(Deserialize)]
struct Told {
    #[serde(alias = "accessToken")]
    #[serde(rename = "access_token")]
    token: Option<String>,
    expires_in: Option<Value>,
    #[serde(rename = "expireTime")]
    expire_time: Option<String>,
}

/// RFC 6749 section 5.2, or what Google's newer services say.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Complaint {
    error: Value,
    error_description: String,
}

impl Complaint {
    /// A code and a message, without secrets, and without what differs between two identical refusals.
    fn words(&self, secrets: &[&str]) -> [String; 2] {
        let (code, message) = match &self.error {
            Value::String(code) => (code.as_str(), self.error_description.as_str()),
            object @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                (text_in(object, "status"), text_in(object, "message"))
            }
        };
        // Microsoft ends its sentences with the ids and the time of the request.
        let message = message.split(" Trace ID:").next().unwrap_or_default();
        let message = message.lines().next().unwrap_or_default().trim();
        // Before anything is cut, lest the beginning of a secret stays.
        let silent = |text: &str| {
            let known = secrets.iter().filter(|it| !it.is_empty());
            known.fold(text.to_owned(), |text, secret| text.replace(*secret, "…"))
        };
        [text::printable(&silent(code), SHOWN), text::printable(&silent(message), limits::DNS_API_MESSAGE)]
    }
}

fn text_in<'a>(object: &'a Value, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const SHOWN: usize = 128;
