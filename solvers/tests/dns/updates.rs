//! What updates do to a zone.

use certwright_solvers::dns01::DnsProvider as _;
use certwright_solvers::{Readiness, Solver as _};
use testkit::servers::{Bind, Zone};

use super::*;

const OWNER: &str = "_acme-challenge.example.org";

#[tokio::test]
async fn every_algorithm_signs_over_udp_and_over_tcp() {
    let zone = keys().iter().fold(Zone::new("example.org"), Zone::update_with);
    let server = Bind::builder().zone(zone).start();
    for key in &keys() {
        comes_and_goes(provider(&server, key), key.name(), |owner| server.txt(owner)).await;
    }
}

#[tokio::test]
async fn unsigned_updates_work_where_they_are_allowed() {
    let server = Bind::builder().zone(Zone::new("example.org").update_from_loopback()).start();
    let provider = Rfc2136::new(&server.address().to_string(), wall()).unwrap();
    provider.add_txt(&record(OWNER, "value")).await.unwrap();
    assert_eq!(server.txt(OWNER), ["value"]);
    provider.remove_txt(&record(OWNER, "value")).await.unwrap();
    assert!(server.txt(OWNER).is_empty());
}

#[tokio::test]
async fn apex_and_wildcard_share_an_owner_and_are_cleaned_one_by_one() {
    let server = Bind::builder().zone(example().record("_acme-challenge IN TXT \"foreign\"")).start();
    let solver = solver(&server);
    let apex = challenge("example.org", "apex");
    let wildcard = challenge("*.example.org", "wildcard");
    assert!(matches!(solver.check(&apex).await.unwrap(), Readiness::NotYet { .. }));

    let (one, two) = tokio::join!(solver.present(&apex), solver.present(&wildcard));
    one.unwrap();
    two.unwrap();
    assert_eq!(server.txt(OWNER).len(), 3);
    for each in [&apex, &wildcard] {
        assert_eq!(solver.check(each).await.unwrap(), Readiness::Ready);
    }

    solver.clean_up(&apex).await.unwrap();
    let mut left = ["foreign".to_owned(), wildcard.key_authorization().unwrap().dns_value()];
    left.sort();
    assert_eq!(server.txt(OWNER), left);
    solver.clean_up(&wildcard).await.unwrap();
    assert_eq!(server.txt(OWNER), ["foreign"]);
}

#[tokio::test]
async fn many_values_added_at_once_are_all_there_and_go_one_by_one() {
    let server = Bind::builder().zone(example()).start();
    let provider = provider(&server, &key());
    let records: Vec<_> = (10..40).map(|at| record(OWNER, &format!("value-{at}"))).collect();
    let adding = records.iter().map(|record| provider.add_txt(record));
    for added in futures_util::future::join_all(adding).await {
        added.unwrap();
    }
    let values: Vec<_> = records.iter().map(|record| record.value.clone()).collect();
    assert_eq!(server.txt(OWNER), values);
    for (at, record) in records.iter().enumerate() {
        provider.remove_txt(record).await.unwrap();
        assert_eq!(server.txt(OWNER), values[at + 1..]);
    }
}

#[tokio::test]
async fn repeats_change_nothing() {
    let server = Bind::builder().zone(example()).start();
    let provider = provider(&server, &key());
    provider.remove_txt(&record(OWNER, "value")).await.unwrap();
    for _ in 0..2 {
        provider.add_txt(&record(OWNER, "value")).await.unwrap();
        assert_eq!(server.txt(OWNER), ["value"]);
    }
    for _ in 0..2 {
        provider.remove_txt(&record(OWNER, "value")).await.unwrap();
        assert!(server.txt(OWNER).is_empty());
    }
}

#[tokio::test]
async fn the_label_of_an_account_is_written_for_dns_account_01() {
    let server = Bind::builder().zone(example()).start();
    let solver = solver(&server).for_account_label();
    let mut asked = challenge("example.org", "token");
    assert!(solver.present(&asked).await.is_err(), "another type");
    asked.challenge = ChallengeType::DnsAccount01;
    let label = certwright_solvers::dns01::account_label(&asked.account);
    solver.present(&asked).await.unwrap();
    assert_eq!(
        server.txt(&format!("{label}._acme-challenge.example.org")),
        [asked.key_authorization().unwrap().dns_value()]
    );
    assert_eq!(solver.check(&asked).await.unwrap(), Readiness::Ready);
    solver.clean_up(&asked).await.unwrap();
    assert!(server.txt(&format!("{label}._acme-challenge.example.org")).is_empty());
}
