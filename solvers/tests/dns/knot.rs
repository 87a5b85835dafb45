//! Knot: another server, with other words for the same refusals.

use certwright_solvers::dns01::DnsProvider as _;
use certwright_solvers::{Error, ErrorKind, Retry};
use testkit::conformance;
use testkit::servers::{Knot, TsigAlgorithm, TsigKey, Zone};

use super::*;

const OWNER: &str = "_acme-challenge.example.org";

#[tokio::test]
async fn dns_update_keeps_the_contract_of_providers_at_knot_too() {
    let server = Knot::start(&[example()]);
    let lookup = async |owner: &DnsName| server.txt(owner.as_str());
    conformance::dns_provider(|| provider(&server, &key()), lookup, &record(OWNER, "")).await.unwrap();
}

#[tokio::test]
async fn every_algorithm_signs_over_udp_and_over_tcp_for_knot_too() {
    let zone = keys().iter().fold(Zone::new("example.org"), Zone::update_with);
    let server = Knot::start(&[zone]);
    for key in &keys() {
        comes_and_goes(provider(&server, key), key.name(), |owner| server.txt(owner)).await;
    }
}

#[tokio::test]
async fn an_unsigned_update_works_where_it_is_allowed_and_is_told_to_sign_elsewhere() {
    let server = Knot::start(&[Zone::new("example.org").update_from_loopback()]);
    let unsigned = |server: &Knot| Rfc2136::new(&server.address().to_string(), wall()).unwrap();
    unsigned(&server).add_txt(&record(OWNER, "value")).await.unwrap();
    assert_eq!(server.txt(OWNER), ["value"]);

    let server = Knot::start(&[example()]);
    let error = refused(&unsigned(&server), &server).await;
    assert!(error.to_string().contains("takes no unsigned update of it"), "{error}");
}

#[tokio::test]
async fn a_wrong_secret_name_or_algorithm_is_told() {
    let server = Knot::start(&[example()]);
    for (wrong, code) in [
        (TsigKey::new("acme-key", TsigAlgorithm::HmacSha256, "wrong"), "BADSIG"),
        (TsigKey::new("other-key", TsigAlgorithm::HmacSha256, SECRET), "BADKEY"),
        (TsigKey::new("acme-key", TsigAlgorithm::HmacSha512, SECRET), "BADKEY"),
    ] {
        let error = refused(&provider(&server, &wrong), &server).await;
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        assert!(error.to_string().contains(code), "{error}");
    }
}

#[tokio::test]
async fn a_key_without_the_right_is_told_by_knot_as_one_it_does_not_know() {
    let other = TsigKey::new("other-key", TsigAlgorithm::HmacSha256, SECRET);
    let server = Knot::start(&[example(), Zone::new("example.com").update_with(&other)]);
    let error = refused(&provider(&server, &other), &server).await;
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never));
    let told = "BADKEY: the server";
    assert!(error.to_string().contains(told), "{error}");
    assert!(error.to_string().ends_with(&format!("and (Knot) that it may update TXT at {OWNER}")), "{error}");
}

#[tokio::test]
async fn a_zone_of_another_server_is_told_by_knot_too() {
    let server = Knot::start(&[example()]);
    let elsewhere = TxtRecord::new(name("_acme-challenge.example.com"), "v", name("example.com"))
        .with_zone(Apex::new(name("example.com")));
    let error = provider(&server, &key()).add_txt(&elsewhere).await.unwrap_err();
    // Its answer is unsigned, so what it says is worth no more than a hint.
    assert!(error.to_string().contains("example.com"), "{error}");
}

#[tokio::test]
async fn an_alias_at_the_owner_is_told_instead_of_ignored_by_knot() {
    let server = Knot::start(&[example().record("_acme-challenge IN CNAME elsewhere.example.com.")]);
    let error = refused(&provider(&server, &key()), &server).await;
    assert!(error.to_string().contains("alias of elsewhere.example.com"), "{error}");
}

fn provider(server: &Knot, key: &TsigKey) -> Rfc2136 {
    Rfc2136::new(&server.address().to_string(), wall()).unwrap().with_key(ours(key))
}

async fn refused(provider: &Rfc2136, server: &Knot) -> Error {
    let error = provider.add_txt(&record(OWNER, "value")).await.unwrap_err();
    assert!(server.txt(OWNER).is_empty());
    assert!(!error.to_string().contains(SECRET));
    error
}
