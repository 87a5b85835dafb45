//! A plain HTTP service, as lego asks it.

use acme_core::protocol::KeyAuthorization;
use certwright_solvers::dns::http_api::Basic;
use certwright_solvers::dns::httpreq::HttpReq;
use certwright_solvers::dns01::DnsProvider as _;
use certwright_solvers::{ErrorKind, Retry};
use testkit::conformance;
use testkit::doubles::{Double, empty, httpreq};

use super::*;

/// `user:TOP-SECRET-word`.
const LOGIN: &str = "Basic dXNlcjpUT1AtU0VDUkVULXdvcmQ=";

#[tokio::test(start_paused = true)]
async fn httpreq_keeps_the_contract_of_providers() {
    let (dns, double) = service(|it| it.with_login(LOGIN));
    let lookup = async |owner: &DnsName| texts(&dns, owner.as_str());
    conformance::dns_provider(|| provider(&double), lookup, &record("")).await.unwrap();
}

#[test]
fn lego_finds_the_same_service_in_the_double() {
    let login = [("username", "user"), ("password", "TOP-SECRET-word")];
    let (dns, double) = service(|it| it.with_login(LOGIN));
    lego_comes_and_goes(&Lego::open("httpreq", &double.serve().url(), "example.org", &login), &dns);
    let (dns, double) = service(|it| it.raw(value));
    lego_comes_and_goes(&Lego::open("httpreq", &double.serve().url(), "example.org", &[("mode", "RAW")]), &dns);
}

#[tokio::test]
async fn raw_passes_the_key_authorization_on() {
    let (dns, double) = service(|it| it.raw(value));
    let provider = HttpReq::new("https://dns.test/", Arc::new(double), clock()).unwrap().raw();
    let proof = KeyAuthorization::new("token", "thumbprint").unwrap();
    let record = record(&proof.dns_value()).with_key_authorization(proof.clone());
    provider.add_txt(&record).await.unwrap();
    assert_eq!(texts(&dns, OWNER), [proof.dns_value()]);
    provider.remove_txt(&record).await.unwrap();
    assert!(texts(&dns, OWNER).is_empty());
    let error = provider.add_txt(&super::record("value alone")).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unsupported, Retry::Never));
}

#[tokio::test]
async fn refusals_say_what_on_what() {
    let (_, double) = service(|it| it.with_login("Basic another"));
    let error = provider(&double).add_txt(&record("v")).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Backoff));
    let text = format!(
        "adding a TXT value at {OWNER}: the HTTP service answered 401: \"who are you?\" (check the user and the password)"
    );
    assert_eq!(error.what(), text);
    let (_, double) = service(|it| it);
    double.fail_next(empty(503));
    let error = provider(&double).remove_txt(&record("v")).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Busy, Retry::Backoff));
}

fn value(proof: &str) -> String {
    let (token, thumbprint) = proof.split_once('.').unwrap();
    KeyAuthorization::new(token, thumbprint).unwrap().dns_value()
}

fn service(with: impl Fn(httpreq::HttpReq) -> httpreq::HttpReq) -> (SimDns, Double<httpreq::HttpReq>) {
    let dns = SimDns::new();
    let service = with(httpreq::HttpReq::new(dns.clone()));
    (dns, Double::new(service))
}

fn provider(double: &Double<httpreq::HttpReq>) -> HttpReq {
    let login = fixed(Some(Basic::new("user", &secret("TOP-SECRET-word\n"))));
    HttpReq::with_login("https://dns.test", login, Arc::new(double.clone()), clock()).unwrap()
}
