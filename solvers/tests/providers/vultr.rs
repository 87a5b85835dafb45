//! Vultr.

use certwright_solvers::dns::http_api::Token;
use certwright_solvers::dns::vultr::Vultr;
use certwright_solvers::dns01::DnsProvider as _;
use certwright_solvers::{ErrorKind, Retry};
use testkit::conformance;
use testkit::doubles::Double;
use testkit::doubles::vultr::{self, refused};

use super::*;

const KEY: &str = "TOP-SECRET-key";

#[tokio::test(start_paused = true)]
async fn vultr_keeps_the_contract_of_providers() {
    let (dns, double) = service();
    let lookup = async |owner: &DnsName| texts(&dns, owner.as_str());
    conformance::dns_provider(|| provider(&double), lookup, &record("")).await.unwrap();
    assert_eq!(double.service().records(), 0);
}

/// Its clean-up deletes every value of the name, so one value at a time.
#[test]
fn lego_finds_the_same_service_in_the_double() {
    let (dns, double) = service();
    let served = double.serve();
    let lego = Lego::open("vultr", &served.url(), "example.org", &[("token", KEY)]);
    lego_comes_and_clears(&lego, &dns);
    // Domains and the addition, twice; domains, records and two removals.
    assert_eq!(double.calls().len(), 8);
}

#[tokio::test]
async fn a_zone_is_looked_through_once_and_a_value_costs_two_calls() {
    let (_, double) = service();
    let one = provider(&double);
    one.add_txt(&record("first")).await.unwrap();
    one.remove_txt(&record("first")).await.unwrap();
    assert_eq!(double.calls().len(), 3);
    one.add_txt(&record("second")).await.unwrap();
    one.remove_txt(&record("second")).await.unwrap();
    assert_eq!(double.calls().len(), 5);
}

#[tokio::test]
async fn a_value_is_there_once_although_the_service_would_take_it_twice() {
    let (_, double) = service();
    let write = |text: &str| drop(double.service().write("_acme-challenge.www", text, 120));
    a_value_is_there_once(|| provider(&double), write, || double.service().records()).await;
}

#[tokio::test]
async fn what_others_wrote_beyond_the_first_page_is_found() {
    let (dns, double) = service();
    let write = |text: &str| drop(double.service().write("_acme-challenge.www", text, 120));
    what_is_beyond_the_first_page_is_found(&dns, provider(&double), 550, write).await;
}

#[tokio::test]
async fn a_value_goes_beside_what_others_wrote_with_their_ttl() {
    let (dns, double) = service();
    double.service().write("_acme-challenge.www", "theirs", 3600);
    provider(&double).add_txt(&record("ours")).await.unwrap();
    assert_eq!(texts(&dns, OWNER), ["ours", "theirs"]);
    provider(&double).remove_txt(&record("ours")).await.unwrap();
    assert_eq!(texts(&dns, OWNER), ["theirs"]);
}

#[tokio::test]
async fn refusals_say_what_on_what_and_what_to_do() {
    let refusals = [
        (
            refused(401, "Invalid API token."),
            ErrorKind::Unauthorized,
            Retry::Backoff,
            "401: Invalid API token. (check the API key, and that its access control lets this address in)",
        ),
        (
            refused(403, "Forbidden"),
            ErrorKind::Unauthorized,
            Retry::Never,
            "403: Forbidden (its user must be allowed to manage DNS)",
        ),
        (
            refused(404, "Invalid domain"),
            ErrorKind::NotFound,
            Retry::Backoff,
            "404: Invalid domain (is the zone a domain of this account?)",
        ),
        (refused(400, "no"), ErrorKind::Refused, Retry::Never, "400: no"),
        (refused(429, "Rate limit exceeded"), ErrorKind::Busy, Retry::Backoff, "429: Rate limit exceeded"),
    ];
    refusals_become(
        service,
        provider,
        &format!("adding a TXT value at {OWNER} in the zone example.org: Vultr answered "),
        refusals,
    )
    .await;
}

fn service() -> (SimDns, Double<vultr::Vultr>) {
    let dns = SimDns::new();
    (dns.clone(), Double::new(vultr::Vultr::new(KEY, "example.org", dns)))
}

fn provider(double: &Double<vultr::Vultr>) -> Vultr {
    Vultr::new(fixed(Token::bearer(&secret(KEY))), Arc::new(double.clone()), clock()).unwrap()
}
