//! Objects that tests begin with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::space::{Space, conditions};

/// An Issuer that has everybody sign for himself.
pub fn self_signed_issuer(name: &str) -> Value {
    json!({ "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": { "name": name }, "spec": { "selfSigned": {} } })
}

/// An Issuer with the authority in a Secret.
pub fn ca_issuer(name: &str, secret: &str) -> Value {
    json!({ "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": { "name": name }, "spec": { "ca": { "secretName": secret } } })
}

/// A Certificate for one name, with a P-256 key, in the Secret of its own name.
pub fn certificate(name: &str, issuer: &str) -> Value {
    json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": { "name": name },
        "spec": {
            "secretName": name, "dnsNames": [format!("{name}.example.test")], "issuerRef": { "name": issuer, "kind": "Issuer" },
            "privateKey": { "algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always" },
        },
    })
}

/// A CertificateRequest that no Certificate owns.
pub fn signing_request(name: &str, issuer: &str) -> Value {
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec![format!("{name}.example.test")]).expect("names");
    let csr = params.serialize_request(&key).and_then(|it| it.pem()).expect("a signing request");
    json!({
        "apiVersion": "cert-manager.io/v1", "kind": "CertificateRequest", "metadata": { "name": name },
        "spec": { "request": STANDARD.encode(csr), "issuerRef": { "name": issuer, "kind": "Issuer" }, "usages": ["digital signature", "key encipherment"] },
    })
}

/// Asks for a new certificate as `cmctl renew` does.
pub fn renew(space: &Space, certificate: &str) {
    let object = space.get("certificates", certificate).expect("the Certificate");
    let mut kept = conditions(&object);
    kept.retain(|it| it["type"] != "Issuing");
    kept.push(json!({
        "type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "Certificate re-issuance manually triggered",
        "lastTransitionTime": in_a_moment(), "observedGeneration": object["metadata"]["generation"],
    }));
    space.patch("certificates", certificate, "status", &json!({ "status": { "conditions": kept } }));
}

/// A Certificate with other fields in its specification.
pub fn with_spec(mut manifest: Value, fields: Value) -> Value {
    merge(&mut manifest["spec"], fields);
    manifest
}

/// A CA's Secret and its Issuer `ca`, which is ready when a controller says so.
pub fn authority(space: &Space) {
    let (certificate, key) = authority_pem();
    space.apply(&json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "authority" }, "type": "kubernetes.io/tls",
        "stringData": { "tls.crt": certificate, "tls.key": key },
    }));
    space.apply(&ca_issuer("ca", "authority"));
}

/// A root and its key, in PEM.
pub fn authority_pem() -> (String, String) {
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, "root of a test");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
    let key = rcgen::KeyPair::generate().expect("a key");
    (params.self_signed(&key).expect("a root").pem(), key.serialize_pem())
}

/// The time now, as conditions have it.
#[expect(clippy::disallowed_methods, reason = "who renews by hand lives in real time")]
fn in_a_moment() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time after 1970");
    acme_core::Timestamp::from_unix_seconds(now.as_secs().cast_signed()).to_string()
}

fn merge(into: &mut Value, fields: Value) {
    match (into, fields) {
        (Value::Object(into), Value::Object(fields)) => {
            for (name, value) in fields {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, value) => *into = value,
    }
}
