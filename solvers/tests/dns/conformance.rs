//! The suites of the contracts, over BIND.

use testkit::conformance;
use testkit::servers::Bind;

use super::*;

#[tokio::test]
async fn dns_update_keeps_the_contract_of_providers() {
    let server = Bind::builder().zone(example()).start();
    let ground = record("_acme-challenge.example.org", "");
    let lookup = async |owner: &DnsName| server.txt(owner.as_str());
    conformance::dns_provider(|| provider(&server, &key()), lookup, &ground).await.unwrap();
}

#[tokio::test]
async fn dns_01_keeps_the_contract_of_solvers() {
    let server = Bind::builder().zone(example()).start();
    let identifier = Identifier::parse("www.example.org").unwrap();
    conformance::solver(|| solver(&server), &identifier).await.unwrap();
    assert!(server.txt("_acme-challenge.www.example.org").is_empty());
}
