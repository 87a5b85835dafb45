//! A DNS provider of one's own, in the time before lunch, and the proof that it keeps its contract.
//!
//! `cargo run --example custom_dns_provider --features http-api` needs no network: the service is below.

#![expect(clippy::print_stdout, reason = "an example talks to a person")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use certwright::acme_core::{Clock, Secret, Transport};
use certwright::solvers::credentials::Fixed;
use certwright::solvers::dns::http_api::{Fault, HttpApi, Service, Token};
use certwright::solvers::dns01::{DnsProvider, TxtRecord, Zone};
use certwright::{DnsName, Error};
use http::{Method, Request, Response};
use testkit::{VirtualClock, conformance};

/// `PUT /zones/ZONE/txt/OWNER/VALUE` adds, `DELETE` removes; both may be repeated.
struct Example(HttpApi<Token>);

impl Example {
    fn new(token: &Secret<String>, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        // A credential in a file that may be rotated: `Refreshing::new(SecretFile::new(path, Token::bearer))`.
        let credentials = Arc::new(Fixed::new(Token::bearer(token)));
        HttpApi::new(SERVICE, "https://api.dns.example", credentials, transport, clock).map(Self)
    }

    async fn call(&self, doing: &str, method: Method, record: &TxtRecord) -> Result<(), Error> {
        let zone = &record.needed_zone()?.name;
        let what = format!("{doing} a TXT value at {} in the zone {zone}", record.owner);
        let path = format!("/zones/{zone}/txt/{}/{}", record.owner, record.value);
        self.0.send(&what, method, &path, None).await.map(drop)
    }
}

#[async_trait]
impl DnsProvider for Example {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        self.call("adding", Method::PUT, record).await
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        self.call("removing", Method::DELETE, record).await
    }
}

/// How the service refuses: by status, with a reason as text.
const SERVICE: Service =
    Service { name: "Example DNS", fault: |it| Fault::by_status(it, String::from_utf8_lossy(it.body())) };

/// The service itself, for one owner.
#[derive(Clone, Default)]
struct Cloud(Arc<Mutex<BTreeSet<String>>>);

#[async_trait]
impl Transport for Cloud {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let value = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        let mut values = self.0.lock().expect("nobody panics in here");
        let _ = if request.method() == Method::PUT { values.insert(value) } else { values.remove(&value) };
        Ok(Response::new(Bytes::new()))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (cloud, token) = (Cloud::default(), Secret::new("secret".to_owned()));
    let provider = || Example::new(&token, Arc::new(cloud.clone()), Arc::new(VirtualClock::new())).expect("a URL");
    let name = DnsName::parse("example.org")?;
    let ground =
        TxtRecord::new(DnsName::parse("_acme-challenge.example.org")?, "", name.clone()).with_zone(Zone::new(name));
    let served = async |_: &DnsName| cloud.0.lock().expect("nobody panics in here").iter().cloned().collect();
    conformance::dns_provider(provider, served, &ground).await?;
    println!("the provider keeps its contract");
    Ok(())
}
