//! The manifests of a recording, and what cert-manager 1.21 made of them: the same Secrets, annotations and field owners.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::kit::{Operator, Space};

/// What cert-manager left in the namespace, by kind and name: keys of Secrets with their labels and annotations, statuses of Certificates, requests.
const RECORDED: &str = include_str!("../recordings/basic.jsonl");

#[test]
fn secrets_and_requests_are_what_cert_manager_made_of_the_same_manifests() {
    let space = Space::new("recorded");
    let proxy = space.proxy();
    let _operator = Operator::start(&proxy, space.settings());
    for manifest in manifests() {
        space.apply(&manifest);
    }
    let recorded: Vec<Value> = RECORDED.lines().map(read).filter(|it| it["found"].is_object()).collect();
    assert_eq!(recorded.len(), 15);
    for object in recorded.iter().map(|it| &it["found"]).filter(|it| it["kind"] == "Certificate") {
        space.await_ready(object["name"].as_str().expect("a name"));
    }
    space.await_quiet(&proxy);
    for object in recorded.iter().map(|it| &it["found"]) {
        let name = object["name"].as_str().expect("a name");
        match object["kind"].as_str() {
            Some("Secret") => {
                let secret = space.get("secrets", name).expect("the Secret");
                assert_eq!(told(&secret), *object, "Secret {name}");
            }
            Some("CertificateRequest") => {
                let request = space.get("certificaterequests", name).expect("the request");
                assert_eq!(asked(&request), *object, "CertificateRequest {name}");
            }
            _ => {
                let found = space.get("certificates", name).expect("the Certificate");
                let renewal = |it: &Value| it["status"]["renewalTime"].is_string();
                assert!(renewal(&found) && found["status"]["revision"] == object["revision"], "{}", found["status"]);
                let ready = crate::condition(&found, "Ready");
                assert_eq!(json!({ "reason": ready["reason"], "message": ready["message"] }), object["ready"]);
            }
        }
    }
}

/// What was applied.
pub(crate) fn manifests() -> impl Iterator<Item = Value> {
    RECORDED.lines().map(read).filter(|it| it["applied"].is_object()).map(|mut it| it["applied"].take())
}

/// A Secret as the recording tells it: everything but keys, certificates and times.
fn told(secret: &Value) -> Value {
    let keys =
        |it: &Value| -> Vec<String> { it.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect() };
    let managers: BTreeMap<String, Value> = secret["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| (format!("{} {}", text(&it["manager"]), text(&it["operation"])), it["fieldsV1"].clone()))
        .collect();
    json!({
        "kind": "Secret", "name": secret["metadata"]["name"], "type": secret["type"], "data": keys(&secret["data"]),
        "labels": secret["metadata"]["labels"], "annotations": secret["metadata"]["annotations"], "managers": managers,
    })
}

/// A request as the recording tells it.
fn asked(request: &Value) -> Value {
    let mut spec = request["spec"].clone();
    for field in ["request", "username", "uid", "groups", "extra"] {
        spec.as_object_mut().expect("an object").remove(field);
    }
    let mut annotations = request["metadata"]["annotations"].clone();
    annotations["cert-manager.io/private-key-secret-name"] = Value::Null;
    let conditions: BTreeMap<String, Value> = crate::kit::conditions(request)
        .into_iter()
        .map(|it| (text(&it["type"]), json!([it["status"], it["reason"], it["message"]])))
        .collect();
    json!({
        "kind": "CertificateRequest", "name": request["metadata"]["name"], "labels": request["metadata"]["labels"],
        "annotations": annotations, "spec": spec, "conditions": conditions,
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn read(line: &str) -> Value {
    serde_json::from_str(line).expect("a line of JSON")
}
