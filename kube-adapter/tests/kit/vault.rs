//! A Vault that signs for `example.test`, and the Issuer of it.

use serde_json::{Value, json};
use testkit::servers::Vault;

use super::space::Space;

/// Starts one whose role `web` signs.
pub fn start() -> Vault {
    let vault = Vault::start();
    vault.write("sys/mounts/pki", &json!({ "type": "pki", "config": { "max_lease_ttl": "87600h" } }));
    vault.write("pki/root/generate/internal", &json!({ "common_name": "root of a test", "ttl": "87600h" }));
    vault.write(
        "pki/roles/web",
        &json!({
            "allowed_domains": "example.test", "allow_subdomains": true, "key_type": "any", "max_ttl": "2160h",
            "require_cn": false,
        }),
    );
    vault.policy("signer", r#"path "pki/sign/*" { capabilities = ["update"] }"#);
    vault
}

/// Makes the Issuer `ca` of it, whose token may do nothing but sign.
pub fn prepare(vault: &Vault, space: &Space) {
    let token = vault.write("auth/token/create", &json!({ "policies": ["signer"], "no_parent": true }));
    let token: &Value = &token["auth"]["client_token"];
    space.apply(&json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "token" }, "stringData": { "token": token },
    }));
    space.apply(&json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": { "name": "ca" },
        "spec": { "vault": {
            "server": vault.url(), "path": "pki/sign/web", "auth": { "tokenSecretRef": { "name": "token", "key": "token" } },
        } },
    }));
}

/// How many certificates it signed so far.
pub fn signatures(vault: &Vault) -> usize {
    vault.requests().iter().filter(|it| it.path.starts_with("pki/sign/") && it.error.is_none()).count()
}
