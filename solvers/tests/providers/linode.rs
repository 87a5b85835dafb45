//! Linode.

use certwright_solvers::dns::http_api::Token;
use certwright_solvers::dns::linode::Linode;
use certwright_solvers::dns01::DnsProvider as _;
use certwright_solvers::{ErrorKind, Retry};
use testkit::conformance;
use testkit::doubles::linode::{self, refused};
use testkit::doubles::{Double, empty};

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
    provider(&double).add_txt(&record("value")).await.unwrap();
    // Another process, after an answer that was lost.
    provider(&double).add_txt(&record("value")).await.unwrap();
    assert_eq!(double.service().records(), 1);
    double.service().write("_acme-challenge.www", "value");
    provider(&double).remove_txt(&record("value")).await.unwrap();
    assert_eq!(double.service().records(), 0);
}

#[tokio::test]
async fn what_others_wrote_beyond_the_first_page_is_found() {
    let (dns, double) = service();
    for number in 0..550 {
        double.service().write("_acme-challenge.www", &format!("other-{number:03}"));
    }
    provider(&double).remove_txt(&record("other-549")).await.unwrap();
    assert_eq!(texts(&dns, OWNER).len(), 549);
}

#[tokio::test]
async fn refusals_say_what_on_what_and_what_to_do() {
    for (answer, kind, retry, text) in [
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
        (empty(502), ErrorKind::Busy, Retry::Backoff, "502"),
    ] {
        let (_, double) = service();
        double.fail_next(answer.clone());
        double.fail_next(answer);
        let error = provider(&double).add_txt(&record("v")).await.unwrap_err();
        let expected = format!("finding the zone example.org: Linode answered {text}");
        assert_eq!((error.kind(), error.retry(), error.what()), (kind, retry, expected.as_str()));
    }
    let elsewhere = TxtRecord::new(name("_acme-challenge.example.com"), "v", name("example.com"))
        .with_zone(Zone::new(name("example.com")));
    let (_, double) = service();
    let error = provider(&double).add_txt(&elsewhere).await.unwrap_err();
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
