//! Vault as the issuers' tests need it.

use certwright_testkit::servers::{Vault, VaultRequest};
use serde_json::json;

#[test]
fn a_vault_signs_and_remembers_who_asked_what() {
    let vault = Vault::start();
    vault.write("sys/mounts/pki", &json!({ "type": "pki" }));
    vault.write("pki/root/generate/internal", &json!({ "common_name": "root of a test", "key_type": "ec" }));
    let roots = vault.read("pki/cert/ca");
    assert!(roots["data"]["certificate"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    assert_eq!(vault.requests(), [], "what the root token does is not what clients ask");

    for method in ["approle", "aws", "cert", "jwt", "kubernetes"] {
        vault.write(&format!("sys/auth/{method}"), &json!({ "type": method }));
    }
    vault.write("auth/approle/role/web", &json!({ "bind_secret_id": false, "secret_id_bound_cidrs": "127.0.0.0/8" }));
    let role_id = vault.read("auth/approle/role/web/role-id")["data"]["role_id"].clone();
    vault.write("auth/approle/login", &json!({ "role_id": role_id }));
    let asked: Vec<VaultRequest> = vault.requests();
    assert_eq!(asked.iter().map(|it| it.path.as_str()).collect::<Vec<_>>(), ["auth/approle/login"]);
}

#[test]
fn a_vault_is_sealed_and_unsealed() {
    let vault = Vault::builder().tls().start();
    assert!(vault.url().starts_with("https://127.0.0.1:"));
    vault.policy("reader", r#"path "pki/*" { capabilities = ["read"] }"#);
    vault.seal();
    assert_eq!(vault.call("GET", "sys/health", None).status, 503);
    vault.unseal();
    assert_eq!(vault.call("GET", "sys/health", None).status, 200);
}

#[test]
fn a_stopped_vault_refuses_connections() {
    let mut vault = Vault::start();
    let url = vault.url();
    vault.stop();
    assert!(std::net::TcpStream::connect(url.trim_start_matches("http://")).is_err());
    assert!(vault.log().contains("answering"));
}
