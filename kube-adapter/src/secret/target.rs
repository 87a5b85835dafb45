//! A target Secret as it was read: what it holds, and whether that is sound.

use std::collections::BTreeMap;

use acme_core::key::PublicKey;
use acme_core::{PrivateKey, Signer as _, hash};
use certstore::policy::reissue::{Flaw, Held};
use certstore::policy::renew::Validity;
use issuers::chain::Leaf;
use k8s_openapi::api::core::v1::Secret;
use rustls_pki_types::CertificateDer;

use super::proof::{CERTIFICATE_NAME, ISSUER_GROUP, ISSUER_KIND, ISSUER_NAME, Proof};
use crate::crd::reference::IssuerRef;
use crate::plan::certificate::{Complaint, Contents, Holding, KeyFacts, Place, Sound};

/// A target Secret as it was read.
#[derive(Debug)]
pub(crate) struct TargetSecret {
    pub(crate) holding: Holding,
    /// Its key, if it can be read.
    pub(crate) key: Option<PrivateKey>,
}

impl TargetSecret {
    /// Takes a Secret apart.
    pub(crate) fn read(secret: &Secret) -> Self {
        let metadata = &secret.metadata;
        let (key_pem, chain_pem) = (file(secret, "tls.key"), file(secret, "tls.crt"));
        let empty = secret.data.as_ref().is_none_or(BTreeMap::is_empty);
        let (contents, key) = match Held::read(key_pem, chain_pem) {
            Ok(held) => {
                let leaf = held.chain.leaf().map(digest).unwrap_or_default();
                let is_temporary = held.leaf.issuer == TEMPORARY_ISSUER;
                (Contents::Sound(Sound { holder: held.holder, leaf, id: held.leaf.id, is_temporary }), Some(held.key))
            }
            Err(flaw) => {
                let key = str::from_utf8(key_pem).ok().and_then(|it| PrivateKey::from_pem(it).ok());
                (Contents::Flawed(complaint(&flaw, empty)), key)
            }
        };
        let annotation = |key: &str| metadata.annotations.as_ref().and_then(|it| it.get(key)).cloned();
        let issuer = [ISSUER_NAME, ISSUER_KIND, ISSUER_GROUP].map(annotation);
        let issuer = issuer.iter().any(Option::is_some).then(|| {
            let [name, kind, group] = issuer.map(Option::unwrap_or_default);
            IssuerRef { name, kind, group, ..IssuerRef::default() }
        });
        let holding = Holding {
            certificate: annotation(CERTIFICATE_NAME),
            issuer,
            is_immutable: secret.immutable == Some(true),
            writer: writer(secret),
            proof: Proof::read(metadata),
            validity: validity(chain_pem),
            key: key.as_ref().and_then(|it| key_facts(it, Place::Target)),
            contents,
        };
        Self { holding, key }
    }
}

/// A file of a Secret; empty where it is not there.
pub(crate) fn file<'a>(secret: &'a Secret, name: &str) -> &'a [u8] {
    secret.data.as_ref().and_then(|it| it.get(name)).map_or(&[], |it| &it.0)
}

/// What plans need to know of a key.
pub(crate) fn key_facts(key: &PrivateKey, place: Place) -> Option<KeyFacts> {
    let public_key = key.public_key();
    let kind = PublicKey::read(public_key).ok()?.kind();
    Some(KeyFacts { digest: hash::sha256(public_key), kind, place })
}

/// SHA-256 of a certificate.
pub(crate) fn digest(certificate: &CertificateDer<'_>) -> [u8; 32] {
    hash::sha256(certificate)
}

/// From when until when the leaf of a chain in PEM is valid, if it can be read.
fn validity(chain_pem: &[u8]) -> Option<Validity> {
    let chain = acme_core::client::Chain::from_pem(chain_pem).ok()?;
    Some(Validity::of(&Leaf::read(chain.leaf()?).ok()?))
}

/// What is wrong, in cert-manager's words.
fn complaint(flaw: &Flaw, is_empty: bool) -> Complaint {
    let issuing = |what: &str| format!("Issuing certificate as Secret {what}");
    match flaw {
        Flaw::Nothing if is_empty => Complaint::new("MissingData", issuing("does not contain any data")),
        Flaw::Nothing | Flaw::NoKey => Complaint::new("MissingData", issuing("does not contain a private key")),
        Flaw::NoCertificate => Complaint::new("MissingData", issuing("does not contain a certificate")),
        Flaw::Key(error) => {
            Complaint::new("InvalidKeyPair", issuing(&format!("contains invalid private key data: {error}")))
        }
        Flaw::Certificate(error) => {
            Complaint::new("InvalidCertificate", issuing(&format!("contains an invalid certificate: {error}")))
        }
        Flaw::Mismatch => {
            Complaint::new("InvalidKeyPair", issuing("contains a private key that does not match the certificate"))
        }
        _ => Complaint::new("InvalidKeyPair", format!("Secret contains an invalid key-pair: {flaw}")),
    }
}

/// Who wrote a Secret last.
fn writer(secret: &Secret) -> Option<String> {
    let entries = secret.metadata.managed_fields.as_deref().unwrap_or_default();
    let newest = entries.iter().max_by_key(|it| it.time.as_ref().map(|it| it.0))?;
    newest.manager.clone()
}

/// Who signs temporary certificates.
pub(crate) const TEMPORARY_ISSUER: &str = "cert-manager.local";

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Secret;
    use serde_json::json;

    use super::TargetSecret;
    use crate::plan::certificate::Contents;

    fn reason(data: &serde_json::Value) -> (String, String) {
        let secret: Secret = serde_json::from_value(json!({ "metadata": {}, "data": data })).expect("it is a Secret");
        match TargetSecret::read(&secret).holding.contents {
            Contents::Flawed(complaint) => (complaint.reason.to_owned(), complaint.message),
            Contents::Sound(_) => panic!("nothing of it is sound"),
        }
    }

    #[test]
    fn what_is_missing_is_said_in_the_old_words() {
        for (data, message) in [
            (json!({}), "Issuing certificate as Secret does not contain any data"),
            (json!({ "ca.crt": "" }), "Issuing certificate as Secret does not contain a private key"),
            (json!({ "tls.crt": "eA==" }), "Issuing certificate as Secret does not contain a private key"),
            (json!({ "tls.key": "eA==" }), "Issuing certificate as Secret does not contain a certificate"),
        ] {
            assert_eq!(reason(&data), ("MissingData".to_owned(), message.to_owned()));
        }
        assert_eq!(reason(&json!({ "tls.key": "eA==", "tls.crt": "eA==" })).0, "InvalidKeyPair");
    }
}
