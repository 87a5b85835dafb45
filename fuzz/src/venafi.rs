//! Venafi's platforms, which answer every question with the same bytes.

use std::sync::Arc;

use acme_core::{Clock, Error, Identifier, Secret, Timestamp, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Request, Response, StatusCode};
use issuers::venafi::tpp::Login;
use issuers::venafi::{Cloud, CustomField, Ngts, Service, Tpp, VenafiIssuer};
use issuers::{CertificateRequest, InMemory, Issuer as _, Progress as _, Step};

/// Asks one of the services as an issuance goes, also one whose stored state is `bytes`, and answers the errors that come of it. What is handed out is whole.
pub(crate) fn refusals(bytes: &[u8]) -> Vec<Error> {
    let mut errors = Vec::new();
    let chance = bytes.iter().fold(bytes.len(), |sum, byte| sum.wrapping_add(usize::from(*byte)));
    let status = STATUS[chance % STATUS.len()];
    let platform = Arc::new(Platform { status, body: Bytes::copy_from_slice(bytes) });
    let csr = CSR.into();
    let names = [Identifier::from(acme_core::DnsName::parse("a.example").expect("a name"))];
    let request = CertificateRequest::new(&csr, &names);
    let services = services();
    let chosen = chance / STATUS.len() % services.len();
    if let Some(service) = services.into_iter().nth(chosen) {
        let transport = Arc::clone(&platform);
        let issuer = match VenafiIssuer::new("venafi", service, transport, Arc::new(Noon)) {
            Ok(issuer) => issuer,
            Err(error) => return vec![error],
        };
        for state in STATES.iter().map(|it| it.as_bytes()).chain([bytes]) {
            let mut progress = InMemory::new();
            if !state.is_empty() {
                let saved = progress.save(state).now_or_never();
                assert!(saved.is_some_and(|it| it.is_ok()));
            }
            match issuer.issue(&request, &mut progress).now_or_never() {
                Some(Ok(Step::Issued(issued))) => assert!(issued.chain.leaf().is_some(), "an empty chain"),
                Some(Ok(Step::NotYet { waiting, .. })) => drop(waiting.to_string()),
                Some(Err(error)) => errors.push(error),
                None => unreachable!("nothing is waited for"),
            }
        }
        if let Some(Err(error)) = issuer.zone().now_or_never() {
            errors.push(error);
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        errors.extend(CustomField::list(text).err());
    }
    errors
}

fn services() -> Vec<Service> {
    let secret = || Secret::new("secret".to_owned());
    let logins = [Login::access_token(secret()), Login::password("user", secret()), Login::api_key("user", secret())];
    let folders = logins.into_iter().filter_map(|it| Tpp::new("tpp.example", "Web", it).ok()).map(Service::from);
    let cloud = Cloud::new(r"Web\TLS", secret()).ok().map(Service::from);
    let ngts = Ngts::new("TLS", "1000000001", "client", secret()).ok().map(Service::from);
    folders.chain(cloud).chain(ngts).collect()
}

struct Platform {
    status: StatusCode,
    body: Bytes,
}

#[async_trait]
impl Transport for Platform {
    async fn send(&self, _: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let mut response = Response::new(self.body.clone());
        *response.status_mut() = self.status;
        Ok(response)
    }
}

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(1_790_000_000)
    }
}

const CSR: &[u8] = include_bytes!("../seeds/csr/csr.der");
/// Those that mean something to a service, the good ones twice.
const STATUS: [StatusCode; 9] = [
    StatusCode::OK,
    StatusCode::OK,
    StatusCode::CREATED,
    StatusCode::CREATED,
    StatusCode::ACCEPTED,
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::CONFLICT,
    StatusCode::INTERNAL_SERVER_ERROR,
];
/// Before the request, in doubt, and after it.
const STATES: [&str; 3] = [
    "",
    r#"{"format":1,"state":{"submitting":{"since":"2026-09-21T13:46:00Z"}}}"#,
    r#"{"format":1,"state":{"pending":{"pickup":"5a9ebd40-0000","since":"2026-09-21T13:46:00Z"}}}"#,
];
