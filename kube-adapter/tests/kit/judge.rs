//! What must hold of a Certificate that is ready, however it came there.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;
use x509_parser::extensions::GeneralName;

use super::history::Change;
use super::space::Space;
use super::wait::eventually;

/// Fails unless the Secret of a ready Certificate holds a key and the leaf for it, and nothing is left of the way there in the end.
#[track_caller]
pub fn assert_settled(space: &Space, certificate: &str) {
    assert_whole(space, certificate);
    eventually(&format!("an end with nothing left of {certificate}"), || left_over(space, certificate));
}

/// Fails unless the Secret of a Certificate holds a key and the leaf for it.
#[track_caller]
pub fn assert_whole(space: &Space, certificate: &str) {
    let object = space.get("certificates", certificate).expect("the Certificate");
    let secret_name = object["spec"]["secretName"].as_str().expect("a secretName");
    let secret = space.get("secrets", secret_name).expect("the target Secret");
    let (key, chain) = (text(&secret["data"]["tls.key"]), text(&secret["data"]["tls.crt"]));
    let key = rcgen::KeyPair::from_pem(&key).expect("a key");
    let leaf = CertificateDer::from_pem_slice(chain.as_bytes()).expect("a leaf");
    let (_, leaf) = x509_parser::parse_x509_certificate(&leaf).expect("a certificate");
    let public = rcgen::PublicKeyData::subject_public_key_info(&key);
    assert_eq!(leaf.public_key().raw, public, "the key of {certificate} does not fit its leaf");
}

/// The names in the certificate of a Certificate that is ready, in order.
#[track_caller]
pub fn names_in(space: &Space, certificate: &str) -> Vec<String> {
    let object = space.get("certificates", certificate).expect("the Certificate");
    let secret_name = object["spec"]["secretName"].as_str().expect("a secretName");
    let chain = text(&space.get("secrets", secret_name).expect("the target Secret")["data"]["tls.crt"]);
    let leaf = CertificateDer::from_pem_slice(chain.as_bytes()).expect("a leaf");
    let (_, leaf) = x509_parser::parse_x509_certificate(&leaf).expect("a certificate");
    let names = leaf.subject_alternative_name().expect("well formed").expect("names");
    let dns = |it: &GeneralName<'_>| if let GeneralName::DNSName(name) = it { Some((*name).to_owned()) } else { None };
    let mut names: Vec<String> = names.value.general_names.iter().filter_map(dns).collect();
    names.sort();
    names
}

/// Fails when there ever were two requests of one revision of a Certificate at a time, going by all changes of a namespace's requests.
#[track_caller]
pub fn assert_one_request_at_a_time(changes: &[Change], about: &str) {
    let mut there: BTreeMap<String, (String, String)> = BTreeMap::new();
    for change in changes {
        let metadata = &change.object["metadata"];
        let name = metadata["name"].as_str().expect("a name").to_owned();
        let revision = metadata["annotations"]["cert-manager.io/certificate-revision"].as_str();
        let (Some(owner), Some(revision)) = (metadata["ownerReferences"][0]["uid"].as_str(), revision) else {
            continue;
        };
        if change.kind == "DELETED" {
            there.remove(&name);
            continue;
        }
        let asked = (owner.to_owned(), revision.to_owned());
        let twin = there.iter().find(|(other, it)| **other != name && **it == asked);
        assert!(twin.is_none(), "{about}: {name} and {twin:?} ask for one revision");
        there.insert(name, asked);
    }
}

/// Says what is left over of the way to a Certificate that is ready.
pub fn left_over(space: &Space, certificate: &str) -> Result<(), String> {
    let object = space.get("certificates", certificate).ok_or("there is no Certificate")?;
    if !object["status"]["nextPrivateKeySecretName"].is_null() {
        return Err(object["status"].to_string());
    }
    let uid = &object["metadata"]["uid"];
    let owned = |it: &&Value| it["metadata"]["ownerReferences"][0]["uid"] == *uid;
    let secrets = space.list("secrets");
    let secret_name = &object["spec"]["secretName"];
    let keys: Vec<&Value> = secrets.iter().filter(owned).filter(|it| it["metadata"]["name"] != *secret_name).collect();
    let requests = space.list("certificaterequests");
    let requests: Vec<&Value> = requests.iter().filter(owned).collect();
    let is_of_request = |secret: &Value| requests[0]["status"]["certificate"] == secret["data"]["tls.crt"];
    let secret = secrets.iter().find(|it| it["metadata"]["name"] == *secret_name).ok_or("there is no target Secret")?;
    if keys.is_empty() && requests.len() == 1 && is_of_request(secret) {
        return Ok(());
    }
    Err(format!("keys of {certificate}: {}; requests: {}", names(&keys), names(&requests)))
}

fn names(objects: &[&Value]) -> String {
    let names: Vec<&str> = objects.iter().filter_map(|it| it["metadata"]["name"].as_str()).collect();
    names.join(", ")
}

fn text(value: &Value) -> String {
    let bytes = STANDARD.decode(value.as_str().unwrap_or_default()).expect("base64");
    String::from_utf8(bytes).expect("text")
}
