//! Answers and refusals before they become HTTP.

use std::time::Duration;

use acme_core::protocol::{Problem, ProblemType};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, header};
use serde_json::Value;

/// An answer in the making.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self { status, headers: vec![(header::CONTENT_TYPE, content_type.to_owned())], body: body.into() }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    pub(crate) fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn at(self, url: String) -> Self {
        self.with(header::LOCATION, url)
    }

    pub(crate) fn link(self, url: &str, relation: &str) -> Self {
        self.with(header::LINK, format!("<{url}>;rel=\"{relation}\""))
    }

    pub(crate) fn retry_after(self, after: Option<Duration>) -> Self {
        match after {
            Some(after) => self.with(header::RETRY_AFTER, after.as_secs().to_string()),
            None => self,
        }
    }

    pub(crate) fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(self.body);
        *response.status_mut() = http::StatusCode::from_u16(self.status).expect("a status of HTTP");
        for (name, value) in self.headers {
            let value = HeaderValue::from_str(&value).expect("a header value of HTTP");
            response.headers_mut().append(name, value);
        }
        response
    }
}

/// A refusal: a problem document on its way out.
pub(crate) struct Refusal(Box<Reply>);

impl Refusal {
    pub(crate) fn new(status: u16, kind: ProblemType, detail: impl Into<String>) -> Self {
        Self::from_problem(&Problem::new(kind, detail).with_status(status))
    }

    /// A refusal with the problem's own status, or 400.
    pub(crate) fn from_problem(problem: &Problem) -> Self {
        let body = serde_json::to_string(problem).expect("problems are JSON");
        Self(Box::new(Reply::new(problem.status.unwrap_or(400), "application/problem+json", body)))
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(400, ProblemType::Malformed, detail)
    }

    pub(crate) fn missing(what: &str) -> Self {
        Self::new(404, ProblemType::Malformed, format!("no such {what}"))
    }

    pub(crate) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(403, ProblemType::Unauthorized, detail)
    }

    pub(crate) fn with(self, name: HeaderName, value: impl Into<String>) -> Self {
        Self(Box::new(self.0.with(name, value)))
    }

    pub(crate) fn into_reply(self) -> Reply {
        *self.0
    }
}
