//! Challenge records that live elsewhere.

use certwright_solvers::dns01::Delegation;
use certwright_solvers::{ErrorKind, Readiness, Solver as _};
use testkit::servers::{Bind, Zone};

use super::*;

#[tokio::test]
async fn a_record_is_written_into_the_zone_that_it_is_delegated_to() {
    let server = delegating();
    let solver = solver(&server);
    let apex = challenge("Example.COM", "apex");
    let wildcard = challenge("*.example.com", "wildcard");
    for each in [&apex, &wildcard] {
        solver.present(each).await.unwrap();
        assert_eq!(solver.check(each).await.unwrap(), Readiness::Ready);
    }
    assert_eq!(server.txt("here.example.org").len(), 2);
    // Another process, which knows nothing but the challenge.
    let another = super::solver(&server);
    another.clean_up(&apex).await.unwrap();
    assert_eq!(server.txt("here.example.org"), [wildcard.key_authorization().unwrap().dns_value()]);
    another.clean_up(&wildcard).await.unwrap();
    assert!(server.txt("here.example.org").is_empty());
}

#[tokio::test]
async fn a_chain_is_followed_in_any_case_to_its_end() {
    let server = delegating();
    let chain = resolver(&server).follow(&name("_acme-challenge.example.com")).await.unwrap();
    let names: Vec<_> = chain.names().iter().map(|name| name.as_str()).collect();
    assert_eq!(names, ["_acme-challenge.example.com", "there.example.com", "here.example.org"]);
}

#[tokio::test]
async fn a_loop_is_told_and_not_followed() {
    let zone = example().record("a IN CNAME B").record("b IN CNAME c").record("c IN CNAME A");
    let server = Bind::builder().zone(zone).start();
    let error = resolver(&server).follow(&name("a.example.org")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(
        error.to_string().contains("a.example.org -> b.example.org -> c.example.org -> a.example.org leads back"),
        "{error}"
    );
}

#[tokio::test]
async fn a_chain_without_end_is_told_and_not_followed() {
    let zone = (0..40).fold(example(), |zone, at| zone.record(&format!("n{at} IN CNAME n{}", at + 1)));
    let server = Bind::builder().zone(zone).start();
    let error = resolver(&server).follow(&name("n0.example.org")).await.unwrap_err();
    assert!(error.to_string().contains("is too long"), "{error}");
}

#[tokio::test]
async fn without_delegation_the_alias_is_told() {
    let server = delegating();
    let solver = solver(&server).with_delegation(Delegation::None);
    let challenge = challenge("example.com", "token");
    let error = solver.present(&challenge).await.unwrap_err();
    assert!(error.to_string().contains("alias of there.example.com"), "{error}");
    let Readiness::NotYet { missing, .. } = solver.check(&challenge).await.unwrap() else {
        panic!("nothing was written")
    };
    assert!(missing.contains("delegation by CNAME is switched off"), "{missing}");
}

/// example.com delegates its challenges, over a detour in capitals, to here.example.org.
fn delegating() -> Bind {
    let from = Zone::new("example.com")
        .update_with(&key())
        .record("_acme-challenge IN CNAME There.EXAMPLE.com.")
        .record("there IN CNAME here.example.ORG.");
    Bind::builder().zone(from).zone(example()).recursive().start()
}
