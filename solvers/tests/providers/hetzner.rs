//! Hetzner DNS.

use certwright_solvers::dns::hetzner::Hetzner;
use certwright_solvers::dns::http_api::Token;
use certwright_solvers::dns01::DnsProvider as _;
use certwright_solvers::{ErrorKind, Retry};
use testkit::conformance;
use testkit::doubles::hetzner::{self, refused};
use testkit::doubles::{Double, json};

use super::*;

const TOKEN: &str = "TOP-SECRET-token";

#[tokio::test(start_paused = true)]
async fn hetzner_keeps_the_contract_of_providers() {
    let (dns, double) = service();
    let lookup = async |owner: &DnsName| texts(&dns, owner.as_str());
    conformance::dns_provider(|| provider(&double), lookup, &record("")).await.unwrap();
}

#[test]
fn lego_finds_the_same_service_in_the_double() {
    let (dns, double) = service();
    let served = double.serve();
    lego_comes_and_goes(&Lego::open("hetzner", &served.url(), "example.org", &[("token", TOKEN)]), &dns);
    // A change and a question about it, for each of two values and for their removal.
    assert_eq!(double.calls().len(), 8);
}

#[tokio::test]
async fn a_set_that_somebody_made_keeps_its_ttl() {
    let (dns, double) = service();
    double.service().put_beside(OWNER, 86_400, "theirs");
    provider(&double).add_txt(&record("ours")).await.unwrap();
    assert_eq!(texts(&dns, OWNER), ["ours", "theirs"]);
    provider(&double).remove_txt(&record("ours")).await.unwrap();
    assert_eq!(texts(&dns, OWNER), ["theirs"]);
}

#[tokio::test]
async fn refusals_say_what_on_what_and_what_to_do() {
    let refusals = [
        (
            refused(401, "unauthorized", "who?"),
            ErrorKind::Unauthorized,
            Retry::Backoff,
            "unauthorized: who? (check the token)",
        ),
        (
            refused(403, "token_readonly", "no"),
            ErrorKind::Unauthorized,
            Retry::Never,
            "token_readonly: no (the token must be one of the zone's project that may read and write)",
        ),
        (
            refused(422, "incorrect_zone_mode", "secondary"),
            ErrorKind::Refused,
            Retry::Never,
            "incorrect_zone_mode: secondary",
        ),
        (
            refused(423, "locked", "an action is running"),
            ErrorKind::Busy,
            Retry::Backoff,
            "locked: an action is running",
        ),
        (refused(429, "rate_limit_exceeded", "slow"), ErrorKind::Busy, Retry::Backoff, "rate_limit_exceeded: slow"),
    ];
    refusals_become(
        service,
        provider,
        &format!("adding a TXT value at {OWNER} in the zone example.org: Hetzner answered "),
        refusals,
    )
    .await;
    let (_, double) = service();
    let error = provider(&double).add_txt(&elsewhere()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().ends_with("(is the zone in the project of this token?)"), "{error}");
}

#[tokio::test]
async fn a_change_that_the_service_could_not_make_is_an_error() {
    let (_, double) = service();
    let action =
        serde_json::json!({ "id": 1, "status": "error", "error": { "code": "action_failed", "message": "no" } });
    double.fail_next(json(201, &serde_json::json!({ "action": action })));
    let error = provider(&double).add_txt(&record("v")).await.unwrap_err();
    assert!(error.what().ends_with("Hetzner could not do it: action_failed"), "{error}");
}

fn service() -> (SimDns, Double<hetzner::Hetzner>) {
    let dns = SimDns::new();
    (dns.clone(), Double::new(hetzner::Hetzner::new(TOKEN, "example.org", dns)))
}

fn provider(double: &Double<hetzner::Hetzner>) -> Hetzner {
    Hetzner::new(fixed(Token::bearer(&secret(TOKEN))), Arc::new(double.clone()), clock()).unwrap()
}
