//! Requests that no Certificate owns, as csi-driver and istio-csr make them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::kit::manifests::{authority, self_signed_issuer};
use crate::kit::{Operator, Space, Verb, eventually};
use crate::{condition, ready, request, signing_request, text};

#[test]
fn approval_and_certificate_are_one_write() {
    let space = Space::new("request");
    let proxy = space.proxy();
    authority(&space);
    let _operator = Operator::start(&proxy, space.settings());
    space.await_condition("issuers", "ca", "Ready", "True");
    let owner = space.apply(&json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "web" } }));
    for number in 0..20 {
        let (csr, _) = signing_request(&[&format!("{number}.example.test")]);
        let mut object = request(&format!("pod-{number}"), "ca", &csr);
        object["metadata"]["ownerReferences"] = json!([{ "apiVersion": "v1", "kind": "ConfigMap", "name": "web", "uid": owner["metadata"]["uid"], "controller": true }]);
        space.apply(&object);
    }
    for number in 0..20 {
        let object = space.await_condition("certificaterequests", &format!("pod-{number}"), "Ready", "True");
        assert_eq!(ready(&object), "Issued: Certificate fetched from issuer successfully");
        let approved = condition(&object, "Approved");
        assert_eq!(
            (&approved["reason"], &approved["message"]),
            (&json!("cert-manager.io"), &json!("Certificate request has been approved by cert-manager.io"))
        );
        assert_eq!(text(&object["status"]["certificate"]).matches("BEGIN").count(), 1, "the root is not served");
        assert!(text(&object["status"]["ca"]).contains("BEGIN CERTIFICATE"));
    }
    let mut expected = vec!["patch certificaterequests/status"; 20];
    expected.push("patch issuers/status");
    proxy.ledger().assert_is(&expected, 0);
    let asked = proxy.calls().iter().filter(|it| it.call.resource.contains("subjectaccessreviews")).count();
    assert_eq!(asked, 1, "the right to approve is asked for once");
}

#[test]
fn who_may_not_approve_says_so_and_signs_nothing() {
    let space = Space::new("request");
    let proxy = space.proxy();
    authority(&space);
    proxy.fail(|call| call.resource.contains("subjectaccessreviews").then_some(crate::kit::Fault::Refuse(403, None)));
    let _operator = Operator::start(&proxy, space.settings());
    space.apply(&request("r", "ca", &signing_request(&["a.example.test"]).0));
    space.await_condition("issuers", "ca", "Ready", "True");
    let told = pending(&space, "r");
    assert_eq!(
        told,
        "Not signing CertificateRequest until it is Approved (built-in approver has no right on this signer: approveSignerNames)"
    );
    assert_eq!(condition(&space.get("certificaterequests", "r").unwrap(), "Approved"), Value::Null);
}

#[test]
fn without_the_built_in_approver_somebody_else_approves_or_denies() {
    let space = Space::new("request");
    let proxy = space.proxy();
    authority(&space);
    let mut settings = space.settings();
    settings.approver = false;
    let _operator = Operator::start(&proxy, settings);
    space.await_condition("issuers", "ca", "Ready", "True");
    for name in ["yes", "no"] {
        space.apply(&request(name, "ca", &signing_request(&["a.example.test"]).0));
    }
    space.await_quiet(&proxy);
    assert_eq!(
        proxy.ledger().objects().count(),
        1,
        "nothing is written while somebody else decides:\n{}",
        proxy.ledger()
    );
    let decide = |kind: &str| {
        json!({ "status": { "conditions": [
        { "type": kind, "status": "True", "reason": "policy.example", "message": "by  policy", "lastTransitionTime": "2026-01-02T03:04:05Z" },
        { "type": "example.com/Seen", "status": "Unknown", "reason": "Odd", "message": "ä \u{1F600}", "lastTransitionTime": "2026-01-02T03:04:05Z" },
    ] } })
    };
    let before = space.patch("certificaterequests", "yes", "status", &decide("Approved"));
    space.patch("certificaterequests", "no", "status", &decide("Denied"));
    let yes = space.await_condition("certificaterequests", "yes", "Ready", "True");
    for kind in ["Approved", "example.com/Seen"] {
        assert_eq!(condition(&yes, kind), condition(&before, kind), "conditions of others stay as they are");
    }
    let no = eventually("denial", || {
        let object = space.get("certificaterequests", "no").unwrap();
        if object["status"]["failureTime"].is_string() { Ok(object) } else { Err(object["status"].to_string()) }
    });
    assert_eq!(ready(&no), "Denied: The CertificateRequest was denied by an approval controller");
}

#[test]
fn an_issuer_that_is_not_there_is_named_with_what_may_have_been_meant_and_waited_for() {
    let space = Space::new("request");
    let proxy = space.proxy();
    space.apply(&self_signed_issuer("letsencrypt"));
    let mut settings = space.settings();
    settings.visible_after = Duration::from_millis(200);
    let _operator = Operator::start(&proxy, settings);
    space.apply(&request("r", "letsencrpyt", &signing_request(&["a.example.test"]).0));
    assert_eq!(
        pending(&space, "r"),
        "Referenced \"Issuer\" not found: issuer.cert-manager.io \"letsencrpyt\" not found. Did you mean the Issuer \"letsencrypt\"?"
    );
    let object = space.get("certificaterequests", "r").unwrap();
    assert_eq!(condition(&object, "Approved")["status"], "True", "approval does not wait for the issuer");
    authority(&space);
    let mut named = crate::kit::manifests::ca_issuer("letsencrpyt", "missing");
    space.apply(&named);
    eventually("the issuer's own words", || {
        let text = pending(&space, "r");
        let wanted = "Referenced issuer does not have a Ready status condition: Error getting keypair for CA issuer: secrets \"missing\" not found";
        if text == wanted { Ok(()) } else { Err(text) }
    });
    named["spec"]["ca"]["secretName"] = json!("authority");
    space.apply(&named);
    space.await_condition("certificaterequests", "r", "Ready", "True");
}

#[test]
fn a_self_signed_request_waits_for_its_key_and_takes_the_one_that_fits() {
    let space = Space::new("request");
    let proxy = space.proxy();
    space.apply(&self_signed_issuer("own"));
    let mut settings = space.settings();
    settings.visible_after = Duration::from_secs(60);
    let _operator = Operator::start(&proxy, settings);
    space.await_condition("issuers", "own", "Ready", "True");
    let (csr, key) = signing_request(&["a.example.test"]);
    let mut object = request("r", "own", &csr);
    object["metadata"]["annotations"] = json!({ "cert-manager.io/private-key-secret-name": "own-key" });
    space.apply(&object);
    space.apply(&request("bare", "own", &csr));
    let bare = eventually("an end without an annotation", || {
        let object = space.get("certificaterequests", "bare").unwrap();
        if object["status"]["failureTime"].is_string() { Ok(object) } else { Err(object["status"].to_string()) }
    });
    assert!(
        ready(&bare)
            .starts_with("Failed: Annotation \"cert-manager.io/private-key-secret-name\" missing or reference empty")
    );
    let secret = |pem: &str| json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "own-key" }, "stringData": { "tls.key": pem } });
    space.apply(&secret("no key"));
    space.apply(&secret(&signing_request(&["a.example.test"]).1));
    space.apply(&secret(&key));
    let signed = space.await_condition("certificaterequests", "r", "Ready", "True");
    assert_eq!(signed["status"]["certificate"], signed["status"]["ca"]);
    let writes = proxy.ledger().objects().filter(|it| it.call.name == "r" && it.call.verb == Verb::Patch).count();
    assert_eq!(writes, 1, "{}", proxy.ledger());
}

/// What a request says that it waits for.
#[track_caller]
fn pending(space: &Space, name: &str) -> String {
    eventually("a word of what is waited for", || {
        let object = space.get("certificaterequests", name).ok_or("there is none")?;
        let ready = condition(&object, "Ready");
        if ready["reason"] == "Pending" {
            Ok(ready["message"].as_str().unwrap_or_default().to_owned())
        } else {
            Err(object["status"].to_string())
        }
    })
}
