//! What must hold of a Certificate that is ready, however it came there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;

use super::space::Space;

/// Fails unless the Secret of a ready Certificate holds a key and the leaf for it, and nothing is left of the way there.
#[track_caller]
pub fn assert_settled(space: &Space, certificate: &str) {
    let object = space.get("certificates", certificate).expect("the Certificate");
    let secret_name = object["spec"]["secretName"].as_str().expect("a secretName");
    let secret = space.get("secrets", secret_name).expect("the target Secret");
    let (key, chain) = (text(&secret["data"]["tls.key"]), text(&secret["data"]["tls.crt"]));
    let key = rcgen::KeyPair::from_pem(&key).expect("a key");
    let leaf = CertificateDer::from_pem_slice(chain.as_bytes()).expect("a leaf");
    let (_, leaf) = x509_parser::parse_x509_certificate(&leaf).expect("a certificate");
    let public = rcgen::PublicKeyData::subject_public_key_info(&key);
    assert_eq!(leaf.public_key().raw, public, "the key of {certificate} does not fit its leaf");

    assert!(object["status"]["nextPrivateKeySecretName"].is_null(), "{}", object["status"]);
    let uid = &object["metadata"]["uid"];
    let owned = |it: &&Value| it["metadata"]["ownerReferences"][0]["uid"] == *uid;
    let keys = space.list("secrets");
    let keys: Vec<&Value> = keys.iter().filter(owned).filter(|it| it["metadata"]["name"] != secret_name).collect();
    assert!(keys.is_empty(), "keys are left of {certificate}: {}", names(&keys));
    let requests = space.list("certificaterequests");
    let requests: Vec<&Value> = requests.iter().filter(owned).collect();
    assert_eq!(requests.len(), 1, "requests of {certificate}: {}", names(&requests));
    let certificate_of_request = text(&requests[0]["status"]["certificate"]);
    assert_eq!(certificate_of_request, chain, "the Secret of {certificate} holds another chain than its request");
}

fn names(objects: &[&Value]) -> String {
    let names: Vec<&str> = objects.iter().filter_map(|it| it["metadata"]["name"].as_str()).collect();
    names.join(", ")
}

fn text(value: &Value) -> String {
    let bytes = STANDARD.decode(value.as_str().unwrap_or_default()).expect("base64");
    String::from_utf8(bytes).expect("text")
}
