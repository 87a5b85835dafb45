//! Keys of certificates to come: made, stored, and read again.

use std::sync::Arc;

use acme_core::{Error, KeyType, PrivateKey, Secret, hash};
use k8s_openapi::api::core::v1::Secret as SecretObject;
use serde_json::json;

use super::answer::Stored;
use super::record::InHand;
use super::wanted;
use crate::api::{Api, Manager, Refusal, RefusalKind, Resource};
use crate::crd::base64::Base64;
use crate::crd::certificate::{Certificate, CertificateSpec};
use crate::events::{Event, Regarding};
use crate::key::{Identity, Name, Uid};
use crate::plan::certificate::{Failure, Place};
use crate::secret::target::{file, key_facts};
use crate::secret::{ATTENTION, NEXT_KEY};
use crate::settings::WatchedSecrets;
use crate::status::Note;
use crate::workshop::Workshop;

/// Makes a key.
///
/// # Errors
/// What the condition says when there cannot be such a key.
pub(super) async fn make(workshop: &Workshop, spec: &CertificateSpec, kind: KeyType) -> Result<InHand, Failure> {
    let failed = |error: Error| Failure {
        reason: "RequestFailed".to_owned(),
        message: format!("Failed to generate a private key: {error}"),
    };
    let key = workshop.key(kind).await.and_then(|key| wanted::signing_as(spec, key));
    key.map_err(failed).and_then(|key| in_hand(key, Place::Memory))
}

/// Takes a key in hand.
fn in_hand(key: PrivateKey, place: Place) -> Result<InHand, Failure> {
    let unreadable = || Failure {
        reason: "RequestFailed".to_owned(),
        message: "the private key has no readable public half".to_owned(),
    };
    let facts = key_facts(&key, place).ok_or_else(unreadable)?;
    Ok(InHand { key: Arc::new(key), facts })
}

/// The name of the Secret for the next key: the one that the status names already, else one that is always the same for this attempt. `taken` counts
/// names that others have. Where Secrets are followed by name there is one that a Role can name.
pub(super) fn name(certificate: &Name, uid: &Uid, object: &Certificate, taken: u32, secrets: WatchedSecrets) -> Name {
    if secrets == WatchedSecrets::Named {
        return named(&certificate.beside(&object.spec.secret_name));
    }
    let status = object.status.as_ref();
    let told = status.and_then(|it| it.next_private_key_secret_name.as_deref());
    if let Some(told) = told.filter(|it| taken == 0 && !it.is_empty() && *it != object.spec.secret_name) {
        return certificate.beside(told);
    }
    let revision = status.and_then(|it| it.revision).unwrap_or_default();
    let attempts = status.and_then(|it| it.failed_issuance_attempts).unwrap_or_default();
    let digest = hash::sha256(format!("{uid}/{revision}/{attempts}/{taken}").as_bytes());
    let suffix: String = digest[..5].iter().map(|it| char::from(LETTERS[usize::from(*it) % LETTERS.len()])).collect();
    let mut prefix = certificate.object().to_owned();
    prefix.truncate(LONGEST_NAME - suffix.len() - 1);
    certificate.beside(format!("{prefix}-{suffix}"))
}

/// The name of the Secret for the next key beside a target Secret, where Secrets are followed by name.
pub(super) fn named(target: &Name) -> Name {
    target.beside(format!("{}-next", target.object()))
}

/// Stores a key (K). A Secret of the same name that this Certificate made earlier is taken as it is.
pub(super) async fn store(api: &Api, name: &Name, owner: &Owner, key: &PrivateKey) -> Result<Stored, Refusal> {
    let pem = key.to_pem();
    let object = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {
            "name": name.object(), "namespace": name.namespace(),
            "labels": { NEXT_KEY: "true", ATTENTION: "true" },
            "ownerReferences": [owner.reference()],
        },
        "data": { "tls.key": Base64::from(pem.expose().as_bytes()) },
    });
    match api.create(Resource::SECRETS, name, &object, Manager::KEYS, "next-key").await {
        Ok(identity) => Ok(Stored::Now(identity)),
        Err(refusal) if refusal.kind() == RefusalKind::Exists => {
            let found: Option<SecretObject> = api.read(Resource::SECRETS, name).await?;
            Ok(found.and_then(|it| earlier(&it, &owner.uid)).map_or(Stored::Taken, Stored::Earlier))
        }
        Err(refusal) => Err(refusal),
    }
}

/// Reads a stored key. `None` when there is none, or none that can be read.
pub(super) async fn read(api: &Api, name: &Name, spec: &CertificateSpec) -> Result<Option<InHand>, Refusal> {
    let found: Option<SecretObject> = api.read(Resource::SECRETS, name).await?;
    let key = found.and_then(|it| {
        let pem = Secret::new(str::from_utf8(file(&it, "tls.key")).ok()?.to_owned());
        PrivateKey::from_pem(pem.expose()).ok()
    });
    let signing = key.and_then(|key| wanted::signing_as(spec, key).ok());
    Ok(signing.and_then(|key| in_hand(key, Place::Stored(name.object().into())).ok()))
}

fn earlier(secret: &SecretObject, owner: &Uid) -> Option<Identity> {
    let owners = secret.metadata.owner_references.as_deref().unwrap_or_default();
    let is_ours = owners.iter().any(|it| it.controller == Some(true) && Uid::parse(&it.uid) == *owner);
    is_ours.then(|| Identity::of(&secret.metadata)).flatten()
}

/// The Certificate, as an owner reference says it.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    pub(super) name: Name,
    pub(super) uid: Uid,
}

impl Owner {
    /// An Event on it, of one of cert-manager's controllers.
    pub(super) fn event(&self, note: &Note, controller: &'static str) -> Event {
        Event {
            regarding: Regarding {
                api_version: "cert-manager.io/v1",
                kind: "Certificate",
                name: self.name.clone(),
                uid: self.uid.clone(),
            },
            severity: note.severity,
            reason: note.reason.clone().into(),
            note: note.text.clone(),
            controller,
        }
    }

    pub(super) fn reference(&self) -> serde_json::Value {
        json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "name": self.name.object(), "uid": self.uid.to_string(),
            "controller": true, "blockOwnerDeletion": true,
        })
    }
}

/// What Kubernetes makes random suffixes of: nothing that could be read as a word or as another letter.
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

const LONGEST_NAME: usize = 253;
