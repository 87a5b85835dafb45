//! deSEC.

use certwright_solvers::dns::desec::Desec;
use certwright_solvers::dns::http_api::Token;
use certwright_solvers::dns01::DnsProvider as _;
use certwright_solvers::{ErrorKind, Retry};
use serde_json::json;
use testkit::conformance;
use testkit::doubles::desec::{self, refused};
use testkit::doubles::{Double, empty};

use super::*;

const TOKEN: &str = "TOP-SECRET-token";

#[tokio::test(start_paused = true)]
async fn desec_keeps_the_contract_of_providers() {
    let (dns, double) = service();
    let lookup = async |owner: &DnsName| texts(&dns, owner.as_str());
    let one = provider(&double);
    // One process for a name: what it makes shares its turns.
    conformance::dns_provider(|| one.clone(), lookup, &record("")).await.unwrap();
}

#[test]
fn lego_finds_the_same_service_in_the_double() {
    let (dns, double) = service();
    let served = double.serve();
    lego_comes_and_goes(&Lego::open("desec", &served.url(), "example.org", &[("token", TOKEN)]), &dns);
    // The domain, a read and a write, for each of two values and for their removal.
    assert_eq!(double.calls().len(), 12);
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
    let adding = |rest: &str| format!("adding a TXT value at {OWNER} in the zone example.org: deSEC answered {rest}");
    let later = http::Response::builder().status(429).header("retry-after", "7").body("{}".into()).unwrap();
    for (answer, kind, retry, text) in [
        (
            refused(401, &json!({ "detail": "Invalid token." })),
            ErrorKind::Unauthorized,
            Retry::Backoff,
            "401: Invalid token. (check the token)",
        ),
        (
            refused(403, &json!({ "detail": "no" })),
            ErrorKind::Unauthorized,
            Retry::Never,
            "403: no (give the token a policy that lets it write TXT records of the domain)",
        ),
        (
            refused(400, &json!({ "ttl": ["Ensure this value is greater than or equal to 3600."] })),
            ErrorKind::Refused,
            Retry::Never,
            "400: ttl: Ensure this value is greater than or equal to 3600.",
        ),
        (later, ErrorKind::Busy, Retry::After(std::time::Duration::from_secs(7)), "429"),
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
    double.fail_next(empty(500));
    provider(&double).add_txt(&record("ours")).await.unwrap_err();
    assert_eq!(texts(&dns, OWNER), ["theirs"]);
}

fn service() -> (SimDns, Double<desec::Desec>) {
    let dns = SimDns::new();
    (dns.clone(), Double::new(desec::Desec::new(TOKEN, "example.org", dns)))
}

fn provider(double: &Double<desec::Desec>) -> Desec {
    let token = Token::bearer(&secret(TOKEN)).with_scheme("Token ");
    Desec::new(fixed(token), Arc::new(double.clone()), clock()).unwrap()
}
