//! An answer, read: what its headers say, and its body as far as it can be understood.

use std::time::Duration;

use bytes::Bytes;
use http::header::{DATE, HeaderMap, HeaderName, LINK, LOCATION, RETRY_AFTER};
use http::{Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::headers::{self, Link};
use super::nonces::is_nonce;
use super::verdict::refusal;
use crate::protocol::{Problem, ProblemType, Url};
use crate::{Error, ErrorKind, Timestamp, text};

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// What was asked.
    pub(crate) url: Url,
    pub(crate) date: Option<Timestamp>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) location: Option<Url>,
    pub(crate) links: Vec<Link>,
    pub(crate) nonce: Option<String>,
    /// What a failure says of itself.
    pub(crate) problem: Option<Problem>,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn read(url: &Url, response: Response<Bytes>, now: Timestamp) -> Self {
        let (head, body) = response.into_parts();
        let header = |name: HeaderName| text_of(&head.headers, &name);
        let date = header(DATE).and_then(|it| Timestamp::parse_http_date(it).ok());
        let failed = !head.status.is_success();
        let problem = if failed { problem(&body, head.status) } else { None };
        Self {
            status: head.status,
            date,
            retry_after: header(RETRY_AFTER).and_then(|it| headers::retry_after(it, date.unwrap_or(now))),
            location: header(LOCATION).and_then(|it| url.join(it.trim()).ok()),
            links: headers::links(head.headers.get_all(LINK).iter().filter_map(|it| it.to_str().ok()), url),
            nonce: header(REPLAY_NONCE).filter(|it| is_nonce(it)).map(str::to_owned),
            problem,
            url: url.clone(),
            body,
        }
    }

    /// A success, or the error that it is.
    pub(crate) fn success(self, doing: &str) -> Result<Self, Error> {
        if self.status.is_success() {
            return Ok(self);
        }
        let host = self.url.authority();
        let mut what = format!("{doing}: {host} answered {}", self.status.as_u16());
        if self.status.is_redirection() {
            what.push_str(", a redirect, which ACME does not follow; use the final URL");
        }
        if let Some(problem) = self.problem.as_ref().filter(|it| !it.algorithms.is_empty()) {
            what.push_str(&format!(" and takes the algorithms {}", problem.algorithms.join(", ")));
        }
        let silent = self.problem.is_none();
        let excerpt = excerpt(&self.body);
        let error = refusal(what, self.status, self.problem, self.retry_after);
        Err(match excerpt {
            Some(excerpt) if silent => error.with_source(excerpt),
            _ => error,
        })
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, doing: &str) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|source| {
            let host = self.url.authority();
            let error = Error::new(ErrorKind::Malformed, format!("{doing}: the answer of {host} cannot be read"));
            match excerpt(&self.body) {
                Some(excerpt) => error.with_source(format!("{source}; it begins {excerpt}")),
                None => error.with_source("it is empty"),
            }
        })
    }

    /// The `Location`, without which the thing just made cannot be found again.
    pub(crate) fn require_location(&self, doing: &str) -> Result<Url, Error> {
        self.location.clone().ok_or_else(|| {
            let host = self.url.authority();
            Error::new(
                ErrorKind::Malformed,
                format!("{doing}: the answer of {host} does not say where it is (no Location)"),
            )
        })
    }

    pub(crate) fn is_problem(&self, kind: &ProblemType) -> bool {
        self.problem.as_ref().is_some_and(|it| it.kind == *kind)
    }

    /// Whether the endpoint may have moved to another URL.
    pub(crate) fn may_have_moved(&self) -> bool {
        matches!(self.status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::GONE)
            || (self.status == StatusCode::BAD_REQUEST && self.is_problem(&ProblemType::Malformed))
    }
}

/// Servers and what stands before them label problem documents in many ways; any JSON object with a member of one is taken.
fn problem(body: &[u8], status: StatusCode) -> Option<Problem> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let looks_like_one = ["type", "detail", "title"].iter().any(|name| value.get(name).is_some_and(Value::is_string));
    looks_like_one.then(|| {
        let problem = Problem::from_value(&value);
        match problem.status {
            Some(_) => problem,
            None => problem.with_status(status.as_u16()),
        }
    })
}

fn excerpt(body: &[u8]) -> Option<String> {
    let begin = String::from_utf8_lossy(&body[..body.len().min(4 * EXCERPT)]);
    let words: Vec<&str> = begin.split_whitespace().collect();
    (!words.is_empty()).then(|| format!("{:?}", text::printable(&words.join(" "), EXCERPT)))
}

fn text_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

const REPLAY_NONCE: HeaderName = HeaderName::from_static("replay-nonce");

/// Characters of a body that is no problem document; enough for the title of an HTML page.
const EXCERPT: usize = 160;
