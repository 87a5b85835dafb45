//! Accounts at ACME servers.

use serde_json::{Value, json};
use testkit::servers::Pebble;

use crate::kit::{Operator, Space, eventually};
use crate::{base64, ready, text};

#[test]
fn an_account_is_registered_with_a_key_that_was_stored_first() {
    let (space, pebble) = (Space::new("acme"), Pebble::start());
    let proxy = space.proxy();
    space.apply(&issuer(&pebble, json!({ "email": "a@example.test" })));
    let operator = Operator::start(&proxy, space.settings());
    let object = space.await_condition("issuers", "acme", "Ready", "True");
    assert_eq!(ready(&object), "ACMEAccountRegistered: The ACME account was registered with the ACME server");
    let secret = space.get("secrets", "account").expect("the key is stored");
    assert!(text(&secret["data"]["tls.key"]).starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    assert_eq!(secret["metadata"]["labels"]["app.kubernetes.io/managed-by"], "cert-manager");
    let account = &object["status"]["acme"];
    assert!(account["uri"].as_str().unwrap_or_default().contains("/my-account/"), "{account}");
    assert_eq!(account["lastRegisteredEmail"], "a@example.test");
    space.await_quiet(&proxy);
    operator.stop();
    let registered = pebble.requests();
    let operator = Operator::start(&proxy, space.settings());
    space.await_quiet(&proxy);
    operator.stop();
    assert_eq!(pebble.requests(), registered, "an account that is known is not looked for");
    proxy.ledger().assert_is(&["create secrets", "patch issuers/status"], 0);

    // Another Issuer with the same key, and a status that was lost, find the account again; its contact is changed where the spec wants another.
    space.patch("issuers", "acme", "status", &json!({ "status": null }));
    let mut other = issuer(&pebble, json!({ "email": "b@example.test" }));
    other["metadata"]["name"] = json!("other");
    space.apply(&other);
    let _operator = Operator::start(&proxy, space.settings());
    for name in ["acme", "other"] {
        let found = space.await_condition("issuers", name, "Ready", "True");
        assert_eq!(found["status"]["acme"]["uri"], account["uri"]);
    }
    space.patch("issuers", "acme", "", &json!({ "spec": { "acme": { "email": "c@example.test" } } }));
    eventually("the new address", || {
        let object = space.get("issuers", "acme").ok_or("gone")?;
        if object["status"]["acme"]["lastRegisteredEmail"] == "c@example.test" {
            Ok(())
        } else {
            Err(object["status"].to_string())
        }
    });
}

#[test]
fn an_account_bound_to_another_waits_for_the_key_of_that_one() {
    let space = Space::new("acme");
    let pebble =
        Pebble::builder().eab_key("kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W").start();
    let proxy = space.proxy();
    space.apply(&issuer(
        &pebble,
        json!({
            "externalAccountBinding": { "keyID": "kid-1", "keySecretRef": { "name": "eab", "key": "secret" } },
        }),
    ));
    let _operator = Operator::start(&proxy, space.settings());
    told(&space, "ErrRegisterACMEAccount: Failed to register ACME account: secrets \"eab\" not found");
    space.apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "eab" },
        "stringData": { "secret": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W" } }));
    space.await_condition("issuers", "acme", "Ready", "True");
}

#[test]
fn what_cannot_be_is_said_in_words_that_are_known() {
    let (space, pebble) = (Space::new("acme"), Pebble::start());
    let proxy = space.proxy();
    space.apply(&issuer(&pebble, json!({ "disableAccountKeyGeneration": true })));
    let _operator = Operator::start(&proxy, space.settings());
    told(&space, "ErrVerifyACMEAccount: Failed to verify ACME account: secrets \"account\" not found");
    space.apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "account" }, "stringData": { "tls.key": "no key" } }));
    told(&space, "ErrVerifyACMEAccount: Account private key is invalid: ");
    let key = rcgen::KeyPair::generate().expect("a key").serialize_pem();
    space.apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "account" }, "stringData": { "tls.key": key } }));
    space.await_condition("issuers", "acme", "Ready", "True");

    let change = |fields: Value| space.patch("issuers", "acme", "", &json!({ "spec": { "acme": fields } }));
    change(json!({ "server": "https://acme-v01.api.letsencrypt.org/directory" }));
    told(
        &space,
        "InvalidConfig: Your ACME server URL is set to a v1 endpoint (https://acme-v01.api.letsencrypt.org/directory). You should update the spec.acme.server field to \"https://acme-v02.api.letsencrypt.org/directory\"",
    );
    change(json!({ "server": pebble.directory_url(), "solvers": [{ "dns01": { "rfc2136": {
        "nameserver": "127.0.0.1:53", "tsigKeyName": "k", "tsigSecretSecretRef": { "name": "tsig", "key": "secret" } } } }] }));
    told(&space, "InvalidSolver: failed to get secret \"tsig\": secrets \"tsig\" not found");
    space.apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "tsig" }, "stringData": { "other": "x" } }));
    told(&space, "InvalidSolver: the secret \"tsig\" does not have key \"secret\"");
    change(json!({ "solvers": null, "caBundle": null, "email": "new@example.test" }));
    told(&space, "ErrRegisterACMEAccount: Failed to register ACME account: ");
    change(json!({ "skipTLSVerify": true }));
    space.await_condition("issuers", "acme", "Ready", "True");
}

fn issuer(pebble: &Pebble, fields: Value) -> Value {
    let mut acme = json!({
        "server": pebble.directory_url(), "caBundle": base64(pebble.root_pem().as_bytes()), "privateKeySecretRef": { "name": "account" },
    });
    for (name, value) in fields.as_object().expect("fields") {
        acme[name] = value.clone();
    }
    json!({ "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": { "name": "acme" }, "spec": { "acme": acme } })
}

#[track_caller]
fn told(space: &Space, wanted: &str) {
    eventually(wanted, || {
        let found = ready(&space.get("issuers", "acme").ok_or("there is none")?);
        if found.starts_with(wanted) { Ok(()) } else { Err(found) }
    });
}
