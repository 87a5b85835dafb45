//! The definitions of the six kinds, and what a process chooses once.

use serde_json::{Value, json};

use super::standins::FOREIGN_GROUP;

/// The definitions of the six kinds, of HTTPRoutes, and of a foreign issuer's.
pub fn all() -> Vec<Value> {
    let definitions = certwright_kube_adapter::crd::all().expect("the definitions");
    let mut all: Vec<Value> = definitions.iter().map(|it| serde_json::to_value(it).expect("a definition")).collect();
    all.extend(
        testkit::servers::gateway_api_crds().into_iter().filter(|it| it["spec"]["names"]["plural"] == "httproutes"),
    );
    all.push(json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("farissuers.{FOREIGN_GROUP}") },
        "spec": {
            "group": FOREIGN_GROUP, "scope": "Namespaced", "names": { "kind": "FarIssuer", "plural": "farissuers" },
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } },
            }],
        },
    }));
    all
}

/// Chooses who does cryptography for TLS in this process.
pub fn choose_provider() {
    // Somebody was first where this fails, with the same choice.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
