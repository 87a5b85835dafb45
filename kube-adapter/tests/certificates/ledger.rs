//! The writes of each path: exactly those of the ledger.

use serde_json::json;

use crate::kit::manifests::{certificate, self_signed_issuer, with_spec};
use crate::kit::{Operator, Space, Verb, conditions, eventually};
use crate::{await_revision, ready, renew};

const FIRST: [&str; 4] =
    ["create certificaterequests", "patch certificaterequests/status", "patch secrets", "patch certificates/status"];

#[test]
fn a_first_certificate_of_an_authority_takes_four_writes() {
    let (space, proxy, _operator) = ready("first");
    space.apply(&certificate("web", "ca"));
    space.await_ready("web");
    space.await_quiet(&proxy);
    proxy.ledger().assert_is(&FIRST, 1);
}

#[test]
fn a_self_signed_certificate_takes_four_writes() {
    let space = Space::new("self-signed");
    space.apply(&self_signed_issuer("self"));
    let proxy = space.proxy();
    let _operator = Operator::start(&proxy, space.settings());
    space.await_condition("issuers", "self", "Ready", "True");
    space.await_quiet(&proxy);
    proxy.forget();
    space.apply(&with_spec(certificate("root", "self"), json!({ "isCA": true, "commonName": "a root" })));
    space.await_ready("root");
    space.await_quiet(&proxy);
    proxy.ledger().assert_is(&FIRST, 1);
}

#[test]
fn a_renewal_by_hand_takes_five_writes() {
    let (space, proxy, _operator) = ready("renewed");
    space.apply(&certificate("web", "ca"));
    let first = space.await_ready("web");
    space.await_quiet(&proxy);
    proxy.forget();
    renew(&space, &first);
    let object = await_revision(&space, "web", 2);
    assert!(conditions(&object).iter().all(|it| it["type"] != "Issuing"), "{}", object["status"]);
    space.await_quiet(&proxy);
    let fifth = ["delete certificaterequests"];
    proxy.ledger().assert_is(&[&FIRST[..], &fifth].concat(), 1);
}

#[test]
fn another_name_takes_five_writes_and_another_label_two() {
    let (space, proxy, _operator) = ready("edited");
    space.apply(&certificate("web", "ca"));
    space.await_ready("web");
    space.await_quiet(&proxy);
    proxy.forget();
    space.patch("certificates", "web", "", &json!({ "spec": { "dnsNames": ["other.example.test"] } }));
    await_revision(&space, "web", 2);
    space.await_quiet(&proxy);
    proxy.ledger().assert_is(&[&FIRST[..], &["delete certificaterequests"]].concat(), 1);
    proxy.forget();
    space.patch("certificates", "web", "", &json!({ "spec": { "secretTemplate": { "labels": { "a": "b" } } } }));
    space.await_ready("web");
    space.await_quiet(&proxy);
    proxy.ledger().assert_is(&["patch secrets", "patch certificates/status"], 0);
    let secret = space.get("secrets", "web").expect("it is there");
    assert_eq!(secret["metadata"]["labels"]["a"], "b");
}

#[test]
fn a_key_that_stays_takes_no_write_of_its_own() {
    let (space, proxy, _operator) = ready("never");
    space.apply(&with_spec(certificate("web", "ca"), json!({ "privateKey": { "rotationPolicy": "Never" } })));
    let first = space.await_ready("web");
    let key = space.get("secrets", "web").expect("it is there")["data"]["tls.key"].clone();
    space.await_quiet(&proxy);
    proxy.ledger().assert_is(&FIRST, 1);
    proxy.forget();
    renew(&space, &first);
    await_revision(&space, "web", 2);
    space.await_quiet(&proxy);
    proxy.ledger().assert_is(&[&FIRST[..], &["delete certificaterequests"]].concat(), 1);
    assert_eq!(space.get("secrets", "web").expect("it is there")["data"]["tls.key"], key);
}

#[test]
fn a_controller_that_starts_again_writes_nothing() {
    let (space, proxy, operator) = ready("restart");
    space.apply(&certificate("web", "ca"));
    space.await_ready("web");
    space.await_quiet(&proxy);
    operator.stop();
    proxy.forget();
    let _operator = Operator::start(&proxy, space.settings());
    eventually("watches", || {
        let watched = proxy.calls().iter().filter(|it| it.call.watches && it.code == 200).count();
        if watched >= 7 { Ok(()) } else { Err(format!("{watched} watches")) }
    });
    space.await_quiet(&proxy);
    proxy.ledger().assert_is(&[], 0);
    let read = proxy.calls().into_iter().filter(|it| it.call.verb == Verb::Get && it.call.resource == "secrets");
    let read: Vec<String> = read.map(|it| it.call.name).collect();
    assert!(!read.contains(&"web".to_owned()), "no key was moved: {read:?}");
}
