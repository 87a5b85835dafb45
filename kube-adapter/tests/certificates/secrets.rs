//! Target Secrets: repaired, adopted, shared, and dressed as their Certificate says.

use std::collections::BTreeSet;
use std::time::Duration;

use acme_core::PrivateKey;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::kit::manifests::{certificate, with_spec};
use crate::kit::{conditions, eventually, eventually_within, judge};
use crate::{await_revision, condition, ready};

#[test]
fn a_secret_that_is_deleted_is_issued_anew() {
    let (space, proxy, _operator) = ready("deleted");
    space.apply(&certificate("web", "ca"));
    space.await_ready("web");
    space.delete("secrets", "web");
    await_revision(&space, "web", 2);
    space.await_ready("web");
    space.await_quiet(&proxy);
    judge::assert_settled(&space, "web");
}

#[test]
fn an_edit_by_hand_is_repaired_at_once_whatever_else_was_asked_for() {
    let (space, _proxy, _operator) = ready("hand");
    let asked: Vec<String> = (0..8).map(|number| format!("web-{number}")).collect();
    let all = || asked.iter().map(String::as_str).chain(["edited"]);
    all().for_each(|name| drop(space.apply(&certificate(name, "ca"))));
    all().for_each(|name| drop(space.await_ready(name)));
    for name in &asked {
        space.patch(
            "certificates",
            name,
            "",
            &json!({ "spec": { "secretTemplate": { "labels": { "new": "label" } } } }),
        );
    }
    let edit = json!({ "metadata": { "annotations": { "cert-manager.io/ip-sans": "10.9.9.9" } } });
    space.patch("secrets", "edited", "", &edit);
    eventually_within(Duration::from_secs(10), "the repair", || {
        let secret = space.get("secrets", "edited").ok_or("there is none")?;
        let told = &secret["metadata"]["annotations"]["cert-manager.io/ip-sans"];
        if *told == "" { Ok(()) } else { Err(told.to_string()) }
    });
    all().for_each(|name| drop(space.await_ready(name)));
}

#[test]
fn names_stand_in_the_certificate_as_they_are_spelled_and_are_not_issued_anew_for_that() {
    let (space, proxy, operator) = ready("spelled");
    let names = json!(["Web.Example.TEST", "web.example.test", "other.example.test", "other.example.test"]);
    space.apply(&with_spec(certificate("web", "ca"), json!({ "dnsNames": names })));
    space.await_ready("web");
    space.await_quiet(&proxy);
    let secret = space.get("secrets", "web").expect("it is there");
    let told = &secret["metadata"]["annotations"]["cert-manager.io/alt-names"];
    assert_eq!(told, "Web.Example.TEST,web.example.test,other.example.test,other.example.test");
    operator.stop();
    proxy.forget();
    let _operator = crate::kit::Operator::start(&proxy, space.settings());
    space.await_quiet(&proxy);
    space.patch(
        "certificates",
        "web",
        "",
        &json!({ "spec": { "dnsNames": ["other.example.test", "web.example.test"] } }),
    );
    space.await_ready("web");
    space.await_quiet(&proxy);
    assert_eq!(space.get("certificates", "web").expect("it is there")["status"]["revision"], 1);
    assert!(proxy.ledger().objects().all(|it| it.call.resource == "certificates/status"), "{}", proxy.ledger());
}

#[test]
fn secrets_of_others_are_as_they_were_to_the_byte() {
    let (space, proxy, operator) = ready("foreign");
    let data = json!({ "password": "c2VjcmV0", "tls.key": "bm90aGluZw==" });
    let secret = |name: &str, kind: &str, labels: Value| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name, "labels": labels }, "type": kind, "data": data,
        })
    };
    // By name, by label and by key like what is ours: a next key of nobody, and a target without its Certificate.
    let next_key = json!({ "cert-manager.io/next-private-key": "true", "controller.cert-manager.io/fao": "true" });
    let theirs = [
        secret("web-x7k2p", "Opaque", next_key),
        secret("gone-tls", "Opaque", json!({ "controller.cert-manager.io/fao": "true" })),
        secret("web-keystore", "example.test/other", json!({})),
    ];
    theirs.iter().for_each(|it| drop(space.apply(it)));
    let whole = || -> Vec<String> {
        ["web-x7k2p", "gone-tls", "web-keystore", "authority"]
            .iter()
            .map(|it| space.get("secrets", it).expect("it is theirs").to_string())
            .collect()
    };
    let before = whole();
    space.apply(&certificate("web", "ca"));
    space.await_ready("web");
    space.patch(
        "certificates",
        "web",
        "",
        &json!({ "spec": { "dnsNames": ["web.example.test", "other.example.test"] } }),
    );
    await_revision(&space, "web", 2);
    space.await_quiet(&proxy);
    operator.stop();
    let operator = crate::kit::Operator::start(&proxy, space.settings());
    space.await_quiet(&proxy);
    space.delete("certificates", "web");
    space.await_quiet(&proxy);
    operator.stop();
    assert_eq!(whole(), before, "resourceVersion and managedFields among it");
    let touched: BTreeSet<String> = proxy
        .ledger()
        .objects()
        .filter(|it| it.call.resource == "secrets" && it.call.verb != crate::kit::Verb::Create && it.code / 100 == 2)
        .map(|it| it.call.name.clone())
        .collect();
    assert_eq!(touched, BTreeSet::from(["web".to_owned()]), "{}", proxy.ledger());
}

#[test]
fn an_rsa_key_of_any_size_is_made_used_again_and_adopted() {
    let (space, proxy, _operator) = ready("sized");
    let key = json!({ "algorithm": "RSA", "size": 2560, "rotationPolicy": "Never" });
    let web = with_spec(certificate("web", "ca"), json!({ "privateKey": key }));
    space.apply(&web);
    space.await_ready("web");
    let held = |space: &crate::kit::Space| space.get("secrets", "web").expect("it is there")["data"]["tls.key"].clone();
    let first = held(&space);
    let pem = BASE64_STANDARD.decode(first.as_str().expect("text")).expect("Base64");
    let pem = String::from_utf8(pem).expect("text");
    assert_eq!(PrivateKey::from_pem(&pem).expect("a key").key_type().to_string(), "RSA 2560");

    space.patch(
        "certificates",
        "web",
        "",
        &json!({ "spec": { "dnsNames": ["web.example.test", "other.example.test"] } }),
    );
    await_revision(&space, "web", 2);
    space.await_ready("web");
    space.await_quiet(&proxy);
    assert_eq!(held(&space), first, "the same key");

    space.delete("certificates", "web");
    space.await_quiet(&proxy);
    proxy.forget();
    space.apply(&with_spec(web, json!({ "dnsNames": ["web.example.test", "other.example.test"] })));
    space.await_ready("web");
    space.await_quiet(&proxy);
    assert_eq!(held(&space), first, "adopted");
    let written: Vec<_> = proxy.ledger().objects().map(|it| it.call.resource.clone()).collect();
    assert!(!written.iter().any(|it| it.starts_with("certificaterequests")), "nothing is issued: {written:?}");
}

#[test]
fn a_key_that_somebody_changes_is_issued_anew_and_a_label_is_put_back() {
    let (space, proxy, _operator) = ready("changed");
    space.apply(&with_spec(certificate("web", "ca"), json!({ "secretTemplate": { "labels": { "a": "b" } } })));
    space.apply(&certificate("other", "ca"));
    space.await_ready("web");
    space.await_ready("other");
    let other = space.get("secrets", "other").expect("it is there")["data"]["tls.key"].clone();
    space.patch("secrets", "web", "", &json!({ "data": { "tls.key": other } }));
    await_revision(&space, "web", 2);
    space.await_quiet(&proxy);
    proxy.forget();
    space.patch("secrets", "web", "", &json!({ "metadata": { "labels": { "a": "x", "theirs": "y" } } }));
    eventually("the label of the template", || {
        let labels = space.get("secrets", "web").ok_or("it is gone")?["metadata"]["labels"].clone();
        if labels["a"] == "b" && labels["theirs"] == "y" { Ok(()) } else { Err(labels.to_string()) }
    });
    space.await_quiet(&proxy);
    proxy.ledger().assert_is(&["patch secrets"], 0);
    judge::assert_settled(&space, "web");
}

#[test]
fn what_left_the_template_goes_and_what_is_of_others_stays() {
    let (space, proxy, _operator) = ready("template");
    let template = json!({ "secretTemplate": { "labels": { "a": "b" }, "annotations": { "c": "d" } } });
    space.apply(&with_spec(certificate("web", "ca"), template));
    space.await_ready("web");
    space.patch(
        "secrets",
        "web",
        "",
        &json!({ "metadata": { "annotations": { "theirs": "y" } }, "data": { "extra": "eA==" } }),
    );
    space.await_quiet(&proxy);
    space.patch("certificates", "web", "", &json!({ "spec": { "secretTemplate": null } }));
    space.await_ready("web");
    space.await_quiet(&proxy);
    let secret = space.get("secrets", "web").expect("it is there");
    assert_eq!(secret["metadata"]["labels"], json!({ "controller.cert-manager.io/fao": "true" }));
    let annotations = &secret["metadata"]["annotations"];
    assert_eq!(
        (&annotations["c"], &annotations["theirs"], &secret["data"]["extra"]),
        (&Value::Null, &json!("y"), &json!("eA=="))
    );
    judge::assert_settled(&space, "web");
}

#[test]
fn formats_and_key_stores_come_and_go_without_another_certificate() {
    let (space, proxy, _operator) = ready("formats");
    space.apply(&certificate("web", "ca"));
    space.await_ready("web");
    let keystore = |create: bool| json!({ "create": create, "password": "changeit" });
    let spec = |create: bool, formats: &Value| json!({ "spec": { "keystores": { "jks": keystore(create), "pkcs12": keystore(create) }, "additionalOutputFormats": formats } });
    space.patch("certificates", "web", "", &spec(true, &json!([{ "type": "DER" }, { "type": "CombinedPEM" }])));
    space.await_ready("web");
    space.await_quiet(&proxy);
    let files = |secret: &Value| -> BTreeSet<String> {
        secret["data"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
    };
    let plain = ["ca.crt", "tls.crt", "tls.key"];
    let more = ["key.der", "keystore.jks", "keystore.p12", "tls-combined.pem", "truststore.jks", "truststore.p12"];
    let all: BTreeSet<String> = plain.iter().chain(&more).map(|it| (*it).to_owned()).collect();
    assert_eq!(files(&space.get("secrets", "web").expect("it is there")), all);
    space.patch("certificates", "web", "", &spec(false, &json!([])));
    space.await_ready("web");
    space.await_quiet(&proxy);
    let left = files(&space.get("secrets", "web").expect("it is there"));
    assert_eq!(left, plain.iter().map(|it| (*it).to_owned()).collect());
    assert_eq!(space.get("certificates", "web").expect("it is there")["status"]["revision"], 1);
}

#[test]
fn a_key_store_waits_for_its_password() {
    let (space, _proxy, _operator) = ready("password");
    let keystores =
        json!({ "keystores": { "pkcs12": { "create": true, "passwordSecretRef": { "name": "pw", "key": "p" } } } });
    space.apply(&with_spec(certificate("web", "ca"), keystores));
    eventually("the Event that says what is missing", || {
        let events = space.list("events");
        let notes: Vec<&str> = events.iter().filter_map(|it| it["note"].as_str()).collect();
        if notes.contains(&"PKCS12 keystore password Secret \"pw\" not found") {
            Ok(())
        } else {
            Err(format!("{notes:?}"))
        }
    });
    let object = space.await_condition("certificates", "web", "Issuing", "True");
    assert_eq!(condition(&object, "Issuing")["reason"], "DoesNotExist");
    assert_eq!(condition(&object, "Ready")["reason"], "DoesNotExist");
    let password = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "pw" }, "stringData": { "p": "changeit" } });
    space.apply(&password);
    space.await_ready("web");
    assert!(space.get("secrets", "web").expect("it is there")["data"]["keystore.p12"].is_string());
}

#[test]
fn a_secret_from_a_backup_is_adopted_without_another_certificate() {
    let (space, proxy, operator) = ready("backup");
    space.apply(&certificate("web", "ca"));
    space.await_ready("web");
    let secret = space.get("secrets", "web").expect("it is there");
    operator.stop();
    space.delete("certificates", "web");
    space.delete("secrets", "web");
    eventually("the end of the request", || match space.get("certificaterequests", "web-1") {
        None => Ok(()),
        Some(_) => Err("it is there".to_owned()),
    });
    let restored = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": { "name": "web" }, "data": secret["data"],
    });
    space.apply(&restored);
    space.apply(&certificate("web", "ca"));
    proxy.forget();
    let _operator = crate::kit::Operator::start(&proxy, space.settings());
    space.await_ready("web");
    space.await_quiet(&proxy);
    proxy.ledger().assert_is(&["patch secrets", "patch certificates/status"], 0);
    assert_eq!(space.get("secrets", "web").expect("it is there")["data"], secret["data"]);
}

#[test]
fn a_secret_goes_with_its_certificate_where_that_is_wanted_and_stays_where_not() {
    let (space, proxy, mut operator) = ready("owned");
    space.apply(&certificate("web", "ca"));
    let uid = space.await_ready("web")["metadata"]["uid"].clone();
    for wanted in [true, false, true] {
        operator.stop();
        proxy.forget();
        let mut settings = space.settings();
        settings.owner_reference = wanted;
        operator = crate::kit::Operator::start(&proxy, settings);
        eventually("its owner, or none", || {
            let owners = space.get("secrets", "web").ok_or("there is none")?["metadata"]["ownerReferences"].clone();
            let is_owned = owners[0]["uid"] == uid && owners[0]["controller"] == true;
            if is_owned == wanted && owners.is_null() != wanted { Ok(()) } else { Err(owners.to_string()) }
        });
        space.await_quiet(&proxy);
        proxy.ledger().assert_is(&["patch secrets"], 0);
        judge::assert_settled(&space, "web");
    }
    space.delete("certificates", "web");
    eventually("the end of the Secret", || match space.get("secrets", "web") {
        None => Ok(()),
        Some(_) => Err("it is there".to_owned()),
    });
}

#[test]
fn of_two_who_want_one_secret_one_gets_it_and_the_other_is_told_and_takes_over() {
    let (space, _proxy, _operator) = ready("shared");
    space.apply(&with_spec(certificate("older", "ca"), json!({ "secretName": "shared" })));
    space.await_ready("older");
    space.apply(&with_spec(certificate("newer", "ca"), json!({ "secretName": "shared" })));
    let newer = space.await_condition("certificates", "newer", "Ready", "False");
    let told = condition(&newer, "Ready");
    assert_eq!(told["reason"], "IncorrectCertificate");
    assert!(
        told["message"]
            .as_str()
            .is_some_and(|it| it.starts_with("Secret was issued for \"older\". If this message is not transient"))
    );
    space.delete("certificates", "older");
    space.await_ready("newer");
    let annotations = space.get("secrets", "shared").expect("it is there")["metadata"]["annotations"].clone();
    assert_eq!(annotations["cert-manager.io/certificate-name"], "newer");
}

#[test]
fn conditions_of_others_stay_byte_for_byte() {
    let (space, _proxy, _operator) = ready("foreign");
    space.apply(&certificate("web", "ca"));
    let object = space.await_ready("web");
    let mut all = conditions(&object);
    let foreign = json!({ "type": "Example", "status": "True", "reason": "Mine", "message": "keep me", "lastTransitionTime": "2026-01-01T00:00:00Z" });
    all.push(foreign.clone());
    space.patch("certificates", "web", "status", &json!({ "status": { "conditions": all } }));
    space.patch("certificates", "web", "", &json!({ "spec": { "dnsNames": ["other.example.test"] } }));
    let object = await_revision(&space, "web", 2);
    assert_eq!(condition(&object, "Example"), foreign);
}
