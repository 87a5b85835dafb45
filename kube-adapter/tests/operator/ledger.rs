//! Every path makes exactly the writes that the ledger says, all of them accepted, and no others.

use crate::kit::manifests::certificate;
use crate::kit::standins;
use crate::kit::{eventually, judge};
use crate::paths::Path;
use crate::stage::{Body, Stage};

#[test]
fn a_certificate_of_a_ca_costs_four_writes_and_its_renewal_five() {
    costs(Path::Ca, 4, 5);
}

#[test]
fn a_self_signed_certificate_costs_four_writes_and_its_renewal_five() {
    costs(Path::SelfSigned, 4, 5);
}

#[test]
fn a_certificate_that_somebody_else_approves_costs_seven_writes_and_its_renewal_eight() {
    costs(Path::Approved, 7, 8);
}

#[test]
fn a_certificate_of_a_foreign_issuer_costs_seven_writes_and_its_renewal_eight() {
    costs(Path::External, 7, 8);
}

#[test]
fn a_certificate_of_a_vault_costs_seven_writes_and_its_renewal_eight() {
    costs(Path::Vault, 7, 8);
}

#[test]
fn a_certificate_whose_names_are_proven_already_costs_ten_writes_and_its_renewal_eleven() {
    costs(Path::Authorized, 10, 11);
}

#[test]
fn a_certificate_by_dns_costs_ten_writes_and_three_for_each_name() {
    costs(Path::Dns01(1), 13, 14);
    costs(Path::Dns01(5), 25, 26);
}

#[test]
fn a_certificate_by_dns_that_lasts_costs_twelve_writes_and_four_for_each_name() {
    costs(Path::SlowDns01(1), 16, 17);
    costs(Path::SlowDns01(5), 32, 33);
}

#[test]
fn a_temporary_certificate_costs_no_write_for_a_key() {
    let stage = Stage::new(Path::Temporary, Body::Runtime);
    stage.ask("web", 1);
    stage.await_revision("web", 1);
    assert_writes(&stage, &Path::Temporary.writes());
}

#[test]
fn a_certificate_for_the_key_that_is_there_costs_no_write_for_a_key() {
    for path in [Path::Never, Path::ApprovedNever] {
        let stage = Stage::new(path, Body::Runtime);
        let revision = stage.begin("web");
        let key = || stage.space.get("secrets", "web").expect("the Secret")["data"]["tls.key"].clone();
        let before = key();
        stage.ask("web", revision);
        stage.await_revision("web", revision);
        assert_writes(&stage, &path.writes());
        assert_eq!(key(), before);
    }
}

#[test]
fn a_request_without_a_certificate_costs_one_write_each() {
    let stage = Stage::new(Path::Bare, Body::Runtime);
    let names: Vec<String> = (0..25).map(|number| format!("bare-{number}")).collect();
    for name in &names {
        stage.ask(name, 1);
    }
    for name in &names {
        stage.await_revision(name, 1);
    }
    assert_writes(&stage, &["patch certificaterequests/status"; 25]);
}

#[test]
fn a_denied_certificate_costs_three_writes_more_than_the_attempt_and_leaves_no_key() {
    let stage = Stage::new(Path::Approved, Body::Runtime);
    stage.space.apply(&certificate("web", "ca"));
    eventually("the end of the attempt", || {
        standins::deny(&stage.space);
        let object = stage.space.get("certificates", "web").ok_or("there is none")?;
        match object["status"]["failedIssuanceAttempts"].as_u64() {
            Some(1) => Ok(()),
            _ => Err(object["status"].to_string()),
        }
    });
    assert_writes(
        &stage,
        &[
            "create secrets",
            "patch certificates/status",
            "create certificaterequests",
            "patch certificaterequests/status",
            "patch certificates/status",
            "delete secrets",
        ],
    );
}

#[test]
fn a_start_in_front_of_settled_certificates_writes_nothing() {
    let mut stage = Stage::new(Path::Ca, Body::Runtime);
    for number in 0..10 {
        stage.ask(&format!("web-{number}"), 1);
        stage.await_revision(&format!("web-{number}"), 1);
    }
    stage.space.await_quiet(&stage.proxy);
    stage.restart();
    stage.ask("last", 1);
    stage.await_revision("last", 1);
    assert_writes(&stage, &Path::Ca.writes());
}

/// Fails unless the first certificate of the path takes exactly its writes, `first` of them, and the second one more.
#[track_caller]
fn costs(path: Path, first: usize, again: usize) {
    let writes = path.writes();
    assert_eq!((writes.len(), path.writes_again().len()), (first, again), "{path:?} is another path than the ledger's");
    let stage = Stage::new(path, Body::Runtime);
    stage.begin("web");
    stage.ask("web", 1);
    stage.await_revision("web", 1);
    assert_writes(&stage, &writes);
    judge::assert_settled(&stage.space, "web");
    stage.ask("web", 2);
    stage.await_revision("web", 2);
    stage.space.await_quiet(&stage.proxy);
    let proven = stage.proxy.ledger().objects().filter(|it| it.call.to_string() == "create challenges").count();
    assert_writes(&stage, &path.proving(proven).writes_again());
    judge::assert_settled(&stage.space, "web");
}

/// Fails unless exactly these writes were made since the last time this was asked, and at most one Event for each certificate.
#[track_caller]
fn assert_writes(stage: &Stage, expected: &[&str]) {
    stage.space.await_quiet(&stage.proxy);
    stage.proxy.ledger().assert_is(expected, 1);
    stage.proxy.forget();
}
