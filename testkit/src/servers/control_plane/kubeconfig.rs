//! The file that tells a client where its cluster is and who it is there.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::identities::Identity;

/// A kubeconfig with one cluster, one user and one context, written as JSON, which is YAML.
#[derive(Clone, Debug)]
pub(super) struct Kubeconfig(Value);

impl Kubeconfig {
    pub(super) fn new(server: &str, root_pem: &str, user: &Value) -> Self {
        Self(json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": NAME, "cluster": { "server": server, "certificate-authority-data": STANDARD.encode(root_pem) } }],
            "users": [{ "name": NAME, "user": user }],
            "contexts": [{ "name": NAME, "context": { "cluster": NAME, "user": NAME, "namespace": "default" } }],
            "current-context": NAME,
        }))
    }

    /// A user with a client certificate.
    pub(super) fn certificate(identity: &Identity) -> Value {
        json!({
            "client-certificate-data": STANDARD.encode(&identity.certificate_pem),
            "client-key-data": STANDARD.encode(&identity.key_pem),
        })
    }

    /// A user with a bearer token.
    pub(super) fn token(token: &str) -> Value {
        json!({ "token": token })
    }

    /// A user who acts as another one.
    pub(super) fn impersonating(mut user: Value, other: &str, groups: &[&str]) -> Value {
        user["as"] = json!(other);
        user["as-groups"] = json!(groups);
        user
    }
}

impl fmt::Display for Kubeconfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

const NAME: &str = "certwright";
