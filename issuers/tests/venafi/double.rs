//! What the doubles of the services share: counting, faults, and strictness.
//!
//! A request that the vendor's documents do not describe is a panic that names it: another method, path, query, header or content type, a member
//! that is missing or that is not known.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use acme_core::{Clock as _, Error, ErrorKind, Timestamp, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, header};
use serde_json::{Map, Value};
use testkit::VirtualClock;

use crate::{cloud, tpp};

/// A service in the process; copies are one service.
#[derive(Clone)]
pub(crate) struct Double(Arc<Mutex<State>>);

pub(crate) struct State {
    clock: VirtualClock,
    faults: Vec<(String, Fault, usize)>,
    log: Vec<String>,
    /// How long the service takes for a certificate.
    pub(crate) delay: Duration,
    /// How many requests for a certificate were taken.
    pub(crate) taken: usize,
    pub(crate) service: Service,
}

pub(crate) enum Service {
    Tpp(tpp::Server),
    Cloud(cloud::Server),
}

/// What goes wrong with a request.
#[derive(Clone)]
pub(crate) enum Fault {
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
    pub(crate) fn new(clock: &VirtualClock, service: Service) -> Self {
        Self(Arc::new(Mutex::new(State {
            clock: clock.clone(),
            faults: Vec::new(),
            log: Vec::new(),
            delay: Duration::from_secs(5),
            taken: 0,
            service,
        })))
    }

    /// Lets `fault` strike the next `times` requests whose path ends so.
    pub(crate) fn fault(&self, path: &str, fault: Fault, times: usize) {
        self.state().faults.push((path.to_owned(), fault, times));
    }

    pub(crate) fn heal(&self) {
        self.state().faults.clear();
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn tpp<T>(&self, change: impl FnOnce(&mut tpp::Server) -> T) -> T {
        match &mut self.state().service {
            Service::Tpp(server) => change(server),
            Service::Cloud(_) => panic!("this is another service"),
        }
    }

    pub(crate) fn cloud<T>(&self, change: impl FnOnce(&mut cloud::Server) -> T) -> T {
        match &mut self.state().service {
            Service::Cloud(server) => change(server),
            Service::Tpp(_) => panic!("this is another service"),
        }
    }

    /// Requests so far, as method and path.
    pub(crate) fn log(&self) -> Vec<String> {
        self.state().log.clone()
    }

    /// Requests so far whose path ends so.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.log().iter().filter(|it| it.ends_with(path)).count()
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
        let mut state = self.state();
        let path = request.uri().path().to_owned();
        state.log.push(format!("{} {path}", request.method()));
        let dropped = || Err(Error::new(ErrorKind::Unreachable, "the connection was lost"));
        match state.fault(&path) {
            Some(Fault::Answer(status, body)) => Ok(answer(status, body)),
            Some(Fault::Later(status, seconds)) => {
                let mut answer = answer(status, "");
                answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
                Ok(answer)
            }
            Some(Fault::DropBefore) => dropped(),
            Some(Fault::DropAfter) => {
                state.serve(&request);
                dropped()
            }
            None => Ok(state.serve(&request)),
        }
    }
}

/// A certificate that is being made.
pub(crate) struct Work {
    pub(crate) pem: String,
    pub(crate) ready: Timestamp,
}

pub(crate) fn answer(status: u16, body: &str) -> Response<Bytes> {
    let builder = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
    builder.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

pub(crate) fn answer_json(status: u16, body: &Value) -> Response<Bytes> {
    answer(status, &body.to_string())
}

/// The members of a body in JSON: all of `needed`, any of `allowed`, nothing else.
pub(crate) fn members(request: &Request<Bytes>, needed: &[&str], allowed: &[&str]) -> Map<String, Value> {
    let what = format!("{} {}", request.method(), request.uri());
    assert_eq!(request.method(), Method::POST, "{what}");
    assert_eq!(one_header(request, "content-type").as_deref(), Some("application/json"), "{what}");
    assert_eq!(one_header(request, "accept").as_deref(), Some("application/json"), "{what}");
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_else(|error| panic!("{what}: {error}"));
    checked(&body, needed, allowed, &what)
}

/// The same of an object within a body.
pub(crate) fn checked(value: &Value, needed: &[&str], allowed: &[&str], what: &str) -> Map<String, Value> {
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
pub(crate) fn bare(request: &Request<Bytes>, accepts: &str) {
    let what = format!("{} {}", request.method(), request.uri());
    assert_eq!(request.method(), Method::GET, "{what}");
    assert!(request.body().is_empty(), "{what} has a body");
    assert!(one_header(request, "content-type").is_none(), "{what} has no body and names its type");
    assert_eq!(one_header(request, "accept").as_deref(), Some(accepts), "{what}");
}

/// A header that may stand once.
pub(crate) fn one_header(request: &Request<Bytes>, name: &str) -> Option<String> {
    let values: Vec<_> = request.headers().get_all(name).iter().collect();
    assert!(values.len() <= 1, "{name} stands {} times", values.len());
    values.first().map(|value| value.to_str().unwrap().to_owned())
}

/// No header beyond those of every request and `also`.
pub(crate) fn no_other_headers(request: &Request<Bytes>, also: &[&str]) {
    for name in request.headers().keys() {
        let known = ["accept", "content-type"].contains(&name.as_str()) || also.contains(&name.as_str());
        assert!(known, "{} {}: the header {name} is not known", request.method(), request.uri());
    }
}
