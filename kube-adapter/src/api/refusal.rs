//! Why the API server did not do what it was asked.

use std::fmt;
use std::time::Duration;

use acme_core::{Error, ErrorKind, Retry, text};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::limits;

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

    /// What a person can do about an object that is larger than the API server takes; nothing where something else is wrong.
    pub(crate) fn hint(&self) -> &'static str {
        let is_large = TOO_LARGE.iter().chain(&TOO_LARGE_TO_STORE).any(|it| self.text.contains(it));
        if self.kind == RefusalKind::Invalid && is_large { SMALLER } else { "" }
    }

    /// Whether a right on Secrets lacks.
    pub(crate) fn is_of_secrets(&self) -> bool {
        self.kind == RefusalKind::Forbidden && self.text.starts_with("secrets ")
    }

    /// When the server wants to be asked again.
    pub(crate) fn after(&self) -> Option<Duration> {
        self.after
    }

    /// Nobody knows whether it happened.
    pub(crate) fn lost(text: impl Into<String>) -> Self {
        Self { kind: RefusalKind::Lost, text: text::printable(&text.into(), limits::TEXT), after: None }
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
            // What its store says of an object that is too large comes through as a failure of the server.
            (500, _) if TOO_LARGE_TO_STORE.iter().any(|it| told.message.contains(it)) => RefusalKind::Invalid,
            (429 | 500..=599, _) => RefusalKind::Busy,
            (_, _) => RefusalKind::Invalid,
        };
        let after = headers
            .get(http::header::RETRY_AFTER)
            .and_then(|it| it.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let text = if told.message.is_empty() { format!("the API server answered {status}") } else { told.message };
        Self { kind, text: text::printable(&text, limits::TEXT), after }
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
        Self { kind, text: text::printable(&error.to_string(), limits::TEXT), after: None }
    }
}

/// What the API server and its validation say of objects that are too large.
const TOO_LARGE: [&str; 3] = ["entity is too large", "Too long", "may not be more than"];

/// What its store says of them: etcd, or the connection to it.
const TOO_LARGE_TO_STORE: [&str; 2] = ["etcdserver: request is too large", "trying to send message larger than max"];

/// What to do about that.
const SMALLER: &str = ". It is too large for the API server: ask for fewer names, and take out of labels, annotations, secretTemplate and the Secret's other \
                       data what is not needed";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, message: &str) -> Refusal {
        let body = format!(r#"{{ "kind": "Status", "message": "{message}" }}"#);
        Refusal::read(StatusCode::from_u16(status).expect("a status"), &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn an_object_that_is_too_large_is_refused_for_good_and_what_helps_is_told() {
        for (status, message) in [
            (500, "etcdserver: request is too large"),
            (
                500,
                "rpc error: code = ResourceExhausted desc = trying to send message larger than max (2469382 vs. 2097152)",
            ),
            (413, "Request entity is too large: limit is 3145728"),
            (422, "metadata.annotations: Too long: may not be more than 262144 bytes"),
            (422, "data: Too long: may not be more than 1048576 bytes"),
        ] {
            let refusal = read(status, message);
            assert_eq!(refusal.kind(), RefusalKind::Invalid, "{message}");
            assert!(refusal.hint().contains("ask for fewer names"), "{message}");
        }
        for (status, message) in [(500, "etcdserver: request timed out"), (422, "spec.secretName: Required value")] {
            assert_eq!(read(status, message).hint(), "", "{message}");
        }
        assert_eq!(read(500, "etcdserver: request timed out").kind(), RefusalKind::Busy);
    }
}
