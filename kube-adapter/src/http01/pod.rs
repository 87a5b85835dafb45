//! A Pod and its Service for one Challenge, as cert-manager makes them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Answered, Owner, PORT, labels};
use crate::crd::acme::pod::PodTemplate;
use crate::settings::SolverPods;

/// The Pod that answers one challenge.
pub(crate) fn pod(
    name: &str,
    owner: &Owner,
    answered: &Answered,
    key: &str,
    shape: &SolverPods,
    template: Option<&PodTemplate>,
    extra: &[(String, String)],
) -> Value {
    let mut labels = labels(extra, Some(answered));
    let mut annotations: BTreeMap<String, String> =
        [("sidecar.istio.io/inject", "false"), ("cluster-autoscaler.kubernetes.io/safe-to-evict", "true")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
    if let Some(template) = template {
        labels.extend(template.metadata.labels.clone());
        annotations.extend(template.metadata.annotations.clone());
    }
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": owner.name.namespace(), "labels": labels, "annotations": annotations, "ownerReferences": owner.reference(),
        },
        "spec": spec(answered, key, shape, template),
    })
}

/// The Service that leads to it.
pub(crate) fn service(
    name: &str,
    owner: &Owner,
    answered: &Answered,
    service_type: &str,
    extra: &[(String, String)],
) -> Value {
    let kind = if service_type.is_empty() { "NodePort" } else { service_type };
    let labels = labels(extra, Some(answered));
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {
            "name": name, "namespace": owner.name.namespace(), "labels": labels, "annotations": { "auth.istio.io/8089": "NONE" },
            "ownerReferences": owner.reference(),
        },
        "spec": {
            "type": kind, "selector": labels,
            "ports": [{ "name": "http", "protocol": "TCP", "port": PORT, "targetPort": PORT }],
        },
    })
}

fn spec(answered: &Answered, key: &str, shape: &SolverPods, template: Option<&PodTemplate>) -> Value {
    let template = template.map(|it| &it.spec);
    let mut resources = json!({
        "requests": { "cpu": shape.cpu_request, "memory": shape.memory_request },
        "limits": { "cpu": shape.cpu_limit, "memory": shape.memory_limit },
    });
    if let Some(wanted) = template.and_then(|it| it.resources.as_ref()) {
        merge(&mut resources, value(wanted));
    }
    let mut spec = json!({
        "containers": [{
            "name": "acmesolver", "image": shape.image, "imagePullPolicy": "IfNotPresent",
            "args": [
                "solver", format!("--listen-port={PORT}"), format!("--domain={}", answered.name),
                format!("--token={}", answered.token), format!("--key={key}"),
            ],
            "ports": [{ "name": "http", "containerPort": PORT, "protocol": "TCP" }],
            "resources": resources,
            "securityContext": {
                "readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] },
            },
        }],
        "restartPolicy": "OnFailure", "automountServiceAccountToken": false, "enableServiceLinks": false,
        "nodeSelector": { "kubernetes.io/os": "linux" },
        "securityContext": { "runAsNonRoot": shape.run_as_non_root, "seccompProfile": { "type": "RuntimeDefault" } },
    });
    if !shape.runtime_class.is_empty() {
        spec["runtimeClassName"] = shape.runtime_class.as_str().into();
    }
    let Some(template) = template else { return spec };
    merge(&mut spec["nodeSelector"], value(&template.node_selector));
    for (key, wanted) in [
        ("tolerations", value(&template.tolerations)),
        ("imagePullSecrets", value(&template.image_pull_secrets)),
        ("affinity", value(&template.affinity)),
        ("priorityClassName", value(&template.priority_class_name)),
        ("serviceAccountName", value(&template.service_account_name)),
        ("securityContext", value(&template.security_context)),
    ] {
        if !is_empty(&wanted) {
            spec[key] = wanted;
        }
    }
    spec
}

/// Puts what is wanted over what is there, key by key at every level.
fn merge(base: &mut Value, wanted: Value) {
    match (base, wanted) {
        (Value::Object(base), Value::Object(wanted)) => {
            for (key, value) in wanted {
                merge(base.entry(key).or_insert(Value::Object(Map::new())), value);
            }
        }
        (base, wanted) => *base = wanted,
    }
}

fn value(wanted: &impl Serialize) -> Value {
    serde_json::to_value(wanted).unwrap_or_default()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
