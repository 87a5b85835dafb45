//! The HTTPRoutes that lead to the solver.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answered, Led, Owner, PORT, labels};
use crate::crd::acme::http01::{GatewayHttpRouteSolver, ParentReference};

/// The Gateway that an Order's annotations add (`acme.cert-manager.io/http01-parentrefname`, `-kind`, `-namespace`).
pub(crate) fn parent_of(annotations: &BTreeMap<String, String>, namespace: &str) -> Option<ParentReference> {
    let read = |word: &str| {
        annotations.get(&format!("acme.cert-manager.io/http01-parentref{word}")).filter(|it| !it.is_empty()).cloned()
    };
    let (name, kind) = (read("name")?, read("kind")?);
    let namespace = read("namespace").unwrap_or_else(|| namespace.to_owned());
    Some(ParentReference { name, kind: Some(kind), namespace: Some(namespace), ..ParentReference::default() })
}

/// An HTTPRoute called `name` that leads each path to its Service; at most [`MOST_NAMES`] names.
pub(crate) fn route(
    name: &str,
    owner: &Owner,
    led: &[Led],
    solver: &GatewayHttpRouteSolver,
    extra: &[(String, String)],
) -> Value {
    let only: Option<&Answered> = if let [only] = led { Some(&only.answered) } else { None };
    let mut labels = labels(extra, only);
    labels.extend(solver.labels.clone());
    let mut hosts: Vec<&str> = led.iter().filter_map(|it| it.answered.host()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let rules: Vec<Value> = led
        .iter()
        .map(|it| {
            json!({
                "matches": [{ "path": { "type": "Exact", "value": it.answered.path() } }],
                "backendRefs": [{ "group": "", "kind": "Service", "name": it.service, "port": PORT, "weight": 1 }],
            })
        })
        .collect();
    let mut spec = json!({ "parentRefs": solver.parent_refs, "rules": rules });
    if !hosts.is_empty() {
        spec["hostnames"] = hosts.into();
    }
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": { "name": name, "namespace": owner.name.namespace(), "labels": labels, "ownerReferences": owner.reference() },
        "spec": spec,
    })
}

/// Host names, and rules, that one HTTPRoute can have (Gateway API v1: 16 each).
pub(crate) const MOST_NAMES: usize = 16;
