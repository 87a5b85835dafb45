//! Gandi LiveDNS.

use certwright_solvers::dns::gandi::Gandi;
use certwright_solvers::dns::http_api::Token;
use certwright_solvers::dns01::DnsProvider as _;
use certwright_solvers::{ErrorKind, Retry};
use testkit::conformance;
use testkit::doubles::gandi::{self, refused};
use testkit::doubles::{Double, empty};

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
    let mut expected = vec![
        lego.present("www.example.org", "one", "one.thumbprint").unwrap(),
        lego.present("www.example.org", "two", "two.thumbprint").unwrap(),
    ];
    expected.sort();
    assert_eq!(texts(&dns, OWNER), expected);
    lego.clean_up("www.example.org", "one", "one.thumbprint").unwrap();
    assert!(texts(&dns, OWNER).is_empty());
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
async fn a_record_at_the_apex_is_written_there() {
    let (dns, double) = service();
    let apex = TxtRecord::new(name("example.org"), "v", name("example.org")).with_zone(Zone::new(name("example.org")));
    provider(&double).add_txt(&apex).await.unwrap();
    assert_eq!(texts(&dns, "example.org"), ["v"]);
    provider(&double).remove_txt(&apex).await.unwrap();
    assert!(texts(&dns, "example.org").is_empty());
}

#[tokio::test]
async fn refusals_say_what_on_what_and_what_to_do() {
    let adding = |rest: &str| format!("adding a TXT value at {OWNER} in the zone example.org: Gandi answered {rest}");
    for (answer, kind, retry, text) in [
        (refused(401, "who?"), ErrorKind::Unauthorized, Retry::Backoff, "401: who? (check the token)"),
        (
            refused(403, "Access was denied to this resource."),
            ErrorKind::Unauthorized,
            Retry::Never,
            "403: Access was denied to this resource. (is the zone on LiveDNS in this account, and may the token manage domain name technical configurations?)",
        ),
        (refused(400, "no"), ErrorKind::Refused, Retry::Never, "400: no"),
        (refused(429, "slow"), ErrorKind::Busy, Retry::Backoff, "429: slow"),
        (empty(502), ErrorKind::Busy, Retry::Backoff, "502"),
    ] {
        let (_, double) = service();
        double.fail_next(answer.clone());
        double.fail_next(answer);
        let error = provider(&double).add_txt(&record("v")).await.unwrap_err();
        assert_eq!((error.kind(), error.retry(), error.what()), (kind, retry, adding(text).as_str()));
    }
}

#[tokio::test]
async fn a_read_that_is_refused_is_no_empty_set() {
    let (dns, double) = service();
    provider(&double).add_txt(&record("theirs")).await.unwrap();
    double.fail_next(refused(409, "A DNS Record already exists with same value"));
    double.fail_next(empty(500));
    provider(&double).add_txt(&record("ours")).await.unwrap_err();
    assert_eq!(texts(&dns, OWNER), ["theirs"]);
}

fn service() -> (SimDns, Double<gandi::Gandi>) {
    let dns = SimDns::new();
    (dns.clone(), Double::new(gandi::Gandi::new(TOKEN, "example.org", dns)))
}

fn provider(double: &Double<gandi::Gandi>) -> Gandi {
    Gandi::new(fixed(Token::bearer(&secret(TOKEN))), Arc::new(double.clone()), clock()).unwrap()
}
