//! What the doubles of the services share: counting, faults, and strictness.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use acme_core::{Clock, Error, ErrorKind, Timestamp, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, header};
use serde_json::{Map, Value};

use super::{cloud, tpp};
use crate::sync::lock;

/// A service in the process; copies are one service.
#[derive(Clone)]
pub struct Double(Arc<Mutex<State>>);

/// What is to be looked at and changed in a [`Double`].
#[non_exhaustive]
pub struct State {
    clock: Arc<dyn Clock>,
    faults: Vec<(String, Fault, usize)>,
    log: Vec<String>,
    /// How long the service takes for a certificate.
    pub delay: Duration,
    /// How many requests for a certificate were taken.
    pub taken: usize,
    /// Which of the services it is.
    pub service: Service,
}

/// Which of the services a double is.
#[non_exhaustive]
pub enum Service {
    /// Trust Protection Platform.
    Tpp(tpp::Server),
    /// TLS Protect Cloud, or Next-Gen Trust Security.
    Cloud(cloud::Server),
}

/// What goes wrong with a request.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "tests make them")]
pub enum Fault {
    /// This answer; the service did nothing.
    Answer(u16, &'static str),
    /// This answer, and when to come back, in seconds.
    Later(u16, u64),
    /// No answer; the service did nothing.
    DropBefore,
    /// No answer; the service did what it was asked for.
    DropAfter,
}

impl Double {
    /// A service that takes five seconds for a certificate.
    pub fn new(clock: impl Clock + 'static, service: Service) -> Self {
        Self(Arc::new(Mutex::new(State {
            clock: Arc::new(clock),
            faults: Vec::new(),
            log: Vec::new(),
            delay: Duration::from_secs(5),
            taken: 0,
            service,
        })))
    }

    /// Lets `fault` strike the next `times` requests whose path ends so.
    pub fn fault(&self, path: &str, fault: Fault, times: usize) {
        self.state().faults.push((path.to_owned(), fault, times));
    }

    /// Takes all faults away.
    pub fn heal(&self) {
        self.state().faults.clear();
    }

    /// What is to be looked at and changed.
    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }

    /// Changes, or looks at, the Trust Protection Platform that it is.
    ///
    /// # Panics
    /// When it is another service.
    pub fn tpp<T>(&self, change: impl FnOnce(&mut tpp::Server) -> T) -> T {
        match &mut self.state().service {
            Service::Tpp(server) => change(server),
            Service::Cloud(_) => panic!("this is another service"),
        }
    }

    /// Changes, or looks at, the tenant that it is.
    ///
    /// # Panics
    /// When it is another service.
    pub fn cloud<T>(&self, change: impl FnOnce(&mut cloud::Server) -> T) -> T {
        match &mut self.state().service {
            Service::Cloud(server) => change(server),
            Service::Tpp(_) => panic!("this is another service"),
        }
    }

    /// Requests so far, as method and path.
    pub fn log(&self) -> Vec<String> {
        self.state().log.clone()
    }

    /// Requests so far whose path ends so.
    pub fn count(&self, path: &str) -> usize {
        self.log().iter().filter(|it| it.ends_with(path)).count()
    }

    /// Answers a request; `None` drops the connection.
    pub(super) fn answer(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let mut state = self.state();
        let path = request.uri().path().to_owned();
        state.log.push(format!("{} {path}", request.method()));
        match state.fault(&path) {
            Some(Fault::Answer(status, body)) => Some(answer(status, body)),
            Some(Fault::Later(status, seconds)) => {
                let mut answer = answer(status, "");
                answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
                Some(answer)
            }
            Some(Fault::DropBefore) => None,
            Some(Fault::DropAfter) => {
                state.serve(request);
                None
            }
            None => Some(state.serve(request)),
        }
    }
}

impl Service {
    /// The host that has this path.
    pub(super) fn host(&self, path: &str) -> &'static str {
        match self {
            Self::Tpp(_) => tpp::HOST,
            Self::Cloud(server) => server.host(path),
        }
    }
}

impl State {
    fn fault(&mut self, path: &str) -> Option<Fault> {
        let (_, fault, times) =
            self.faults.iter_mut().find(|(end, _, times)| path.ends_with(end.as_str()) && *times > 0)?;
        *times -= 1;
        Some(fault.clone())
    }

    fn serve(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let (now, delay) = (self.clock.now(), self.delay);
        match &mut self.service {
            Service::Tpp(server) => server.serve(request, &mut self.taken, now, delay),
            Service::Cloud(server) => server.serve(request, &mut self.taken, now, delay),
        }
    }
}

#[async_trait]
impl Transport for Double {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        self.answer(&request).ok_or_else(|| Error::new(ErrorKind::Unreachable, "the connection was lost"))
    }
}

/// A certificate that is being made.
pub(super) struct Work {
    pub(super) pem: String,
    pub(super) ready: Timestamp,
}

pub(super) fn answer(status: u16, body: &str) -> Response<Bytes> {
    let builder = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
    builder.body(Bytes::copy_from_slice(body.as_bytes())).expect("an answer of HTTP")
}

pub(super) fn answer_json(status: u16, body: &Value) -> Response<Bytes> {
    answer(status, &body.to_string())
}

/// The members of a body in JSON: all of `needed`, any of `allowed`, nothing else.
pub(super) fn members(request: &Request<Bytes>, needed: &[&str], allowed: &[&str]) -> Map<String, Value> {
    let what = format!("{} {}", request.method(), request.uri());
    assert_eq!(request.method(), Method::POST, "{what}");
    assert_eq!(one_header(request, "content-type").as_deref(), Some("application/json"), "{what}");
    assert_eq!(one_header(request, "accept").as_deref(), Some("application/json"), "{what}");
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_else(|error| panic!("{what}: {error}"));
    checked(&body, needed, allowed, &what)
}

/// The same of an object within a body.
pub(super) fn checked(value: &Value, needed: &[&str], allowed: &[&str], what: &str) -> Map<String, Value> {
    let Value::Object(members) = value else { panic!("{what}: not an object: {value}") };
    let present: BTreeSet<&str> = members.keys().map(String::as_str).collect();
    for name in needed {
        assert!(present.contains(name), "{what}: {name} is missing: {value}");
    }
    for name in present {
        assert!(needed.contains(&name) || allowed.contains(&name), "{what}: {name} is not known: {value}");
    }
    members.clone()
}

/// A request without a body.
pub(super) fn bare(request: &Request<Bytes>, accepts: &str) {
    let what = format!("{} {}", request.method(), request.uri());
    assert_eq!(request.method(), Method::GET, "{what}");
    assert!(request.body().is_empty(), "{what} has a body");
    assert!(one_header(request, "content-type").is_none(), "{what} has no body and names its type");
    assert_eq!(one_header(request, "accept").as_deref(), Some(accepts), "{what}");
}

/// A header that may stand once.
pub(super) fn one_header(request: &Request<Bytes>, name: &str) -> Option<String> {
    let values: Vec<_> = request.headers().get_all(name).iter().collect();
    assert!(values.len() <= 1, "{name} stands {} times", values.len());
    values.first().map(|value| value.to_str().expect("a header in ASCII").to_owned())
}

/// No header beyond those of every request and `also`.
pub(super) fn no_other_headers(request: &Request<Bytes>, also: &[&str]) {
    for name in request.headers().keys() {
        let known = ["accept", "content-type"].contains(&name.as_str()) || also.contains(&name.as_str());
        assert!(known, "{} {}: the header {name} is not known", request.method(), request.uri());
    }
}
