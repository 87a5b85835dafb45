//! Gandi LiveDNS.

use certwright_solvers::dns::gandi::Gandi;
use certwright_solvers::dns::http_api::Token;
use certwright_solvers::dns01::DnsProvider as _;
use certwright_solvers::{ErrorKind, Retry};
use testkit::conformance;
use testkit::doubles::Double;
use testkit::doubles::gandi::{self, refused};

use super::*;

const TOKEN: &str = "TOP-SECRET-token";

#[tokio::test(start_paused = true)]
async fn gandi_keeps_the_contract_of_providers() {
    let (dns, double) = service();
    let lookup = async |owner: &DnsName| texts(&dns, owner.as_str());
    let one = provider(&double);
    // One process for a name: what it makes shares its turns.
    conformance::dns_provider(|| one.clone(), lookup, &record("")).await.unwrap();
}

/// Its clean-up deletes the whole set, so one value at a time.
#[test]
fn lego_finds_the_same_service_in_the_double() {
    let (dns, double) = service();
    let served = double.serve();
    let lego = Lego::open("gandiv5", &served.url(), "example.org", &[("token", TOKEN)]);
    lego_comes_and_clears(&lego, &dns);
}

#[tokio::test]
async fn a_name_without_a_set_costs_one_call_more_to_clear_than_to_write() {
    let (dns, double) = service();
    provider(&double).add_txt(&record("one")).await.unwrap();
    assert_eq!(double.calls().len(), 1);
    provider(&double).remove_txt(&record("one")).await.unwrap();
    assert_eq!(double.calls().len(), 3);
    provider(&double).add_txt(&record("one")).await.unwrap();
    // A second value goes beside the first.
    provider(&double).add_txt(&record("two")).await.unwrap();
    assert_eq!(texts(&dns, OWNER), ["one", "two"]);
    assert_eq!(double.calls().len(), 7);
}

#[tokio::test]
async fn refusals_say_what_on_what_and_what_to_do() {
    let refusals = [
        (refused(401, "who?"), ErrorKind::Unauthorized, Retry::Backoff, "401: who? (check the token)"),
        (
            refused(403, "Access was denied to this resource."),
            ErrorKind::Unauthorized,
            Retry::Never,
            "403: Access was denied to this resource. (is the zone on LiveDNS in this account, and may the token manage domain name technical configurations?)",
        ),
        (refused(400, "no"), ErrorKind::Refused, Retry::Never, "400: no"),
        (refused(429, "slow"), ErrorKind::Busy, Retry::Backoff, "429: slow"),
    ];
    refusals_become(
        service,
        provider,
        &format!("adding a TXT value at {OWNER} in the zone example.org: Gandi answered "),
        refusals,
    )
    .await;
}

#[tokio::test]
async fn a_read_that_is_refused_is_no_empty_set() {
    let (dns, double) = service();
    let there_is_one = refused(409, "A DNS Record already exists with same value");
    a_refused_read_loses_nothing(&dns, &double, provider(&double), Some(there_is_one)).await;
}

fn service() -> (SimDns, Double<gandi::Gandi>) {
    let dns = SimDns::new();
    (dns.clone(), Double::new(gandi::Gandi::new(TOKEN, "example.org", dns)))
}

fn provider(double: &Double<gandi::Gandi>) -> Gandi {
    Gandi::new(fixed(Token::bearer(&secret(TOKEN))), Arc::new(double.clone()), clock()).unwrap()
}
