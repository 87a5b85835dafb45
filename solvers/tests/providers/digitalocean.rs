//! DigitalOcean.

use certwright_solvers::dns::digitalocean::DigitalOcean;
use certwright_solvers::dns::http_api::Token;
use certwright_solvers::{ErrorKind, Retry};
use testkit::conformance;
use testkit::doubles::Double;
use testkit::doubles::digitalocean::{self, refused};

use super::*;

const TOKEN: &str = "TOP-SECRET-token";

#[tokio::test(start_paused = true)]
async fn digitalocean_keeps_the_contract_of_providers() {
    let (dns, double) = service();
    let lookup = async |owner: &DnsName| texts(&dns, owner.as_str());
    conformance::dns_provider(|| provider(&double), lookup, &record("")).await.unwrap();
    assert_eq!(double.service().records(), 0);
}

#[test]
fn lego_finds_the_same_service_in_the_double() {
    let (dns, double) = service();
    let served = double.serve();
    lego_comes_and_goes(&Lego::open("digitalocean", &served.url(), "example.org", &[("token", TOKEN)]), &dns);
    assert_eq!(double.service().records(), 0);
}

#[tokio::test]
async fn a_value_is_there_once_although_the_service_would_take_it_twice() {
    let (_, double) = service();
    let write = |text: &str| double.service().write("example.org", OWNER, text);
    a_value_is_there_once(|| provider(&double), write, || double.service().records()).await;
}

#[tokio::test]
async fn what_others_wrote_beyond_the_first_page_is_found() {
    let (dns, double) = service();
    let write = |text: &str| double.service().write("example.org", OWNER, text);
    what_is_beyond_the_first_page_is_found(&dns, provider(&double), 250, write).await;
}

#[tokio::test]
async fn refusals_say_what_on_what_and_what_to_do() {
    let refusals = [
        (
            refused(401, "unauthorized", "Unable to authenticate you"),
            ErrorKind::Unauthorized,
            Retry::Backoff,
            "unauthorized: Unable to authenticate you (check the token)",
        ),
        (
            refused(403, "forbidden", "You are not authorized to perform this operation"),
            ErrorKind::Unauthorized,
            Retry::Never,
            "forbidden: You are not authorized to perform this operation (give the token the scopes domain:read, domain:create and domain:delete)",
        ),
        (
            refused(404, "not_found", "not found"),
            ErrorKind::NotFound,
            Retry::Backoff,
            "not_found: not found (is the zone a domain of this account?)",
        ),
        (refused(422, "unprocessable_entity", "no"), ErrorKind::Refused, Retry::Never, "unprocessable_entity: no"),
        (refused(429, "too_many_requests", "slow"), ErrorKind::Busy, Retry::Backoff, "too_many_requests: slow"),
    ];
    refusals_become(
        service,
        provider,
        &format!("adding a TXT value at {OWNER} in the zone example.org: DigitalOcean answered "),
        refusals,
    )
    .await;
}

fn service() -> (SimDns, Double<digitalocean::DigitalOcean>) {
    let dns = SimDns::new();
    let service = digitalocean::DigitalOcean::new(TOKEN, &["example.net", "example.org"], dns.clone());
    (dns, Double::new(service))
}

fn provider(double: &Double<digitalocean::DigitalOcean>) -> DigitalOcean {
    DigitalOcean::new(fixed(Token::bearer(&secret(TOKEN))), Arc::new(double.clone()), clock()).unwrap()
}
