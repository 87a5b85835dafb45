//! DNS providers over HTTP against strict doubles, which lego's providers judge, and against moto.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod acme_dns;
mod akamai;
mod azure_dns;
mod cloud_dns;
mod cloudflare;
mod desec;
mod digitalocean;
mod exec;
mod gandi;
mod hetzner;
mod httpreq;
mod linode;
mod route53;
mod secrecy;
mod vultr;
mod webhook;
mod whole_solver;

use std::sync::Arc;

use acme_core::{Clock, DnsName, Secret, Timestamp};
use certwright_solvers::credentials::Fixed;
use certwright_solvers::dns01::{TxtRecord, Zone};
use testkit::servers::Lego;
use testkit::{SimDns, VirtualClock};

const OWNER: &str = "_acme-challenge.www.example.org";

fn name(text: &str) -> DnsName {
    DnsName::parse(text).unwrap()
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(VirtualClock::new())
}

/// The time on the wall: foreign programs go by it.
struct Wall;

impl Clock for Wall {
    #[expect(clippy::disallowed_methods, reason = "foreign programs go by the wall clock")]
    fn now(&self) -> Timestamp {
        std::time::SystemTime::now().into()
    }
}

/// A credential that never changes.
fn fixed<T>(credential: T) -> Arc<Fixed<T>> {
    Arc::new(Fixed::new(credential))
}

/// A record at [`OWNER`] in the zone example.org.
fn record(value: &str) -> TxtRecord {
    TxtRecord::new(name(OWNER), value, name("www.example.org")).with_zone(Zone::new(name("example.org")))
}

/// The texts at `owner`, sorted.
fn texts(dns: &SimDns, owner: &str) -> Vec<String> {
    let mut texts = dns.lookup_txt(owner).unwrap();
    texts.sort();
    texts
}

/// lego presents for an apex and a wildcard at once, and takes both away: what it writes is what is served.
fn lego_comes_and_goes(lego: &Lego, dns: &SimDns) {
    let mut expected = vec![
        lego.present("www.example.org", "one", "one.thumbprint").unwrap(),
        lego.present("www.example.org", "two", "two.thumbprint").unwrap(),
    ];
    expected.sort();
    assert_eq!(texts(dns, OWNER), expected);
    lego.clean_up("www.example.org", "one", "one.thumbprint").unwrap();
    lego.clean_up("www.example.org", "two", "two.thumbprint").unwrap();
    assert!(texts(dns, OWNER).is_empty());
}
