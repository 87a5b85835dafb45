//! What a DNS service says when it refuses, and what that means to us.

use std::fmt;

use acme_core::{Error, ErrorKind, Retry, Timestamp, text, transport};
use bytes::Bytes;
use http::Response;

use crate::limits;

/// A refusal of a DNS service. It is the [`source`](std::error::Error::source) of the error made of it; [`of`](Self::of) finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    code: String,
    message: String,
    meaning: Meaning,
    advice: &'static str,
    /// Code and message as they came: a secret is looked for before anything is cut, lest its beginning stays.
    raw: Option<Box<[String; 2]>>,
}

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "`HttpApi` must obey every variant")]
pub enum Meaning {
    /// What the status says: 429 and 5xx are `Busy`, 404 `NotFound`, 409 `Conflict`, other 4xx `Refused`. None is final.
    Status,
    /// The credentials are unknown or have ended: fetched anew once, then `Unauthorized`. A rotation may help.
    Credentials,
    /// The credentials do not allow it: `Unauthorized`, final.
    Denied,
    /// It will never be done: `Refused`, final. So is what was refused, by any of the service's words, because the name is an alias.
    Refused,
    /// The thing is not there: `NotFound`.
    Missing,
    /// Others changed the same thing first: `Conflict`.
    Conflict,
    /// Later: `Busy`, after the time given where there is one.
    Busy,
}

impl Fault {
    /// A refusal by `code`, with what was said. Give no text that differs between two identical refusals (ids of requests, times).
    pub fn new(code: impl Into<String>, message: impl AsRef<str>, meaning: Meaning) -> Self {
        Self::cut([code.into(), message.as_ref().to_owned()], meaning)
    }

    fn cut(raw: [String; 2], meaning: Meaning) -> Self {
        let code = text::printable(raw[0].trim(), CODE);
        let message = text::printable(raw[1].trim(), limits::DNS_API_MESSAGE);
        Self { code, message, meaning, advice: "", raw: Some(Box::new(raw)) }
    }

    /// What the status alone says: `None` for 2xx, [`Meaning::Credentials`] for 401, [`Meaning::Denied`] for 403, else [`Meaning::Status`].
    pub fn by_status(answer: &Response<Bytes>, message: impl AsRef<str>) -> Option<Self> {
        let status = answer.status();
        let meaning = match status.as_u16() {
            200..300 => return None,
            401 => Meaning::Credentials,
            403 => Meaning::Denied,
            _ => Meaning::Status,
        };
        Some(Self::new(status.as_str(), message, meaning))
    }

    /// Says what a person should do; it ends the error's text.
    #[must_use]
    pub fn advising(mut self, advice: &'static str) -> Self {
        self.advice = advice;
        self
    }

    /// The refusal behind `error`, where there was one.
    pub fn of(error: &Error) -> Option<&Self> {
        std::error::Error::source(error)?.downcast_ref()
    }

    /// The service's own code, else the status.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What was said: bounded, printable, without secrets.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What it means.
    pub fn meaning(&self) -> Meaning {
        self.meaning
    }

    pub(super) fn without(self, secrets: &[&str]) -> Self {
        let Some(mut raw) = self.raw else { return self };
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            *raw = raw.map(|text| text.replace(*secret, "…"));
        }
        Self { advice: self.advice, raw: None, ..Self::cut(*raw, self.meaning) }
    }

    /// Every service has words of its own for an alias where a record was to be, and all of them name its type.
    fn is_about_alias(&self) -> bool {
        let is_final = match self.meaning {
            Meaning::Refused | Meaning::Conflict | Meaning::Status => true,
            Meaning::Credentials | Meaning::Denied | Meaning::Missing | Meaning::Busy => false,
        };
        is_final && self.message.contains("CNAME")
    }

    pub(super) fn into_error(mut self, what: &str, service: &str, answer: &Response<Bytes>, now: Timestamp) -> Error {
        if answer.status().is_client_error() && self.is_about_alias() {
            self = Self { meaning: Meaning::Refused, advice: ALIAS, ..self };
        }
        let mut said = format!("{what}: {service} answered {}", self.code);
        if !self.message.is_empty() {
            said = format!("{said}: {}", self.message);
        }
        if !self.advice.is_empty() {
            said = format!("{said} ({})", self.advice);
        }
        let by_status = transport::refusal(said.clone(), answer, now);
        let later = match by_status.retry() {
            after @ Retry::After(_) => after,
            Retry::Never | Retry::Backoff => Retry::Backoff,
        };
        let (kind, retry) = match self.meaning {
            // A success by its status that is none by its body.
            Meaning::Status if answer.status().is_success() => (ErrorKind::Refused, Retry::Backoff),
            Meaning::Status => (by_status.kind(), by_status.retry()),
            Meaning::Credentials => (ErrorKind::Unauthorized, Retry::Backoff),
            Meaning::Denied => (ErrorKind::Unauthorized, Retry::Never),
            Meaning::Refused => (ErrorKind::Refused, Retry::Never),
            Meaning::Missing => (ErrorKind::NotFound, Retry::Backoff),
            Meaning::Conflict => (ErrorKind::Conflict, later),
            Meaning::Busy => (ErrorKind::Busy, later),
        };
        Error::new(kind, said).with_retry(retry).with_source(self)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Fault {}

/// What a person does about a name that is an alias.
pub(crate) const ALIAS: &str = "the name is an alias; follow the delegation, or remove the CNAME record";
const CODE: usize = 128;
