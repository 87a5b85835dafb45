//! The loop around an issuer.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::sync::Mutex;
use std::time::Duration;

use acme_core::client::Chain;
use acme_core::flow::Waiting;
use acme_core::{Clock, Error, ErrorKind, Identifier, Timestamp};
use async_trait::async_trait;
use certwright_issuers::{CertificateRequest, InMemory, Issued, Issuer, IssuerId, Progress, Step, Timer, csr, drive};
use futures_util::FutureExt as _;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls_pki_types::CertificateSigningRequestDer;

#[test]
fn it_waits_as_long_as_the_issuer_asks() {
    let (chain, request) = certificate("a.example");
    let issuer = Scripted::new(vec![
        Ok(not_yet(100)),
        Ok(not_yet(100)),
        Ok(not_yet(0)),
        Ok(Step::Issued(Issued::new(chain.clone()))),
    ]);
    let timer = Impatient::default();

    let issued = run(&issuer, &request, &["a.example"], &timer).unwrap();

    assert_eq!(issued.chain, chain);
    let asked = issuer.asked.into_inner().unwrap();
    assert_eq!(asked.len(), 4);
    assert!(asked[1] >= asked[0] + Duration::from_secs(100), "{asked:?}");
    assert!(asked[3] > asked[2], "an issuer that names the past must not be asked in a hot loop: {asked:?}");
}

#[test]
fn an_error_of_the_issuer_ends_it() {
    let (_, request) = certificate("a.example");
    let issuer = Scripted::new(vec![Ok(not_yet(1)), Err(Error::new(ErrorKind::Refused, "no"))]);

    let error = run(&issuer, &request, &["a.example"], &Impatient::default()).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Refused);
}

#[test]
fn a_certificate_for_something_else_is_not_handed_out() {
    let (_, request) = certificate("a.example");
    let (other, _) = certificate("a.example");
    let issuer = Scripted::new(vec![Ok(Step::Issued(Issued::new(other)))]);

    let error = run(&issuer, &request, &["a.example"], &Impatient::default()).unwrap_err();

    assert!(error.to_string().contains("another key"), "{error}");
}

#[test]
fn an_authority_is_handed_out_only_to_those_who_asked_for_one() {
    for (made, is_ca, why) in [
        (certificate("a.example"), true, Some("it is no certificate authority, and one was asked for")),
        (authority("a.example"), false, Some("it is a certificate authority, and none was asked for")),
        (authority("a.example"), true, None),
    ] {
        let (chain, csr) = made;
        let issuer = Scripted::new(vec![Ok(Step::Issued(Issued::new(chain)))]);
        let identifiers = ["a.example".parse().unwrap()];
        let mut request = CertificateRequest::new(&csr, &identifiers);
        request.is_ca = is_ca;
        let timer = Impatient::default();

        let driven = drive(&Timed(&issuer, &timer), &request, &mut InMemory::new(), &timer).now_or_never().unwrap();

        let refused = driven.err().map(|error| error.to_string());
        assert_eq!(refused.is_some(), why.is_some(), "{refused:?}");
        assert!(refused.is_none_or(|said| said.contains(why.unwrap())));
    }
}

fn run(
    issuer: &Scripted,
    csr: &CertificateSigningRequestDer<'_>,
    names: &[&str],
    timer: &Impatient,
) -> Result<Issued, Error> {
    let identifiers: Vec<Identifier> = names.iter().map(|it| it.parse().unwrap()).collect();
    let request = CertificateRequest::new(csr, &identifiers);
    let issuer = Timed(issuer, timer);
    drive(&issuer, &request, &mut InMemory::new(), timer).now_or_never().unwrap()
}

/// A self-signed authority and the signing request for it.
fn authority(name: &str) -> (Chain, CertificateSigningRequestDer<'static>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let request = params.serialize_request(&key).unwrap().der().clone();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (Chain::new(vec![params.self_signed(&key).unwrap().der().clone()]), request)
}

fn not_yet(seconds: u64) -> Step {
    Step::NotYet { again: Timestamp::EPOCH + Duration::from_secs(seconds), waiting: Waiting::outside("a test") }
}

/// A self-signed certificate and the signing request for it.
fn certificate(name: &str) -> (Chain, CertificateSigningRequestDer<'static>) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let request = params.serialize_request(&key).unwrap().der().clone();
    assert_eq!(csr::read(&request).unwrap().identifiers.len(), 1);
    let chain = Chain::new(vec![params.self_signed(&key).unwrap().der().clone()]);
    (chain, request)
}

/// A timer that moves its own time, and wakes early at first.
#[derive(Default)]
struct Impatient(Mutex<u64>);

impl Clock for Impatient {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(1_767_323_045) + Duration::from_millis(*self.0.lock().unwrap())
    }
}

#[async_trait]
impl Timer for Impatient {
    async fn sleep_until(&self, at: Timestamp) {
        let missing = at.since(self.now()).as_millis() as u64;
        *self.0.lock().unwrap() += missing.div_ceil(2);
    }
}

struct Scripted {
    id: IssuerId,
    steps: Mutex<Vec<Result<Step, Error>>>,
    asked: Mutex<Vec<Timestamp>>,
}

impl Scripted {
    fn new(mut steps: Vec<Result<Step, Error>>) -> Self {
        steps.reverse();
        Self { id: IssuerId::new("scripted"), steps: Mutex::new(steps), asked: Mutex::default() }
    }
}

struct Timed<'a>(&'a Scripted, &'a Impatient);

#[async_trait]
impl Issuer for Timed<'_> {
    fn id(&self) -> &IssuerId {
        &self.0.id
    }

    async fn issue(&self, _: &CertificateRequest<'_>, _: &mut dyn Progress) -> Result<Step, Error> {
        let now = self.1.now();
        self.0.asked.lock().unwrap().push(now);
        match self.0.steps.lock().unwrap().pop().unwrap()? {
            Step::NotYet { again, waiting } => Ok(Step::NotYet { again: now + again.since(Timestamp::EPOCH), waiting }),
            issued => Ok(issued),
        }
    }
}
