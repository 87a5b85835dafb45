//! Orders that no request waits for.

use serde_json::{Value, json};
use testkit::servers::Pebble;

use crate::kit::acme::Acme;
use crate::kit::{Operator, Space, eventually};
use crate::{base64, signing_request};

#[test]
fn an_order_made_by_hand_says_what_its_issuer_lacks_and_goes_on_once_it_is_there() {
    let (space, acme) = (Space::new("orders"), Acme::start(Pebble::builder()));
    let proxy = space.proxy();
    let mut settings = space.settings();
    settings.acme.dns01_nameservers = vec![acme.bind.address().to_string()];
    settings.acme.dns01_recursive_only = true;
    settings.check_again_after = std::time::Duration::from_millis(100);
    space.apply(&self_signed("cb"));
    space.apply(&order("hand", "ca"));
    space.apply(&order("other", "cb"));
    let _operator = Operator::start(&proxy, settings);

    told(&space, "hand", "Referenced \"Issuer\" not found: issuer.cert-manager.io \"ca\" not found");
    told(&space, "other", "Issuer \"cb\" is no ACME issuer: an Order is for one with spec.acme");
    space.await_quiet(&proxy);
    proxy.ledger().assert_is(&["patch issuers/status", "patch orders/status", "patch orders/status"], 0);

    space.apply(&self_signed("ca"));
    told(&space, "hand", "Issuer \"ca\" is no ACME issuer: an Order is for one with spec.acme");
    space.delete("issuers", "ca");
    told(&space, "hand", "Referenced \"Issuer\" not found: issuer.cert-manager.io \"ca\" not found");

    acme.prepare(&space, json!({ "dns01": {} }));
    let done = eventually("the certificate", || {
        let found = space.get("orders", "hand").ok_or("there is none")?;
        if found["status"]["state"] == "valid" { Ok(found) } else { Err(found["status"].to_string()) }
    });
    assert_eq!(done["status"]["reason"], Value::Null);
    assert_eq!(acme.orders(), 1);
}

#[track_caller]
fn told(space: &Space, name: &str, wanted: &str) {
    eventually(wanted, || {
        let status = &space.get("orders", name).ok_or("there is none")?["status"];
        let is_told =
            status["state"] == "pending" && status["reason"].as_str().is_some_and(|it| it.starts_with(wanted));
        if is_told { Ok(()) } else { Err(status.to_string()) }
    });
}

fn order(name: &str, issuer: &str) -> Value {
    json!({
        "apiVersion": "acme.cert-manager.io/v1", "kind": "Order", "metadata": { "name": name },
        "spec": {
            "request": base64(signing_request(&["hand.example.test"]).0.as_bytes()), "dnsNames": ["hand.example.test"],
            "issuerRef": { "name": issuer, "kind": "Issuer" },
        },
    })
}

fn self_signed(name: &str) -> Value {
    json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": { "name": name }, "spec": { "selfSigned": {} },
    })
}
