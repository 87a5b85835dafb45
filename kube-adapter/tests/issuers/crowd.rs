//! Requests in masses, as csi-driver and istio-csr make them when a cluster starts.

use serde_json::{Value, json};

use crate::kit::manifests::{authority, self_signed_issuer};
use crate::kit::{Operator, Space, Verb, eventually_within};
use crate::{condition, request, signing_request};

#[test]
fn three_hundred_requests_take_one_write_each() {
    one_write_each(300, std::time::Duration::from_secs(60));
}

#[test]
#[ignore = "minutes long: .ci/test --long"]
fn ten_thousand_requests_take_one_write_each() {
    one_write_each(10_000, std::time::Duration::from_secs(900));
}

/// Every other one is signed by an authority, and the rest with their own key.
fn one_write_each(count: usize, patience: std::time::Duration) {
    let space = Space::new("crowd");
    let proxy = space.proxy();
    authority(&space);
    space.apply(&self_signed_issuer("own"));
    let (csr, key) = signing_request(&["a.example.test"]);
    space.apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "own-key" }, "stringData": { "tls.key": key } }));
    let _operator = Operator::start(&proxy, space.settings());
    for issuer in ["ca", "own"] {
        space.await_condition("issuers", issuer, "Ready", "True");
    }
    proxy.forget();
    for number in 0..count {
        let mut object = request(&format!("pod-{number}"), if number % 2 == 0 { "ca" } else { "own" }, &csr);
        object["metadata"]["annotations"] = json!({ "cert-manager.io/private-key-secret-name": "own-key" });
        space.plane.write("POST", &space.path("certificaterequests", ""), &object);
    }
    eventually_within(patience, "all certificates", || {
        let written = proxy.ledger().objects().count();
        if written >= count { Ok(()) } else { Err(format!("{written} of {count}")) }
    });
    space.await_quiet(&proxy);
    let is_ready = |it: &&Value| condition(it, "Ready")["status"] == "True";
    assert_eq!(space.list("certificaterequests").iter().filter(is_ready).count(), count);
    let ledger = proxy.ledger();
    let patches = ledger.objects().filter(|it| it.call.verb == Verb::Patch).count();
    assert_eq!((ledger.objects().count(), patches), (count, count));
    ledger.assert_clean();
}
