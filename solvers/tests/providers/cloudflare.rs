//! Cloudflare.

use std::fs;
use std::time::Duration;

use certwright_solvers::credentials::{Refreshing, SecretFile};
use certwright_solvers::dns::cloudflare::{Access, Cloudflare};
use certwright_solvers::dns01::{DnsProvider as _, Zones};
use certwright_solvers::{ErrorKind, Retry};
use testkit::conformance;
use testkit::doubles::cloudflare::{self, refused};
use testkit::doubles::{Double, json};

use super::*;

const TOKEN: &str = "TOP-SECRET-token";

#[tokio::test(start_paused = true)]
async fn cloudflare_keeps_the_contract_of_providers() {
    let (dns, double) = service();
    let lookup = async |owner: &DnsName| texts(&dns, owner.as_str());
    conformance::dns_provider(|| provider(&double), lookup, &record("")).await.unwrap();
    conformance::dns_provider(|| provider(&double).with_zone_id("z1"), lookup, &record("")).await.unwrap();
}

#[test]
fn lego_finds_the_same_service_in_the_double() {
    for settings in [[("token", TOKEN), ("email", "")], [("key", "TOP-SECRET-key"), ("email", "a@example.org")]] {
        let (dns, double) = service();
        let served = double.serve();
        lego_comes_and_goes(&Lego::open("cloudflare", &served.url(), "example.org", &settings), &dns);
    }
}

#[tokio::test]
async fn a_name_costs_never_more_calls_than_with_lego() {
    let (dns, double) = service();
    let served = double.serve();
    let lego = Lego::open("cloudflare", &served.url(), "example.org", &[("token", TOKEN)]);
    lego_comes_and_goes(&lego, &dns);
    let theirs = double.calls().len();
    let (dns, double) = service();
    let provider = provider(&double);
    for value in ["one", "two"] {
        provider.add_txt(&record(value)).await.unwrap();
    }
    for value in ["one", "two"] {
        provider.remove_txt(&record(value)).await.unwrap();
    }
    assert!(texts(&dns, OWNER).is_empty());
    assert_eq!((theirs, double.calls().len()), (5, 5));
}

#[tokio::test]
async fn an_owner_of_the_account_is_let_in_by_e_mail_and_key() {
    let (dns, double) = service();
    let access = Access::global_key("a@example.org", &secret("TOP-SECRET-key\n"));
    let provider = Cloudflare::new(fixed(access), Arc::new(double), clock()).unwrap();
    provider.add_txt(&record("value")).await.unwrap();
    assert_eq!(texts(&dns, OWNER), ["value"]);
}

#[tokio::test]
async fn with_the_zones_id_no_zone_is_asked_for() {
    let (_, double) = service();
    let provider = provider(&double).with_zone_id("z1");
    assert!(matches!(provider.zones(), Zones::Unneeded));
    provider.add_txt(&TxtRecord::new(name(OWNER), "value", name("www.example.org"))).await.unwrap();
    assert_eq!(double.calls(), ["POST /client/v4/zones/z1/dns_records"]);
}

#[tokio::test]
async fn quotes_are_sent_and_do_not_matter() {
    let (dns, double) = service();
    double.service().write("z1", OWNER, "unquoted");
    double.service().write("z1", OWNER, "\"quoted\"");
    let provider = provider(&double);
    provider.add_txt(&record("unquoted")).await.unwrap();
    assert_eq!(texts(&dns, OWNER), ["quoted", "unquoted"]);
    provider.remove_txt(&record("unquoted")).await.unwrap();
    provider.remove_txt(&record("quoted")).await.unwrap();
    assert!(texts(&dns, OWNER).is_empty());
}

#[tokio::test]
async fn what_others_wrote_beyond_the_first_page_is_found() {
    let (dns, double) = service();
    let write = |text: &str| double.service().write("z1", OWNER, text);
    what_is_beyond_the_first_page_is_found(&dns, provider(&double), 150, write).await;
}

#[tokio::test]
async fn an_identical_record_is_done_and_a_missing_one_is_gone() {
    let (_, double) = service();
    let provider = provider(&double).with_zone_id("z1");
    for code in [81_057, 81_058] {
        double.fail_next(refused(400, code, "An identical record already exists."));
        provider.add_txt(&record("value")).await.unwrap();
    }
    provider.add_txt(&record("value")).await.unwrap();
    let found = json(
        200,
        &serde_json::json!({ "success": true, "errors": [], "result": [
        { "id": "gone", "name": OWNER, "content": "\"other\"" }
    ] }),
    );
    double.fail_next(found);
    provider.remove_txt(&record("other")).await.unwrap();
    assert_eq!(double.calls().last().unwrap(), "DELETE /client/v4/zones/z1/dns_records/gone");
}

#[tokio::test]
async fn a_rotated_token_is_read_after_one_refused_call() {
    let (dns, double) = service();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let source = Arc::new(Refreshing::new(SecretFile::new(&file, Access::token)));
    let provider = Cloudflare::new(source, Arc::new(double.clone()), clock()).unwrap().with_zone_id("z1");
    provider.add_txt(&record("before")).await.unwrap();
    double.service().rotate("TOP-SECRET-new");
    fs::write(&file, "TOP-SECRET-new").unwrap();
    provider.add_txt(&record("after")).await.unwrap();
    assert_eq!(texts(&dns, OWNER), ["after", "before"]);
    assert_eq!(double.calls().len(), 3);

    double.service().rotate("TOP-SECRET-other");
    let error = provider.add_txt(&record("never")).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Backoff));
    fs::write(&file, " \n").unwrap();
    let error = provider.add_txt(&record("never")).await.unwrap_err();
    assert!(error.to_string().ends_with("token holds no credential: it is empty"), "{error}");
}

#[tokio::test]
async fn a_zone_that_was_made_again_is_found_again() {
    let (dns, double) = service();
    let provider = provider(&double);
    provider.add_txt(&record("before")).await.unwrap();
    double.service().renumber("z1", "z2");
    let error = provider.add_txt(&record("after")).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::NotFound, Retry::Backoff));
    provider.add_txt(&record("after")).await.unwrap();
    assert_eq!(texts(&dns, OWNER), ["after", "before"]);
}

#[tokio::test]
async fn refusals_say_what_on_what_and_what_to_do() {
    let (_, double) = service();
    let error = provider(&double).add_txt(&elsewhere()).await.unwrap_err();
    assert_eq!(
        told(&error),
        (
            ErrorKind::NotFound,
            Retry::Backoff,
            "finding the zone example.com: Cloudflare shows no such zone to these credentials; is it in this account, and may they read it (Zone:Read)?"
        )
    );
    let refusals = [
        (
            refused(403, 10_000, "Authentication error"),
            ErrorKind::Unauthorized,
            Retry::Backoff,
            "10000: Authentication error (check the token or key, and that it may edit this zone: Zone:Read and DNS:Edit)",
        ),
        (
            refused(403, 1, "no permission"),
            ErrorKind::Unauthorized,
            Retry::Never,
            "1: no permission (give the token Zone:Read and DNS:Edit on the zone)",
        ),
        (
            refused(400, 81_053, "A CNAME record with that host already exists."),
            ErrorKind::Refused,
            Retry::Never,
            "81053: A CNAME record with that host already exists. (the name is an alias; follow the delegation, or remove the CNAME record)",
        ),
        (refused(400, 9_005, "Content is invalid."), ErrorKind::Refused, Retry::Backoff, "9005: Content is invalid."),
        (refused(200, 9_999, "Half done."), ErrorKind::Refused, Retry::Backoff, "9999: Half done."),
        (refused(503, 10_013, "Later."), ErrorKind::Busy, Retry::Backoff, "10013: Later."),
        (json(502, &serde_json::json!("bad gateway")), ErrorKind::Busy, Retry::Backoff, "502"),
    ];
    let by_id = |double: &_| provider(double).with_zone_id("z1");
    refusals_become(service, by_id, &format!("adding a TXT value at {OWNER}: Cloudflare answered "), refusals).await;
    let mut busy = refused(429, 10_100, "Rate limited.");
    busy.headers_mut().insert("retry-after", "17".parse().unwrap());
    let (_, double) = service();
    double.fail_next(busy);
    let error = provider(&double).remove_txt(&record("v")).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Busy, Retry::After(Duration::from_secs(17))));
}

#[tokio::test]
async fn an_alias_at_the_owner_is_told() {
    let (dns, double) = service();
    dns.add_cname(OWNER, "elsewhere.example.com");
    let error = provider(&double).add_txt(&record("v")).await.unwrap_err();
    assert!(
        error.to_string().ends_with("(the name is an alias; follow the delegation, or remove the CNAME record)"),
        "{error}"
    );
}

#[test]
fn an_address_that_is_none_is_refused() {
    let (_, double) = service();
    let error = provider(&double).at("https://user@proxy/?x").unwrap_err();
    assert_eq!(error.to_string(), "the address of Cloudflare holds more than scheme, host, port and a path");
}

fn service() -> (SimDns, Double<cloudflare::Cloudflare>) {
    let dns = SimDns::new();
    let service = cloudflare::Cloudflare::new(TOKEN, dns.clone())
        .with_global_key("a@example.org", "TOP-SECRET-key")
        .with_zone("example.net", "z0")
        .with_zone("example.org", "z1");
    (dns, Double::new(service))
}

fn provider(double: &Double<cloudflare::Cloudflare>) -> Cloudflare {
    Cloudflare::new(fixed(Access::token(&secret(TOKEN))), Arc::new(double.clone()), clock()).unwrap()
}
