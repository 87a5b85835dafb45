//! Every path makes exactly the writes that the ledger says, all of them accepted, and no others.

use crate::kit::manifests::{certificate, renew};
use crate::kit::standins::{self, ForeignAuthority};
use crate::kit::{Operator, Proxy, Space, eventually};
use crate::paths::Path;

#[test]
fn a_certificate_of_a_ca_costs_four_writes_and_its_renewal_five() {
    let begun = Begun::on(Path::Ca);
    begun.issue("web");
    begun.assert_writes(Path::Ca.writes());

    renew(&begun.space, "web");
    begun.await_revision("web", 2);
    let mut writes = Path::Ca.writes().to_vec();
    writes.push("delete certificaterequests");
    begun.assert_writes(&writes);
}

#[test]
fn a_self_signed_certificate_costs_four_writes() {
    let begun = Begun::on(Path::SelfSigned);
    begun.issue("web");
    begun.assert_writes(Path::SelfSigned.writes());
}

#[test]
fn a_certificate_for_the_key_that_is_there_costs_no_write_for_a_key() {
    let begun = Begun::on(Path::Never);
    begun.issue("web");
    begun.assert_writes(Path::Ca.writes());
    let key = begun.space.get("secrets", "web").expect("the Secret")["data"]["tls.key"].clone();

    renew(&begun.space, "web");
    begun.await_revision("web", 2);
    begun.assert_writes(Path::Never.writes());
    assert_eq!(begun.space.get("secrets", "web").expect("the Secret")["data"]["tls.key"], key);
}

#[test]
fn a_certificate_that_somebody_else_approves_costs_seven_writes() {
    let begun = Begun::on(Path::Approved);
    begun.issue("web");
    begun.assert_writes(Path::Approved.writes());
}

#[test]
fn a_certificate_of_a_foreign_issuer_costs_seven_writes() {
    let begun = Begun::on(Path::External);
    begun.issue("web");
    begun.assert_writes(Path::External.writes());
}

#[test]
fn a_request_without_a_certificate_costs_one_write_each() {
    let begun = Begun::on(Path::Bare);
    let names: Vec<String> = (0..25).map(|number| format!("bare-{number}")).collect();
    for name in &names {
        Path::Bare.ask(&begun.space, name);
    }
    for name in &names {
        begun.await_revision(name, 1);
    }
    begun.assert_writes(&["patch certificaterequests/status"; 25]);
}

#[test]
fn a_denied_certificate_costs_three_writes_more_than_the_attempt_and_leaves_no_key() {
    let begun = Begun::on(Path::Approved);
    begun.space.apply(&certificate("web", "ca"));
    eventually("the end of the attempt", || {
        standins::deny(&begun.space);
        let object = begun.space.get("certificates", "web").ok_or("there is none")?;
        match object["status"]["failedIssuanceAttempts"].as_u64() {
            Some(1) => Ok(()),
            _ => Err(object["status"].to_string()),
        }
    });
    begun.assert_writes(&[
        "create secrets",
        "patch certificates/status",
        "create certificaterequests",
        "patch certificaterequests/status",
        "patch certificates/status",
        "delete secrets",
    ]);
}

#[test]
fn a_start_in_front_of_settled_certificates_writes_nothing() {
    let mut begun = Begun::on(Path::Ca);
    for number in 0..10 {
        begun.issue(&format!("web-{number}"));
    }
    begun.space.await_quiet(&begun.proxy);
    begun.restart();
    begun.space.apply(&certificate("last", "ca"));
    begun.await_revision("last", 1);
    begun.assert_writes(Path::Ca.writes());
}

/// A controller whose issuer is ready, and everything it wrote for that forgotten.
struct Begun {
    path: Path,
    space: Space,
    proxy: Proxy,
    operator: Option<Operator>,
    authority: ForeignAuthority,
}

impl Begun {
    fn on(path: Path) -> Self {
        let space = Space::new("ledger");
        let proxy = space.proxy();
        path.prepare(&space);
        let operator = Operator::start(&proxy, path.settings(&space));
        path.await_prepared(&space);
        space.await_quiet(&proxy);
        proxy.forget();
        Self { path, space, proxy, operator: Some(operator), authority: ForeignAuthority::new() }
    }

    fn issue(&self, name: &str) {
        self.path.ask(&self.space, name);
        self.await_revision(name, 1);
    }

    fn await_revision(&self, name: &str, revision: u64) {
        eventually(&format!("{name} in revision {revision}"), || {
            self.path.help(&self.space, &self.authority);
            let requests =
                || self.space.list("certificaterequests").iter().map(|it| it["status"].to_string()).collect::<String>();
            self.path.is_done(&self.space, name, revision).map_err(|why| format!("{why}; its requests: {}", requests()))
        });
    }

    fn restart(&mut self) {
        if let Some(operator) = self.operator.take() {
            operator.stop();
        }
        self.proxy.forget();
        self.operator = Some(Operator::start(&self.proxy, self.path.settings(&self.space)));
    }

    /// Fails unless exactly these writes were made since the last time this was asked, and at most one Event for each certificate.
    #[track_caller]
    fn assert_writes(&self, expected: &[&str]) {
        self.space.await_quiet(&self.proxy);
        self.proxy.ledger().assert_is(expected, 1);
        self.proxy.forget();
    }
}
