//! Certificates on a real API server, issued by authorities of the cluster: what is written, what stands in it afterwards, and what people are told.

#[path = "../kit/kit.rs"]
mod kit;

mod bad_input;
mod events;
mod ledger;
mod reads;
mod recorded;
mod secrets;
mod two;
mod unusual;
mod waits;

use kit::manifests::{authority, ca_issuer};
use kit::{Operator, Proxy, Space, conditions, eventually};
use serde_json::{Value, json};

/// A space with a CA issuer that is ready, and the controller of it.
fn ready(hint: &str) -> (Space, Proxy, Operator) {
    let space = Space::new(hint);
    authority(&space);
    space.apply(&ca_issuer("ca", "authority"));
    let proxy = space.proxy();
    let operator = Operator::start(&proxy, space.settings());
    space.await_condition("issuers", "ca", "Ready", "True");
    space.await_quiet(&proxy);
    proxy.forget();
    (space, proxy, operator)
}

/// Writes what `cmctl renew` writes.
fn renew(space: &Space, object: &Value) {
    let mut all = conditions(object);
    all.retain(|it| it["type"] != "Issuing");
    let before = object["status"]["lastFailureTime"].as_str();
    let since = before.or(object["metadata"]["creationTimestamp"].as_str());
    all.push(json!({
        "type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "Certificate re-issuance manually triggered",
        "lastTransitionTime": since, "observedGeneration": object["metadata"]["generation"],
    }));
    let name = object["metadata"]["name"].as_str().expect("it has a name");
    space.patch("certificates", name, "status", &json!({ "status": { "conditions": all } }));
}

fn await_revision(space: &Space, name: &str, revision: i64) -> Value {
    eventually(&format!("revision {revision} of {name}"), || {
        let object = space.get("certificates", name).ok_or("there is none")?;
        let is_there =
            object["status"]["revision"] == revision && object["status"]["nextPrivateKeySecretName"].is_null();
        if is_there { Ok(object) } else { Err(object["status"].to_string()) }
    })
}

/// The condition of this type.
fn condition(object: &Value, kind: &str) -> Value {
    conditions(object).into_iter().find(|it| it["type"] == kind).unwrap_or_default()
}
