//! Paths on which something is waited for, and attempts that fail.

use serde_json::{Value, json};

use crate::kit::manifests::{certificate, with_spec};
use crate::kit::standins::{FOREIGN_GROUP, ForeignAuthority, approve, deny, sign};
use crate::kit::{Operator, Space, eventually};
use crate::{await_revision, condition, ready, renew};

/// A Certificate of a foreign issuer.
fn foreign(name: &str) -> Value {
    let issuer = json!({ "issuerRef": { "name": "theirs", "kind": "TheirIssuer", "group": FOREIGN_GROUP } });
    with_spec(certificate(name, "ca"), issuer)
}

#[test]
fn a_key_is_stored_and_the_wait_told_before_another_approves() {
    let space = Space::new("approval");
    crate::kit::manifests::authority(&space);
    let proxy = space.proxy();
    let mut settings = space.settings();
    settings.approver = false;
    let _operator = Operator::start(&proxy, settings);
    space.await_condition("issuers", "ca", "Ready", "True");
    space.await_quiet(&proxy);
    proxy.forget();
    space.apply(&certificate("web", "ca"));
    let object = space.await_condition("certificates", "web", "Issuing", "True");
    assert_eq!(condition(&object, "Issuing")["reason"], "DoesNotExist");
    space.await_quiet(&proxy);
    approve(&space);
    space.await_ready("web");
    space.await_quiet(&proxy);
    let writes = [
        "create secrets",
        "patch certificates/status",
        "create certificaterequests",
        "patch certificaterequests/status",
        "patch secrets",
        "patch certificates/status",
        "delete secrets",
    ];
    proxy.ledger().assert_is(&writes, 1);
    crate::kit::judge::assert_settled(&space, "web");
}

#[test]
fn a_temporary_certificate_stands_in_until_there_is_another() {
    let (space, proxy, _operator) = ready("temporary");
    let mut wanted = foreign("web");
    wanted["metadata"]["annotations"] = json!({ "cert-manager.io/issue-temporary-certificate": "true" });
    space.apply(&wanted);
    let object = space.await_condition("certificates", "web", "Issuing", "True");
    space.await_quiet(&proxy);
    let shown = space.get("secrets", "web").expect("there is something to show")["data"].clone();
    assert_eq!(
        condition(&space.get("certificates", "web").expect("it is there"), "Ready")["status"],
        "False",
        "{object}"
    );
    let authority = ForeignAuthority::new();
    eventually("a certificate", || {
        approve(&space);
        sign(&space, &authority);
        let object = space.get("certificates", "web").ok_or("there is none")?;
        if condition(&object, "Ready")["status"] == "True" { Ok(()) } else { Err(object["status"].to_string()) }
    });
    space.await_quiet(&proxy);
    let data = space.get("secrets", "web").expect("it is there")["data"].clone();
    assert_eq!(data["tls.key"], shown["tls.key"], "the key was the one to come");
    assert_ne!(data["tls.crt"], shown["tls.crt"]);
    crate::kit::judge::assert_settled(&space, "web");
}

#[test]
fn a_foreign_issuer_is_waited_for() {
    let (space, proxy, _operator) = ready("external");
    space.apply(&foreign("web"));
    let object = space.await_condition("certificates", "web", "Issuing", "True");
    let key = object["status"]["nextPrivateKeySecretName"].as_str().map(str::to_owned);
    let authority = ForeignAuthority::new();
    let ready = eventually("a certificate", || {
        approve(&space);
        sign(&space, &authority);
        let object = space.get("certificates", "web").ok_or("there is none")?;
        if condition(&object, "Ready")["status"] == "True" { Ok(object) } else { Err(object["status"].to_string()) }
    });
    space.await_quiet(&proxy);
    assert_eq!(ready["status"]["revision"], 1);
    crate::kit::judge::assert_settled(&space, "web");
    let key = key.or_else(|| Some("none was told".to_owned()));
    assert!(space.get("secrets", &key.expect("a name")).is_none());
}

#[test]
fn a_denial_fails_the_attempt_and_a_renewal_by_hand_tries_again_at_once() {
    let (space, proxy, _operator) = ready("denied");
    space.apply(&foreign("web"));
    let failed = eventually("the failure", || {
        deny(&space);
        let object = space.get("certificates", "web").ok_or("there is none")?;
        if object["status"]["failedIssuanceAttempts"] == 1 { Ok(object) } else { Err(object["status"].to_string()) }
    });
    let issuing = condition(&failed, "Issuing");
    assert_eq!((&issuing["status"], &issuing["reason"]), (&json!("False"), &json!("Denied")));
    let message = issuing["message"].as_str().expect("a text");
    assert!(message.starts_with("The certificate request has failed to complete and will be retried: "), "{message}");
    assert!(message.contains("(attempt 1; next not before 20"), "{message}");
    space.await_quiet(&proxy);
    let keys: Vec<Value> = space.list("secrets");
    assert!(
        keys.iter().all(|it| it["metadata"]["labels"]["cert-manager.io/next-private-key"].is_null()),
        "a key is left"
    );
    assert!(space.get("certificaterequests", "web-1").is_some(), "people can read what failed");
    renew(&space, &space.get("certificates", "web").expect("it is there"));
    let authority = ForeignAuthority::new();
    eventually("a certificate", || {
        approve(&space);
        sign(&space, &authority);
        let object = space.get("certificates", "web").ok_or("there is none")?;
        if condition(&object, "Ready")["status"] == "True" { Ok(()) } else { Err(object["status"].to_string()) }
    });
    let object = await_revision(&space, "web", 1);
    assert!(object["status"]["failedIssuanceAttempts"].is_null() && object["status"]["lastFailureTime"].is_null());
}

#[test]
fn what_the_webhook_would_refuse_ends_in_its_words_and_nothing_else() {
    let (space, proxy, _operator) = ready("refused");
    space.apply(&with_spec(certificate("web", "ca"), json!({ "dnsNames": ["\\*.example.com"] })));
    let object = space.await_condition("certificates", "web", "Ready", "False");
    assert!(
        condition(&object, "Ready")["message"].as_str().is_some_and(|it| it.contains("spec.dnsNames[0]")),
        "{object}"
    );
    space.await_quiet(&proxy);
    proxy.ledger().assert_is(&["patch certificates/status"], 0);
}
