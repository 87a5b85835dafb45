//! What cannot be: an issuer of the wrong kind, Secrets that cannot be written, names that are taken. Each says so, and nothing loops.

use serde_json::{Value, json};

use crate::kit::eventually;
use crate::kit::manifests::{certificate, signing_request, with_spec};
use crate::{condition, ready};

#[test]
fn an_issuer_that_lives_elsewhere_is_named_on_the_certificate() {
    let (space, proxy, _operator) = ready("elsewhere");
    space.apply(&certificate("web", "cb"));
    let object = space.await_condition("certificates", "web", "Issuing", "True");
    let told = condition(&object, "Issuing");
    let message = told["message"].as_str().unwrap_or_default();
    let old = "Issuing certificate as Secret does not exist";
    assert!(
        message.starts_with(old)
            && message.contains("Referenced \"Issuer\" not found: issuer.cert-manager.io \"cb\" not found"),
        "{told}"
    );
    space.await_quiet(&proxy);
    space.patch("certificates", "web", "", &json!({ "spec": { "issuerRef": { "name": "ca" } } }));
    space.await_ready("web");
}

#[test]
fn an_issuer_of_the_cluster_is_not_there_for_who_looks_after_namespaces() {
    let (space, proxy, _operator) = ready("bounded");
    space.apply(&with_spec(certificate("web", "ca"), json!({ "issuerRef": { "kind": "ClusterIssuer" } })));
    let object = space.await_condition("certificates", "web", "Issuing", "True");
    let told = condition(&object, "Issuing");
    let wanted = "Referenced \"ClusterIssuer\" not found: clusterissuer.cert-manager.io \"ca\" not found. An Issuer \"ca\" exists: set spec.issuerRef.kind: Issuer";
    assert!(told["message"].as_str().is_some_and(|it| it.ends_with(wanted)), "{told}");
    space.await_quiet(&proxy);
    space.patch("certificates", "web", "", &json!({ "spec": { "issuerRef": { "name": "letsencrypt" } } }));
    eventually("a word on the other one", || {
        let told = condition(&space.get("certificates", "web").ok_or("there is none")?, "Issuing");
        let hint = "This controller looks after some namespaces alone, without ClusterIssuers: use an Issuer";
        if told["message"].as_str().is_some_and(|it| it.ends_with(hint)) { Ok(()) } else { Err(told.to_string()) }
    });
    space.await_quiet(&proxy);
    proxy.ledger().assert_clean();
}

#[test]
fn an_immutable_secret_is_left_as_it_is_and_people_are_told_what_to_do() {
    let (space, proxy, _operator) = ready("immutable");
    space.apply(&secret("web", "kubernetes.io/tls", &json!({ "tls.crt": "", "tls.key": "" }), true));
    space.apply(&certificate("web", "ca"));
    let object = space.await_condition("certificates", "web", "Issuing", "False");
    let told = condition(&object, "Issuing");
    assert_eq!(told["reason"], "SecretImmutable");
    assert_eq!(told["message"], "Secret \"web\" is immutable: delete it, or give the Certificate another secretName");
    space.await_quiet(&proxy);
    proxy.ledger().assert_clean();
    space.delete("secrets", "web");
    space.await_ready("web");
}

#[test]
fn a_secret_of_another_type_keeps_its_type_and_its_other_files() {
    let (space, proxy, _operator) = ready("typed");
    space.apply(&secret("web", "Opaque", &json!({ "mine": "eA==" }), false));
    space.apply(&certificate("web", "ca"));
    space.await_ready("web");
    space.await_quiet(&proxy);
    proxy.ledger().assert_clean();
    let found = space.get("secrets", "web").expect("it is there");
    assert_eq!((&found["type"], &found["data"]["mine"]), (&json!("Opaque"), &json!("eA==")));
    assert!(found["data"]["tls.crt"].is_string());
}

#[test]
fn a_template_that_is_too_large_is_said_and_not_tried_for_ever() {
    let (space, proxy, _operator) = ready("large");
    space.apply(&certificate("web", "ca"));
    space.await_ready("web");
    // By itself it is as large as annotations may be; with those of every Secret it is larger.
    let annotation = "x".repeat(256 * 1024 - "example.com/large".len() - 50);
    let large = json!({ "spec": { "secretTemplate": { "annotations": { "example.com/large": annotation } } } });
    space.await_quiet(&proxy);
    proxy.forget();
    space.patch("certificates", "web", "", &large);
    let event = eventually("the Event that says what is too large", || {
        let events = space.list("events");
        let found = events.into_iter().find(|it| it["reason"] == "SecretRefused");
        found.ok_or_else(|| "there is none".to_owned())
    });
    assert!(event["note"].as_str().is_some_and(|it| it.contains("cannot be written")), "{event}");
    assert!(event["note"].as_str().is_some_and(|it| it.contains("take out of labels, annotations")), "{event}");
    space.await_quiet(&proxy);
    let tried = proxy.ledger().objects().filter(|it| it.call.resource == "secrets").count();
    assert_eq!(tried, 1, "{}", proxy.ledger());
    let object = space.get("certificates", "web").expect("it is there");
    assert_eq!((&object["status"]["revision"], &condition(&object, "Ready")["status"]), (&json!(1), &json!("True")));
    space.patch("certificates", "web", "", &json!({ "spec": { "secretTemplate": null } }));
    space.await_ready("web");
    space.await_quiet(&proxy);
    crate::kit::judge::assert_settled(&space, "web");
}

#[test]
fn more_names_than_a_request_holds_are_said_before_anything_is_begun() {
    let (space, proxy, _operator) = ready("names");
    let names: Vec<String> = (0..3000).map(|it| format!("{it}.{}.example.test", "long".repeat(10))).collect();
    space.apply(&with_spec(certificate("web", "ca"), json!({ "dnsNames": names })));
    let object = space.await_condition("certificates", "web", "Ready", "False");
    let told = condition(&object, "Ready");
    assert_eq!(told["reason"], "InvalidSpec");
    let message = told["message"].as_str().unwrap_or_default();
    assert!(message.contains("3000 names") && message.contains("part the names among several certificates"), "{told}");
    space.await_quiet(&proxy);
    proxy.ledger().assert_is(&["patch certificates/status"], 1);
    space.patch("certificates", "web", "", &json!({ "spec": { "dnsNames": &names[..100] } }));
    space.await_ready("web");
}

#[test]
fn what_the_api_server_says_of_too_large_an_object_is_known() {
    let (space, _proxy, _operator) = ready("store");
    for (names, known) in [(30_000, "request is too large"), (40_000, "larger than max")] {
        let names: Vec<String> = (0..names).map(|it| format!("{it}.{}.example.test", "long".repeat(10))).collect();
        let mut huge = with_spec(certificate("huge", "ca"), json!({ "dnsNames": names }));
        huge["metadata"]["namespace"] = json!(space.namespace);
        let answer = space.plane.call("POST", &space.path("certificates", ""), Some(&huge));
        let told = answer.body["message"].as_str().unwrap_or_default();
        assert!(answer.status == 500 && told.contains(known), "{} {}", answer.status, answer.body);
    }
}

#[test]
fn a_request_that_the_api_server_does_not_take_for_its_size_is_made_once_and_told() {
    let (space, proxy, _operator) = ready("copied");
    // As large as annotations may be; a request has three more.
    let mut large = certificate("web", "ca");
    large["metadata"]["annotations"] =
        json!({ "example.com/large": "x".repeat(256 * 1024 - "example.com/large".len()) });
    space.apply(&large);
    let object = space.await_condition("certificates", "web", "Issuing", "False");
    let told = condition(&object, "Issuing");
    assert_eq!(told["reason"], "RequestFailed");
    let message = told["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("Failed to create CertificateRequest: ")
            && message.contains("take out of labels, annotations"),
        "{told}"
    );
    space.await_quiet(&proxy);
    let tried = proxy.ledger().objects().filter(|it| it.call.resource == "certificaterequests").count();
    assert_eq!(tried, 1, "{}", proxy.ledger());
    assert_eq!(space.list("secrets").len(), 1, "of keys none is left");
    space.patch("certificates", "web", "", &json!({ "metadata": { "annotations": null } }));
    crate::kit::manifests::renew(&space, "web");
    space.await_ready("web");
    space.await_quiet(&proxy);
    crate::kit::judge::assert_settled(&space, "web");
}

#[test]
fn a_request_of_somebody_else_under_the_name_of_ours_stays_and_is_named() {
    let (space, proxy, _operator) = ready("taken");
    let mut theirs = signing_request("web-1", "nobody");
    theirs["spec"]["issuerRef"] = json!({ "name": "theirs", "kind": "TheirIssuer", "group": "example.com" });
    let theirs = space.apply(&theirs);
    space.await_quiet(&proxy);
    space.apply(&certificate("web", "ca"));
    eventually("the Event that names the request", || {
        let events = space.list("events");
        let found = events.iter().any(|it| it["reason"] == "RequestNameTaken");
        if found { Ok(()) } else { Err(format!("{} Events", events.len())) }
    });
    let found = space.get("certificaterequests", "web-1").expect("it is theirs");
    assert_eq!(found["metadata"]["uid"], theirs["metadata"]["uid"]);
    space.delete("certificaterequests", "web-1");
    space.await_ready("web");
}

fn secret(name: &str, kind: &str, data: &Value, immutable: bool) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "type": kind, "data": data, "immutable": immutable,
    })
}
