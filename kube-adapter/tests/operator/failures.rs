//! What fails and what only takes its time: by how it is told apart, a certificate waits or begins again.

use std::sync::Arc;
use std::time::Duration;

use acme_core::Clock as _;
use issuers::Timer;
use serde_json::{Value, json};

use crate::kit::manifests::{authority, certificate, renew, with_spec};
use crate::kit::{Ahead, Operator, Space, eventually};
use crate::paths::Path;
use crate::stage::{Body, Servers, Stage};

#[test]
fn a_sealed_vault_is_waited_for_in_the_same_attempt() {
    let stage = Stage::new(Path::Vault, Body::Runtime);
    let Servers::Vault(vault) = &stage.servers else { panic!("no Vault") };
    vault.seal();
    stage.ask("web", 1);
    eventually("a request that waits", || match stage.space.list("certificaterequests").len() {
        1 => Ok(()),
        requests => Err(format!("{requests} requests")),
    });
    stage.space.await_quiet(&stage.proxy);
    assert_eq!(stage.space.get("secrets", "web"), None);
    vault.unseal();
    stage.await_revision("web", 1);
    stage.space.await_quiet(&stage.proxy);
    stage.proxy.ledger().assert_is(&Path::Vault.writes(), 1);
    assert_eq!(attempts(&stage.space), Value::Null);
}

#[test]
fn a_vault_that_refuses_a_name_fails_the_attempt_and_another_name_is_tried_at_once() {
    let stage = Stage::new(Path::Vault, Body::Runtime);
    stage.space.apply(&with_spec(certificate("web", "ca"), json!({ "dnsNames": ["www.elsewhere.test"] })));
    await_attempts(&stage.space, 1);
    stage.space.await_quiet(&stage.proxy);
    stage.proxy.ledger().assert_is(
        &[
            "create secrets",
            "create certificaterequests",
            "patch certificaterequests/status",
            "patch certificaterequests/status",
            "patch certificates/status",
            "delete secrets",
        ],
        1,
    );
    stage.space.patch("certificates", "web", "", &json!({ "spec": { "dnsNames": ["www.example.test"] } }));
    stage.await_revision("web", 1);
    assert_eq!(attempts(&stage.space), Value::Null, "what went well is not counted any more");
}

#[test]
fn attempts_that_fail_are_made_again_after_one_two_and_four_hours() {
    let stage = Stage::idle(Path::Vault);
    let clock = Arc::new(Ahead::default());
    let settings = stage.manner().settings();
    let _operator = Operator::start_at(&stage.proxy, settings, Arc::clone(&clock) as Arc<dyn Timer>);
    stage.space.apply(&with_spec(certificate("web", "ca"), json!({ "dnsNames": ["www.elsewhere.test"] })));
    await_attempts(&stage.space, 1);
    for (attempt, hours) in [(1, 1), (2, 2), (3, 4)] {
        let pause = Duration::from_secs(hours * 3600);
        stage.space.await_quiet(&stage.proxy);
        stage.proxy.forget();
        clock.jump(pause - Duration::from_secs(60));
        stage.space.await_quiet(&stage.proxy);
        assert_eq!(attempts(&stage.space), attempt, "a minute too early");
        assert_eq!(stage.proxy.ledger().0, []);
        clock.jump(Duration::from_secs(61));
        await_attempts(&stage.space, attempt + 1);
    }
    // Whoever wants it now gets another attempt.
    renew_at(&stage.space, clock.now());
    await_attempts(&stage.space, 5);
}

#[test]
fn an_authority_that_goes_and_comes_again_is_waited_for() {
    let stage = Stage::new(Path::Ca, Body::Runtime);
    stage.space.delete("secrets", "authority");
    stage.space.await_condition("issuers", "ca", "Ready", "False");
    stage.ask("web", 1);
    stage.space.await_quiet(&stage.proxy);
    assert_eq!(stage.space.get("secrets", "web"), None);
    // Another root under the same name.
    authority(&stage.space);
    stage.await_revision("web", 1);
    assert_eq!(attempts(&stage.space), Value::Null);
    let of = |name: &str, key: &str| stage.space.get("secrets", name).expect("the Secret")["data"][key].clone();
    assert_eq!(of("web", "ca.crt"), of("authority", "tls.crt"));
}

fn attempts(space: &Space) -> Value {
    space.get("certificates", "web").expect("the Certificate")["status"]["failedIssuanceAttempts"].clone()
}

fn await_attempts(space: &Space, wanted: u64) {
    eventually(&format!("attempt {wanted} to fail"), || match attempts(space) {
        found if found == wanted => Ok(()),
        found => Err(format!("{found}: {}", space.get("certificates", "web").unwrap_or_default()["status"])),
    });
}

/// `cmctl renew`, by a clock that is ahead.
fn renew_at(space: &Space, now: acme_core::Timestamp) {
    renew(space, "web");
    let object = space.get("certificates", "web").expect("the Certificate");
    let mut all = crate::kit::conditions(&object);
    for condition in &mut all {
        if condition["type"] == "Issuing" {
            condition["lastTransitionTime"] = json!(now.to_string());
        }
    }
    space.patch("certificates", "web", "status", &json!({ "status": { "conditions": all } }));
}
