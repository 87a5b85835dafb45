//! Akamai Edge DNS.

use certwright_solvers::dns::akamai::{Akamai, EdgeGrid};
use certwright_solvers::dns01::DnsProvider as _;
use certwright_solvers::{ErrorKind, Retry};
use testkit::conformance;
use testkit::doubles::Double;
use testkit::doubles::akamai::{self, refused};

use super::*;

const HOST: &str = "akab-host.luna.akamaiapis.net";
const TOKENS: [&str; 3] = ["akab-client", "akab-access", "TOP-SECRET-key"];

#[tokio::test(start_paused = true)]
async fn akamai_keeps_the_contract_of_providers() {
    let (dns, double) = service(clock());
    let lookup = async |owner: &DnsName| texts(&dns, owner.as_str());
    let one = provider(&double);
    // One process for a name: what it makes shares its turns.
    conformance::dns_provider(|| one.clone(), lookup, &record("")).await.unwrap();
}

#[test]
fn lego_and_akamais_own_library_find_the_same_service_in_the_double() {
    let (dns, double) = service(Arc::new(Wall));
    let served = double.serve();
    let settings = [("host", HOST), ("client", TOKENS[0]), ("access", TOKENS[1]), ("secret", TOKENS[2])];
    lego_comes_and_goes(&Lego::open("edgedns", &served.url(), "example.org", &settings), &dns);
    // A read and a write for each of two values, and for their removal.
    assert_eq!(double.calls().len(), 8);
}

#[tokio::test]
async fn a_name_costs_no_more_calls_than_with_lego() {
    let (_, double) = service(clock());
    let provider = provider(&double);
    for value in ["one", "two"] {
        provider.add_txt(&record(value)).await.unwrap();
    }
    for value in ["one", "two"] {
        provider.remove_txt(&record(value)).await.unwrap();
    }
    assert_eq!(double.calls().len(), 8);
}

#[tokio::test]
async fn refusals_say_what_on_what_and_what_to_do() {
    let refusals = [
        (
            refused(401, "Not authorized", "The signature does not match"),
            ErrorKind::Unauthorized,
            Retry::Backoff,
            "401: Not authorized: The signature does not match (check the tokens and the secret of the API client, and the clock of this machine)",
        ),
        (
            refused(403, "Forbidden", "no grant"),
            ErrorKind::Unauthorized,
            Retry::Never,
            "403: Forbidden: no grant (give the API client read-write access to DNS-Zone Record Management and to the zone's group)",
        ),
        (refused(400, "Bad Request", "no"), ErrorKind::Refused, Retry::Never, "400: Bad Request: no"),
        (refused(409, "Conflict", "Zone is busy"), ErrorKind::Conflict, Retry::Backoff, "409: Conflict: Zone is busy"),
        (refused(429, "Too Many Requests", "slow"), ErrorKind::Busy, Retry::Backoff, "429: Too Many Requests: slow"),
    ];
    refusals_become(
        || service(clock()),
        provider,
        &format!("adding a TXT value at {OWNER} in the zone example.org: Akamai answered "),
        refusals,
    )
    .await;
    let (_, double) = service(clock());
    let error = provider(&double).add_txt(&elsewhere()).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::NotFound, Retry::Backoff));
    assert!(error.to_string().ends_with("(does the contract of this API client hold the zone?)"), "{error}");
}

#[tokio::test]
async fn a_read_that_is_refused_is_no_empty_set() {
    let (dns, double) = service(clock());
    a_refused_read_loses_nothing(&dns, &double, provider(&double), None).await;
}

fn service(clock: Arc<dyn Clock>) -> (SimDns, Double<akamai::Akamai>) {
    let dns = SimDns::new();
    let service = akamai::Akamai::new(TOKENS, "example.org", dns.clone(), clock);
    (dns, Double::new(service))
}

fn provider(double: &Double<akamai::Akamai>) -> Akamai {
    let [client, access, key] = TOKENS.map(secret);
    let client = EdgeGrid::new(&client, &access, &key);
    Akamai::new(HOST, fixed(client), Arc::new(double.clone()), clock()).unwrap()
}
