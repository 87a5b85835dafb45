//! Issuers of other controllers, AWS Private CA's among them: what they say of a request is taken at its word, and never written by us.

use std::time::Duration;

use serde_json::{Value, json};

use crate::kit::manifests::{certificate, with_spec};
use crate::kit::{Operator, Proxy, Space, conditions, eventually};
use crate::{condition, request, signing_request};

#[test]
fn the_readiness_of_a_request_is_its_controllers_alone() {
    let (space, proxy) = world();
    let _operator = start(&space, &proxy);
    let mut object = request("r", "pca", &signing_request(&["a.example.test"]).0);
    object["spec"]["issuerRef"] = issuer();
    space.apply(&object);
    // Whoever approves it; and Private CA's controller says first that it is at work.
    space.await_quiet(&proxy);
    assert_eq!(proxy.ledger().objects().count(), 0, "{}", proxy.ledger());
    say(&space, "r", json!([approved(), ready("False", "Pending", "Initializing")]), json!({}));
    say(
        &space,
        "r",
        json!([ready("True", "Issued", "certificate issued")]),
        json!({ "certificate": "Y2VydA==", "ca": "Y2E=" }),
    );
    space.await_quiet(&proxy);
    assert_eq!(proxy.ledger().objects().count(), 0, "{}", proxy.ledger());
}

#[test]
fn how_their_controller_ends_a_request_ends_the_attempt() {
    for (said, reason) in [
        (
            json!([approved(), ready("False", "Failed", "failed to request certificate from PCA: AccessDenied")]),
            "Failed",
        ),
        (json!([approved(), invalid("the template allows no wildcards")]), "InvalidRequest"),
        (
            json!([
                decided("Denied", "policy.example", "no policy allows it"),
                ready("False", "Denied", "the CertificateRequest was denied")
            ]),
            "Denied",
        ),
    ] {
        let (space, proxy) = world();
        let _operator = start(&space, &proxy);
        space.apply(&with_spec(certificate("web", "pca"), json!({ "issuerRef": issuer() })));
        eventually("a request", || space.get("certificaterequests", "web-1").ok_or_else(|| "there is none".to_owned()));
        space.await_quiet(&proxy);
        // Not every controller writes a failureTime.
        say(&space, "web-1", said.clone(), json!({}));
        let object = eventually("the end of the attempt", || {
            let object = space.get("certificates", "web").ok_or("gone")?;
            if object["status"]["failedIssuanceAttempts"] == 1 { Ok(object) } else { Err(object["status"].to_string()) }
        });
        let issuing = condition(&object, "Issuing");
        let message = said.as_array().and_then(|it| it.last()).map(|it| it["message"].clone()).unwrap_or_default();
        let wanted = format!(
            "The certificate request has failed to complete and will be retried: {}",
            message.as_str().unwrap_or_default()
        );
        assert_eq!((&issuing["status"], &issuing["reason"]), (&json!("False"), &json!(reason)));
        let told = issuing["message"].as_str().unwrap_or_default();
        assert!(told.starts_with(&wanted), "{told}");
        assert!(object["status"]["lastFailureTime"].is_string());
        space.await_quiet(&proxy);
        let left = space.list("secrets");
        assert!(left.is_empty(), "the key of the attempt is gone: {left:?}");
    }
}

/// The controller's own approver has no right on an issuer whose kind the cluster does not know.
fn world() -> (Space, Proxy) {
    let space = Space::new("external");
    let proxy = space.proxy();
    (space, proxy)
}

fn start(space: &Space, proxy: &Proxy) -> Operator {
    let mut settings = space.settings();
    settings.visible_after = Duration::from_millis(100);
    Operator::start(proxy, settings)
}

fn issuer() -> Value {
    json!({ "name": "pca", "kind": "AWSPCAIssuer", "group": "awspca.cert-manager.io" })
}

/// Puts these conditions beside those of other kinds, and these fields into the status.
fn say(space: &Space, name: &str, said: Value, fields: Value) {
    let object = space.get("certificaterequests", name).expect("the request");
    let said = said.as_array().expect("conditions").clone();
    let mut kept = conditions(&object);
    kept.retain(|it| said.iter().all(|new| new["type"] != it["type"]));
    kept.extend(said);
    let mut status = fields;
    status["conditions"] = Value::Array(kept);
    space.patch("certificaterequests", name, "status", &json!({ "status": status }));
}

fn approved() -> Value {
    decided("Approved", "policy.example", "a policy allows it")
}

fn invalid(message: &str) -> Value {
    decided("InvalidRequest", "Template", message)
}

fn decided(kind: &str, reason: &str, message: &str) -> Value {
    json!({ "type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": "2026-11-25T00:00:00Z" })
}

fn ready(status: &str, reason: &str, message: &str) -> Value {
    json!({ "type": "Ready", "status": status, "reason": reason, "message": message, "lastTransitionTime": "2026-11-25T00:00:00Z" })
}
