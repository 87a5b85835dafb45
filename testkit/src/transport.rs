//! A transport that answers as a test has written down, and remembers what was sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use acme_core::{Error, ErrorKind, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};

use crate::sync::lock;

/// A [`Transport`] without a network: requests are expected in order, or by rule at any time.
///
/// A request that nothing expects is a panic that names it. Copies share everything, so keep one to look at [`sent`](Self::sent).
#[derive(Clone, Default)]
pub struct ScriptedTransport(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    steps: VecDeque<Step>,
    rules: Vec<Rule>,
    sent: Vec<Request<Bytes>>,
}

struct Step {
    method: Method,
    url: String,
    answer: Answer,
}

type Respond = Box<dyn Fn(&Request<Bytes>) -> Option<Answer> + Send + Sync>;

struct Rule(Respond);

/// What comes back for a request.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Answer {
    /// An HTTP answer.
    Response(Box<Response<Bytes>>),
    /// No whole answer: the transport fails with this kind.
    Failure(ErrorKind),
}

impl Answer {
    /// An answer with a body and its content type.
    ///
    /// # Panics
    /// When `status` or `content_type` is not one of HTTP's.
    pub fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let response = Response::builder()
            .status(status)
            .header(http::header::CONTENT_TYPE, content_type)
            .body(body.into())
            .expect("a status and a content type of HTTP");
        Self::Response(Box::new(response))
    }

    /// An answer with a JSON body; statuses from 400 on are typed as problem documents.
    ///
    /// # Panics
    /// When `status` is not one of HTTP's.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        let content_type = if status >= 400 { "application/problem+json" } else { "application/json" };
        Self::new(status, content_type, body.to_string())
    }

    /// An answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = status;
        Self::Response(Box::new(response))
    }

    /// Adds a header; a failure stays as it is.
    ///
    /// # Panics
    /// When name or value are not of HTTP.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Response(response) = &mut self {
            response
                .headers_mut()
                .append(http::HeaderName::from_static(name), value.parse().expect("a header value of HTTP"));
        }
        self
    }
}

impl ScriptedTransport {
    /// A transport that expects nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Expects `method` at `url` as the next request after those expected before, and answers it once.
    pub fn expect(&self, method: Method, url: &str, answer: Answer) -> &Self {
        lock(&self.0).steps.push_back(Step { method, url: url.to_owned(), answer });
        self
    }

    /// Answers any request for which `respond` has an answer, as often as it comes. Rules are asked when the next expected request is another one.
    pub fn whenever(&self, respond: impl Fn(&Request<Bytes>) -> Option<Answer> + Send + Sync + 'static) -> &Self {
        lock(&self.0).rules.push(Rule(Box::new(respond)));
        self
    }

    /// What was sent so far, in order.
    pub fn sent(&self) -> Vec<Request<Bytes>> {
        lock(&self.0).sent.clone()
    }

    /// How many expected requests have not come.
    pub fn outstanding(&self) -> usize {
        lock(&self.0).steps.len()
    }

    /// Checks that every expected request came.
    ///
    /// # Panics
    /// When one is outstanding.
    pub fn assert_finished(&self) {
        let script = lock(&self.0);
        if let Some(step) = script.steps.front() {
            panic!("{} expected requests never came; the first is {} {}", script.steps.len(), step.method, step.url);
        }
    }
}

impl Script {
    fn answer(&mut self, request: &Request<Bytes>) -> Answer {
        self.sent.push(request.clone());
        let is_next =
            self.steps.front().is_some_and(|it| it.method == *request.method() && *request.uri() == it.url.as_str());
        if is_next && let Some(step) = self.steps.pop_front() {
            return step.answer;
        }
        if let Some(answer) = self.rules.iter().find_map(|rule| (rule.0)(request)) {
            return answer;
        }
        match self.steps.front() {
            Some(step) => panic!(
                "unexpected request {} {}; the script goes on with {} {}",
                request.method(),
                request.uri(),
                step.method,
                step.url
            ),
            None => panic!("unexpected request {} {}; the script is at its end", request.method(), request.uri()),
        }
    }
}

#[async_trait]
impl Transport for ScriptedTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let answer = lock(&self.0).answer(&request);
        match answer {
            Answer::Response(response) => Ok(*response),
            Answer::Failure(kind) => {
                Err(Error::new(kind, format!("{} {} was cut off by the script", request.method(), request.uri())))
            }
        }
    }
}
