//! Linode.

use certwright_solvers::dns::http_api::Token;
use certwright_solvers::dns::linode::Linode;
use certwright_solvers::dns01::DnsProvider as _;
use certwright_solvers::{ErrorKind, Retry};
use testkit::conformance;
use testkit::doubles::Double;
use testkit::doubles::linode::{self, refused};

use super::*;

const TOKEN: &str = "TOP-SECRET-token";

#[tokio::test(start_paused = true)]
async fn linode_keeps_the_contract_of_providers() {
    let (dns, double) = service();
    let lookup = async |owner: &DnsName| texts(&dns, owner.as_str());
    conformance::dns_provider(|| provider(&double), lookup, &record("")).await.unwrap();
    assert_eq!(double.service().records(), 0);
}

#[test]
fn lego_finds_the_same_service_in_the_double() {
    let (dns, double) = service();
    let served = double.serve();
    lego_comes_and_goes(&Lego::open("linode", &served.url(), "example.org", &[("token", TOKEN)]), &dns);
    assert_eq!(double.service().records(), 0);
    // The domain and the addition; the domain, a list and the removal.
    assert_eq!(double.calls().len(), 10);
}

#[tokio::test]
async fn a_value_is_there_once_although_the_service_would_take_it_twice() {
    let (_, double) = service();
    let write = |text: &str| {
        double.service().write("_acme-challenge.www", text);
    };
    a_value_is_there_once(|| provider(&double), write, || double.service().records()).await;
}

#[tokio::test]
async fn what_others_wrote_beyond_the_first_page_is_found() {
    let (dns, double) = service();
    let write = |text: &str| {
        double.service().write("_acme-challenge.www", text);
    };
    what_is_beyond_the_first_page_is_found(&dns, provider(&double), 550, write).await;
}

#[tokio::test]
async fn refusals_say_what_on_what_and_what_to_do() {
    let refusals = [
        (
            refused(401, "Invalid Token"),
            ErrorKind::Unauthorized,
            Retry::Backoff,
            "401: Invalid Token (check the token, and that it has the scope domains:read_write)",
        ),
        (
            refused(403, "Unauthorized"),
            ErrorKind::Unauthorized,
            Retry::Never,
            "403: Unauthorized (its user must be allowed to change the domain)",
        ),
        (refused(400, "no"), ErrorKind::Refused, Retry::Never, "400: no"),
        (refused(429, "Too many requests"), ErrorKind::Busy, Retry::Backoff, "429: Too many requests"),
    ];
    refusals_become(service, provider, "finding the zone example.org: Linode answered ", refusals).await;
    let (_, double) = service();
    let error = provider(&double).add_txt(&elsewhere()).await.unwrap_err();
    let text = "finding the zone example.com: Linode shows no such domain to this token; is it in this account?";
    assert_eq!((error.kind(), error.what()), (ErrorKind::NotFound, text));
}

fn service() -> (SimDns, Double<linode::Linode>) {
    let dns = SimDns::new();
    (dns.clone(), Double::new(linode::Linode::new(TOKEN, "example.org", dns)))
}

fn provider(double: &Double<linode::Linode>) -> Linode {
    Linode::new(fixed(Token::bearer(&secret(TOKEN))), Arc::new(double.clone()), clock()).unwrap()
}
