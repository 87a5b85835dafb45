//! DNS-01 and DNS UPDATE against BIND, and against Knot where the two differ.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apex_alias;
mod conformance;
mod delegation;
mod early;
mod hostile;
mod knot;
mod name_servers;
mod persistent;
mod propagation;
mod refusals;
mod split_horizon;
mod updates;
mod zones;

use std::sync::Arc;

use acme_core::protocol::{ChallengeType, KeyAuthorization, Url};
use acme_core::{Clock, DnsName, Identifier, Secret, Timestamp};
use certwright_solvers::Presentation;
use certwright_solvers::dns::rfc2136::{Rfc2136, TsigKey};
use certwright_solvers::dns01::{Dns01, DnsProvider as _, Resolver, TxtRecord, Zone as Apex};
use testkit::servers::{self, Bind, Zone};

/// The time on the wall: BIND signs with it.
struct Wall;

impl Clock for Wall {
    #[expect(clippy::disallowed_methods, reason = "signatures are checked by a real server")]
    fn now(&self) -> Timestamp {
        std::time::SystemTime::now().into()
    }
}

fn wall() -> Arc<dyn Clock> {
    Arc::new(Wall)
}

fn name(text: &str) -> DnsName {
    DnsName::parse(text).unwrap()
}

fn key() -> servers::TsigKey {
    servers::TsigKey::new("acme-key", servers::TsigAlgorithm::HmacSha256, SECRET)
}

/// The same key in the words of the product.
fn ours(key: &servers::TsigKey) -> TsigKey {
    let algorithm = key.algorithm().name().parse().unwrap();
    TsigKey::from_base64(key.name(), algorithm, &Secret::new(key.secret_base64())).unwrap()
}

/// A provider that updates `server` with `key`.
fn provider(server: &Bind, key: &servers::TsigKey) -> Rfc2136 {
    Rfc2136::new(&server.address().to_string(), wall()).unwrap().with_key(ours(key))
}

/// Keys of all algorithms, each with a name of its own.
fn keys() -> [servers::TsigKey; servers::TsigAlgorithm::ALL.len()] {
    servers::TsigAlgorithm::ALL
        .map(|algorithm| servers::TsigKey::new(&format!("key-{}", algorithm.name()), algorithm, SECRET))
}

/// A value comes and goes with the updates of `provider`, over UDP and over TCP; `txt` says what is served.
async fn comes_and_goes(provider: Rfc2136, value: &str, txt: impl Fn(&str) -> Vec<String>) {
    let owner = "_acme-challenge.example.org";
    for provider in [provider.clone(), provider.over_tcp()] {
        provider.add_txt(&record(owner, value)).await.unwrap();
        assert_eq!(txt(owner), [value]);
        provider.remove_txt(&record(owner, value)).await.unwrap();
        assert!(txt(owner).is_empty());
    }
}

/// A resolver for which `server` is the recursive server and every zone's only name server.
fn resolver(server: &Bind) -> Resolver {
    Resolver::new([server.address()], wall()).unwrap().with_authoritative_port(server.address().port())
}

/// A solver that updates and asks `server`.
fn solver(server: &Bind) -> Dns01 {
    Dns01::new(provider(server, &key()), resolver(server))
}

/// A record in example.org.
fn record(owner: &str, value: &str) -> TxtRecord {
    TxtRecord::new(name(owner), value, name("example.org")).with_zone(Apex::new(name("example.org")))
}

/// A challenge for `domain`, with or without `*.`; every token is another challenge.
fn challenge(domain: &str, token: &str) -> Presentation {
    Presentation::new(
        Identifier::parse(domain).unwrap(),
        ChallengeType::Dns01,
        KeyAuthorization::new(token, "thumbprint").unwrap(),
        Url::parse("https://ca.test/acct/1").unwrap(),
    )
}

/// example.org, which takes updates signed with [`key`].
fn example() -> Zone {
    Zone::new("example.org").update_with(&key())
}

const SECRET: &str = "0123456789abcdef0123456789abcdef";
