//! Issuers that sign in the controller itself.

use serde_json::json;
use testkit::Log;

use crate::kit::manifests::{authority, authority_pem, ca_issuer, self_signed_issuer};
use crate::kit::{Operator, Space, eventually};
use crate::{condition, pair, ready, request, signing_request, text};

#[test]
fn a_self_signed_issuer_is_ready_with_one_write_and_never_written_again() {
    let space = Space::new("issuer");
    let proxy = space.proxy();
    space.apply(&self_signed_issuer("own"));
    let operator = Operator::start(&proxy, space.settings());
    let issuer = space.await_condition("issuers", "own", "Ready", "True");
    assert_eq!((ready(&issuer).as_str(), &condition(&issuer, "Ready")["observedGeneration"]), ("IsReady: ", &json!(1)));
    space.patch("issuers", "own", "", &json!({ "metadata": { "labels": { "team": "web" } } }));
    space.await_quiet(&proxy);
    operator.stop();
    let operator = Operator::start(&proxy, space.settings());
    space.await_quiet(&proxy);
    operator.stop();
    proxy.ledger().assert_is(&["patch issuers/status"], 0);
}

#[test]
fn a_field_that_is_ignored_is_warned_of_once_for_each_specification() {
    let space = Space::new("issuer");
    let proxy = space.proxy();
    space.apply(&json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": { "name": "bound" },
        "spec": { "acme": {
            "server": "https://127.0.0.1:1/dir", "privateKeySecretRef": { "name": "account" },
            "externalAccountBinding": { "keyID": "1", "keyAlgorithm": "HS256", "keySecretRef": { "name": "eab", "key": "key" } },
        } },
    }));
    let log = Log::default();
    let heard = log.clone();
    let _operator = Operator::start_as(&proxy, space.settings(), move |controller| {
        heard.listen_to_this_thread();
        controller
    });
    let warnings = |generation: u64| {
        eventually("a word on the issuer", || {
            let issuer = space.get("issuers", "bound").expect("the Issuer");
            let found = condition(&issuer, "Ready");
            if found["observedGeneration"] == generation { Ok(()) } else { Err(found.to_string()) }
        });
        space.await_quiet(&proxy);
        let text = log.text();
        let is_one = |line: &&str| line.contains(" WARN ") && line.contains("externalAccount.keyAlgorithm");
        let lines: Vec<&str> = text.lines().filter(is_one).collect();
        let issuer = format!("issuer={}/bound", space.namespace);
        assert!(lines.iter().all(|it| it.contains(&issuer)), "{lines:?}");
        lines.len()
    };
    assert_eq!(warnings(1), 1);
    // It is set up again for what it reads, and nothing of that is news here.
    space.apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "eab" }, "stringData": { "other": "it" } }));
    assert_eq!(warnings(1), 1);
    space.patch("issuers", "bound", "", &json!({ "spec": { "acme": { "email": "a@example.test" } } }));
    assert_eq!(warnings(2), 2);
}

#[test]
fn an_authority_says_what_is_wrong_with_its_secret_and_is_ready_once_that_is_mended() {
    let space = Space::new("issuer");
    let proxy = space.proxy();
    space.apply(&ca_issuer("ca", "authority"));
    let _operator = Operator::start(&proxy, space.settings());
    let told = |wanted: &str| {
        eventually(wanted, || {
            let issuer = space.get("issuers", "ca").unwrap();
            let found = ready(&issuer);
            if found.starts_with(wanted) { Ok(condition(&issuer, "Ready")["status"].clone()) } else { Err(found) }
        })
    };
    told("ErrGetKeyPair: Error getting keypair for CA issuer: secrets \"authority\" not found");
    let (certificate, key) = authority_pem();
    pair(&space, "authority", "nonsense", &key);
    told(
        "ErrGetKeyPair: Error getting keypair for CA issuer: error decoding certificate PEM block: no valid certificates found",
    );
    pair(&space, "authority", &leaf(&key), &key);
    told("ErrInvalidKeyPair: Error getting keypair for CA issuer: certificate is not a CA");
    pair(&space, "authority", &certificate, &signing_request(&["a.test"]).1);
    told("ErrInvalidKeyPair: Error getting keypair for CA issuer: tls.crt and tls.key of the secret");
    pair(&space, "authority", &certificate, &key);
    assert_eq!(told("KeyPairVerified: Signing CA verified"), "True");
}

#[test]
fn an_authority_that_was_rotated_signs_with_what_its_secret_holds_now() {
    let space = Space::new("issuer");
    let proxy = space.proxy();
    authority(&space);
    let _operator = Operator::start(&proxy, space.settings());
    space.await_condition("issuers", "ca", "Ready", "True");
    let (csr, _) = signing_request(&["a.example.test"]);
    space.apply(&request("before", "ca", &csr));
    let before = space.await_condition("certificaterequests", "before", "Ready", "True");

    let (certificate, key) = authority_pem();
    pair(&space, "authority", &certificate, &key);
    space.await_quiet(&proxy);
    space.apply(&request("after", "ca", &csr));
    let after = space.await_condition("certificaterequests", "after", "Ready", "True");
    assert_ne!(before["status"]["ca"], after["status"]["ca"]);
    assert_eq!(text(&after["status"]["ca"]).trim(), certificate.replace("\r\n", "\n").trim());
    proxy.ledger().assert_is(
        &["patch issuers/status", "patch certificaterequests/status", "patch certificaterequests/status"],
        0,
    );
}

/// A certificate of that key that is no authority's.
fn leaf(key: &str) -> String {
    let key = rcgen::KeyPair::from_pem(key).expect("a key");
    rcgen::CertificateParams::new(vec!["leaf.example.test".to_owned()])
        .expect("a name")
        .self_signed(&key)
        .expect("a certificate")
        .pem()
}
