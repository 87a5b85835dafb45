//! A certificate authority that answers from a script and remembers what it was asked.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use certwright_acme_core::protocol::Url;
use certwright_acme_core::{
    Clock, Directory, Error, ErrorKind, Session, SignatureAlgorithm, Signer, Timestamp, Transport,
};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use serde_json::{Value, json};

/// `Wed, 15 Nov 2023 00:00:00 GMT`, whatever the machine says.
pub(crate) const NOW: i64 = 1_700_006_400;

#[derive(Default)]
pub(crate) struct Script {
    answers: Mutex<VecDeque<(String, Answer)>>,
    asked: Mutex<Vec<Asked>>,
    side_by_side: AtomicBool,
}

/// One request, its JWS opened.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// `POST /new-order`.
    pub(crate) line: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) protected: Value,
    /// Null for POST-as-GET.
    pub(crate) payload: Value,
}

impl Script {
    /// Expects a request next, and answers it.
    pub(crate) fn on(&self, line: &str, answer: Answer) -> &Self {
        self.answers.lock().unwrap().push_back((line.to_owned(), answer));
        self
    }

    /// Expects what every first request needs: the directory and a nonce.
    pub(crate) fn warm(&self) -> &Self {
        self.on("GET /directory", json_answer(200, directory())).on("HEAD /new-nonce", answer(200))
    }

    /// From now on requests may come in any order, and nonces are given at will.
    pub(crate) fn side_by_side(&self) -> &Self {
        self.side_by_side.store(true, Ordering::Relaxed);
        self
    }

    fn next(&self, line: &str) -> Option<(String, Answer)> {
        let mut answers = self.answers.lock().unwrap();
        if !self.side_by_side.load(Ordering::Relaxed) {
            return answers.pop_front();
        }
        let found = answers.iter().position(|(expected, _)| expected == line);
        match found {
            Some(at) => answers.remove(at),
            None if line == "HEAD /new-nonce" => Some((line.to_owned(), answer(200))),
            None => None,
        }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, line: &str) -> usize {
        self.asked().iter().filter(|it| it.line == line).count()
    }

    pub(crate) fn last(&self) -> Asked {
        self.asked().pop().expect("something was asked")
    }

    pub(crate) fn is_played(&self) -> bool {
        self.answers.lock().unwrap().is_empty()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Error> {
        yield_once().await;
        let (head, body) = request.into_parts();
        let line = format!("{} {}", head.method, head.uri.path());
        let (protected, payload) = opened(&body);
        let mut asked = self.asked.lock().unwrap();
        asked.push(Asked { line: line.clone(), headers: head.headers, protected, payload });
        let number = asked.len();
        drop(asked);
        let (expected, answer) = self.next(&line).unwrap_or_else(|| panic!("not in the script: {line}"));
        assert_eq!(line, expected, "request {number}");
        answer.into_response(number, !line.starts_with("GET"))
    }
}

/// What is answered.
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    lost: bool,
}

pub(crate) fn answer(status: u16) -> Answer {
    Answer { status, headers: Vec::new(), body: Vec::new(), lost: false }
}

pub(crate) fn json_answer(status: u16, body: Value) -> Answer {
    answer(status).with("content-type", "application/json").body(body.to_string())
}

pub(crate) fn problem(status: u16, kind: &str) -> Answer {
    let body = json!({ "type": format!("urn:ietf:params:acme:error:{kind}"), "detail": "as scripted" });
    answer(status).with("content-type", "application/problem+json").body(body.to_string())
}

/// The connection ends before the answer.
pub(crate) fn lost() -> Answer {
    Answer { lost: true, ..answer(200) }
}

impl Answer {
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn at(self, location: &str) -> Self {
        self.with("location", location)
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Its nonce is `n` and the number of the request (none for GET), unless the script gave one; an empty one is none.
    fn into_response(self, number: usize, with_nonce: bool) -> Result<http::Response<Bytes>, Error> {
        if self.lost {
            return Err(Error::new(ErrorKind::Unreachable, "the connection ended"));
        }
        let mut response = http::Response::builder().status(self.status);
        let given = self.headers.iter().any(|(name, _)| *name == "replay-nonce");
        if !given && with_nonce {
            response = response.header("replay-nonce", format!("n{number}"));
        }
        for (name, value) in &self.headers {
            response = response.header(*name, value);
        }
        Ok(response.body(Bytes::from(self.body)).unwrap())
    }
}

fn opened(body: &[u8]) -> (Value, Value) {
    let Ok(jws) = serde_json::from_slice::<Value>(body) else {
        return (Value::Null, Value::Null);
    };
    (part(&jws, "protected"), part(&jws, "payload"))
}

/// One part of a JWS, decoded.
pub(crate) fn part(jws: &Value, name: &str) -> Value {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(jws[name].as_str().unwrap()).unwrap();
    if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() }
}

pub(crate) fn directory() -> Value {
    json!({
        "newNonce": "https://ca.example/new-nonce",
        "newAccount": "https://ca.example/new-account",
        "newOrder": "https://ca.example/new-order",
        "revokeCert": "https://ca.example/revoke",
        "keyChange": "https://ca.example/key-change",
        "renewalInfo": "https://ca.example/renewal-info/",
        "meta": { "profiles": { "classic": "as ever" } },
        "more": ["that", "nobody", "knows"]
    })
}

pub(crate) fn order(status: &str) -> Value {
    json!({
        "status": status,
        "expires": "2023-11-22T00:00:00Z",
        "identifiers": [{ "type": "dns", "value": "example.com" }],
        "authorizations": ["https://ca.example/authz/1"],
        "finalize": "https://ca.example/order/1/finalize"
    })
}

pub(crate) fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

/// A directory over a new script.
pub(crate) fn authority() -> (Arc<Script>, Directory) {
    let script = Arc::new(Script::default());
    let transport: Arc<dyn Transport> = Arc::clone(&script) as _;
    let directory = Directory::new(url("https://ca.example/directory"), transport, Arc::new(Fixed));
    (script, directory)
}

/// A session over a new script, for which nothing was sent yet.
pub(crate) fn session() -> (Arc<Script>, Session) {
    let (script, directory) = authority();
    let session = directory.session(Arc::new(Fake(1)), url("https://ca.example/account/1")).unwrap();
    (script, session)
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(NOW)
    }
}

/// Signs everything with the same two numbers; its coordinates are its number.
pub(crate) struct Fake(pub(crate) u8);

#[async_trait]
impl Signer for Fake {
    fn public_key(&self) -> &SubjectPublicKeyInfoDer<'static> {
        let mut spki = vec![
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
            0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
        ];
        spki.extend([self.0; 64]);
        Box::leak(Box::new(SubjectPublicKeyInfoDer::from(spki)))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::EcdsaP256Sha256
    }

    async fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(vec![0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01])
    }
}

/// Runs a future that waits for nothing but the script.
pub(crate) fn run<F: Future + Send>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..100_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
    panic!("waits for something that never comes")
}

/// Lets the others go first, so that callers at the same time meet.
async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
