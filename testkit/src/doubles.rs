//! Strict doubles of DNS services that nobody can start here: each checks what it is asked as the service does, and keeps its records in a [`SimDns`](crate::SimDns).
//!
//! A double is a [`Transport`] as it stands, and a server on a loopback port while a [`Served`] lives, so that foreign clients can be judges of it: what a double
//! refuses of them, it misunderstands.

pub mod acme_dns;
pub mod akamai;
pub mod azure;
pub mod cloudflare;
pub mod desec;
pub mod digitalocean;
pub mod gandi;
pub mod google;
pub mod hetzner;
pub mod httpreq;
pub mod linode;
mod name_server;
pub mod route53;
mod served;
pub mod vultr;
pub mod webhook;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use acme_core::{Error, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use serde_json::Value;

pub use name_server::NameServer;
pub use served::Served;

use crate::sync::lock;

/// A service that answers one request.
pub trait Service: Send + Sync + 'static {
    /// What it answers; every deviation from its documents is refused as it would refuse it.
    fn answer(&self, asked: &Asked) -> Response<Bytes>;
}

/// A service in the process; copies share it.
pub struct Double<S>(Arc<Shared<S>>);

struct Shared<S> {
    service: S,
    calls: Mutex<Vec<String>>,
    faults: Mutex<VecDeque<Response<Bytes>>>,
}

impl<S: Service> Double<S> {
    /// Opens `service` for requests.
    pub fn new(service: S) -> Self {
        Self(Arc::new(Shared { service, calls: Mutex::default(), faults: Mutex::default() }))
    }

    /// The service, with its records.
    pub fn service(&self) -> &S {
        &self.0.service
    }

    /// Answers the next request so, whatever it asks. Several wait in line.
    pub fn fail_next(&self, answer: Response<Bytes>) {
        lock(&self.0.faults).push_back(answer);
    }

    /// Method and path of every request so far.
    pub fn calls(&self) -> Vec<String> {
        lock(&self.0.calls).clone()
    }

    /// Serves it on a free port of the loopback interface until the answer is dropped.
    ///
    /// # Panics
    /// When no port is free.
    pub fn serve(&self) -> Served {
        let double = self.clone();
        Served::start(Arc::new(move |request: Request<Bytes>| double.answer(&request)))
    }

    /// Serves it behind HTTPS, with a certificate that nobody vouches for.
    ///
    /// # Panics
    /// As [`serve`](Self::serve).
    #[cfg(feature = "https")]
    pub fn serve_behind_https(&self) -> Served {
        let double = self.clone();
        Served::start_behind_https(Arc::new(move |request: Request<Bytes>| double.answer(&request)))
    }

    fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        lock(&self.0.calls).push(format!("{} {}", request.method(), request.uri().path()));
        let fault = lock(&self.0.faults).pop_front();
        fault.unwrap_or_else(|| self.0.service.answer(&Asked::new(request)))
    }
}

impl<S> Clone for Double<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[async_trait]
impl<S: Service> Transport for Double<S> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        Ok(self.answer(&request))
    }
}

/// A request, taken apart.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// The path, as it was sent.
    pub path: String,
    /// The query, as it was sent.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The host, with its port.
    pub host: String,
    /// The body.
    pub body: Bytes,
}

impl Asked {
    fn new(request: &Request<Bytes>) -> Self {
        let uri = request.uri();
        let host = request.headers().get(http::header::HOST).and_then(|it| it.to_str().ok());
        let host = host.map_or_else(|| uri.authority().map(ToString::to_string).unwrap_or_default(), ToOwned::to_owned);
        Self {
            method: request.method().clone(),
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            headers: request.headers().clone(),
            host,
            body: request.body().clone(),
        }
    }

    /// The segments of the path after `prefix`, decoded; `None` outside it.
    pub fn segments(&self, prefix: &str) -> Option<Vec<String>> {
        let rest = self.path.strip_prefix(prefix)?;
        Some(rest.trim_start_matches('/').split('/').map(decoded).collect())
    }

    /// The query, decoded; `None` when it names a parameter twice, or one beyond `known`.
    pub fn parameters(&self, known: &[&str]) -> Option<BTreeMap<String, String>> {
        pairs(&self.query, known)
    }

    /// The body, where it is a form and the content type says so; `None` when it names a field twice, or one beyond `known`.
    pub fn form(&self, known: &[&str]) -> Option<BTreeMap<String, String>> {
        let kind = self.header("content-type")?;
        if kind.split(';').next()?.trim() != "application/x-www-form-urlencoded" {
            return None;
        }
        pairs(std::str::from_utf8(&self.body).ok()?, known)
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|it| it.to_str().ok())
    }

    /// The body, where it is a JSON object with fields of `known` alone and the content type says so.
    pub fn object(&self, known: &[&str]) -> Option<serde_json::Map<String, Value>> {
        let kind = self.header("content-type")?;
        if kind.split(';').next()?.trim() != "application/json" {
            return None;
        }
        let Value::Object(object) = serde_json::from_slice(&self.body).ok()? else { return None };
        object.keys().all(|key| known.contains(&key.as_str())).then_some(object)
    }
}

/// An answer in XML.
///
/// # Panics
/// When `status` is none of HTTP's.
pub fn xml(status: u16, body: impl Into<Bytes>) -> Response<Bytes> {
    let answer = Response::builder().status(status).header("content-type", "text/xml");
    answer.body(body.into()).expect("a status of HTTP")
}

/// An answer in JSON.
///
/// # Panics
/// When `status` is none of HTTP's.
pub fn json(status: u16, body: &Value) -> Response<Bytes> {
    let answer = Response::builder().status(status).header("content-type", "application/json");
    answer.body(body.to_string().into()).expect("a status of HTTP")
}

/// An answer without a body.
///
/// # Panics
/// When `status` is none of HTTP's.
pub fn empty(status: u16) -> Response<Bytes> {
    Response::builder().status(status).body(Bytes::new()).expect("a status of HTTP")
}

fn pairs(text: &str, known: &[&str]) -> Option<BTreeMap<String, String>> {
    let mut out = BTreeMap::new();
    for part in text.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let name = decoded(name);
        if !known.contains(&name.as_str()) || out.insert(name, decoded(value)).is_some() {
            return None;
        }
    }
    Some(out)
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = (*first == b'%').then(|| after.get(..2)).flatten();
        let byte = pair.and_then(|it| std::str::from_utf8(it).ok()).and_then(|it| u8::from_str_radix(it, 16).ok());
        out.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&out).into_owned()
}
