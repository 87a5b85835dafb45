//! Why the API server did not do what it was asked.

use std::fmt;
use std::time::Duration;

use acme_core::{Error, ErrorKind, Retry, text};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

/// Why a call did not succeed.
#[derive(Debug)]
pub(crate) struct Refusal {
    kind: RefusalKind,
    text: String,
    after: Option<Duration>,
}

/// What has to follow from a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum RefusalKind {
    /// An object of this name exists (409 on POST): maybe mine. Look.
    Exists,
    /// It changed since it was seen (409 on PATCH and DELETE): maybe by me. Look.
    Conflict,
    /// It is not there (404): of an object, or its namespace.
    Gone,
    /// RBAC or an admission plugin says no (401, 403): a person has to act.
    Forbidden,
    /// The object is not valid, or too large (400, 413, 422): the same again is refused again.
    Invalid,
    /// Too much at once, or the server is not well (429, 500, 503): later.
    Busy,
    /// Nobody knows whether it happened (no answer, 504). Look.
    Lost,
}

impl Refusal {
    /// What has to follow.
    pub(crate) fn kind(&self) -> RefusalKind {
        self.kind
    }

    /// When the server wants to be asked again.
    pub(crate) fn after(&self) -> Option<Duration> {
        self.after
    }

    /// Nobody knows whether it happened.
    pub(crate) fn lost(text: impl Into<String>) -> Self {
        Self { kind: RefusalKind::Lost, text: text::printable(&text.into(), LONGEST_TEXT), after: None }
    }

    /// The same, of a write whose answer could not be read: it may have happened.
    pub(crate) fn into_lost(self) -> Self {
        Self { kind: RefusalKind::Lost, ..self }
    }

    /// The same as the library's error: `what` could not be done.
    pub(crate) fn to_error(&self, what: &str) -> Error {
        let what = format!("{what}: {self}");
        match self.kind {
            RefusalKind::Busy => {
                let pause = self.after.unwrap_or(Duration::from_secs(1));
                Error::new(ErrorKind::Busy, what).with_retry(Retry::After(pause))
            }
            RefusalKind::Forbidden => Error::new(ErrorKind::Unauthorized, what),
            RefusalKind::Invalid => Error::new(ErrorKind::Unsupported, what),
            RefusalKind::Gone => Error::new(ErrorKind::NotFound, what),
            RefusalKind::Exists | RefusalKind::Conflict | RefusalKind::Lost => Error::new(ErrorKind::Unreachable, what),
        }
    }

    /// Reads the answer of the API server.
    pub(crate) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Status {
            message: String,
            reason: String,
        }
        let told: Status = serde_json::from_slice(body).unwrap_or_default();
        let kind = match (status.as_u16(), told.reason.as_str()) {
            (409, "AlreadyExists") => RefusalKind::Exists,
            (409, _) => RefusalKind::Conflict,
            (404 | 410, _) => RefusalKind::Gone,
            (401 | 403, _) => RefusalKind::Forbidden,
            (504, _) => RefusalKind::Lost,
            (429 | 500..=599, _) => RefusalKind::Busy,
            (_, _) => RefusalKind::Invalid,
        };
        let after = headers
            .get(http::header::RETRY_AFTER)
            .and_then(|it| it.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let text = if told.message.is_empty() { format!("the API server answered {status}") } else { told.message };
        Self { kind, text: text::printable(&text, LONGEST_TEXT), after }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else it is, the same again is refused again")]
        let kind = match error.kind() {
            ErrorKind::Unreachable => RefusalKind::Lost,
            ErrorKind::Busy => RefusalKind::Busy,
            _ => RefusalKind::Invalid,
        };
        Self { kind, text: text::printable(&error.to_string(), LONGEST_TEXT), after: None }
    }
}

/// Text from outside in conditions, Events and logs.
const LONGEST_TEXT: usize = 1024;
