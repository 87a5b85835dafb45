//! The definitions of the six kinds.

use serde_json::{Value, json};

/// The definitions of the six kinds, as the cluster takes them.
pub fn all() -> Vec<Value> {
    [
        ("cert-manager.io", "Certificate", "certificates", "Namespaced"),
        ("cert-manager.io", "CertificateRequest", "certificaterequests", "Namespaced"),
        ("cert-manager.io", "Issuer", "issuers", "Namespaced"),
        ("cert-manager.io", "ClusterIssuer", "clusterissuers", "Cluster"),
        ("acme.cert-manager.io", "Order", "orders", "Namespaced"),
        ("acme.cert-manager.io", "Challenge", "challenges", "Namespaced"),
    ]
    .into_iter()
    .map(|(group, kind, plural, scope)| {
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("{plural}.{group}") },
            "spec": {
                "group": group, "scope": scope, "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase(), "listKind": format!("{kind}List") },
                "versions": [{
                    "name": "v1", "served": true, "storage": true, "subresources": { "status": {} },
                    "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } },
                }],
            },
        })
    })
    .collect()
}

/// Chooses who does cryptography for TLS in this process.
pub fn choose_provider() {
    // Somebody was first where this fails, with the same choice.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
