//! Issuers on a real API server, and requests that no Certificate owns.

#[path = "../kit/kit.rs"]
mod kit;

mod acme;
mod cluster;
mod crowd;
mod doubt;
mod external;
mod local;
mod orders;
mod requests;
mod together;
mod vault;
mod vault_namespace;
mod venafi;

use serde_json::{Value, json};

use kit::Space;

/// The Ready condition of an object, as `reason: message`.
fn ready(object: &Value) -> String {
    let condition = condition(object, "Ready");
    format!(
        "{}: {}",
        condition["reason"].as_str().unwrap_or_default(),
        condition["message"].as_str().unwrap_or_default()
    )
}

fn condition(object: &Value, kind: &str) -> Value {
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.into_iter().find(|it| it["type"] == kind).unwrap_or_default()
}

/// A signing request for these names, and its key, both in PEM.
fn signing_request(names: &[&str]) -> (String, String) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut params =
        rcgen::CertificateParams::new(names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()).expect("names");
    params.distinguished_name = rcgen::DistinguishedName::new();
    (params.serialize_request(&key).expect("a request").pem().expect("PEM"), key.serialize_pem())
}

/// A CertificateRequest to an Issuer, made by somebody else.
fn request(name: &str, issuer: &str, csr: &str) -> Value {
    json!({
        "apiVersion": "cert-manager.io/v1", "kind": "CertificateRequest", "metadata": { "name": name },
        "spec": { "request": base64(csr.as_bytes()), "issuerRef": { "name": issuer, "kind": "Issuer", "group": "cert-manager.io" } },
    })
}

fn base64(bytes: &[u8]) -> String {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// The text of a field of bytes.
fn text(field: &Value) -> String {
    use ::base64::Engine as _;
    let bytes = ::base64::engine::general_purpose::STANDARD.decode(field.as_str().unwrap_or_default()).expect("base64");
    String::from_utf8(bytes).expect("text")
}

/// A Secret that holds a key and a chain.
fn pair(space: &Space, name: &str, certificate: &str, key: &str) {
    space.apply(&json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "type": "kubernetes.io/tls",
        "stringData": { "tls.crt": certificate, "tls.key": key },
    }));
}
