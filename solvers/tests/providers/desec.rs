//! deSEC.

use certwright_solvers::dns::desec::Desec;
use certwright_solvers::dns::http_api::Token;
use certwright_solvers::{ErrorKind, Retry};
use serde_json::json;
use testkit::conformance;
use testkit::doubles::Double;
use testkit::doubles::desec::{self, refused};

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
async fn refusals_say_what_on_what_and_what_to_do() {
    let later = http::Response::builder().status(429).header("retry-after", "7").body("{}".into()).unwrap();
    let refusals = [
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
    ];
    refusals_become(
        service,
        provider,
        &format!("adding a TXT value at {OWNER} in the zone example.org: deSEC answered "),
        refusals,
    )
    .await;
}

#[tokio::test]
async fn a_read_that_is_refused_is_no_empty_set() {
    let (dns, double) = service();
    a_refused_read_loses_nothing(&dns, &double, provider(&double), None).await;
}

fn service() -> (SimDns, Double<desec::Desec>) {
    let dns = SimDns::new();
    (dns.clone(), Double::new(desec::Desec::new(TOKEN, "example.org", dns)))
}

fn provider(double: &Double<desec::Desec>) -> Desec {
    let token = Token::bearer(&secret(TOKEN)).with_scheme("Token ");
    Desec::new(fixed(token), Arc::new(double.clone()), clock()).unwrap()
}
