//! The request for a certificate, made and put to the API server.

use std::collections::BTreeMap;
use std::sync::Arc;

use acme_core::{Error, PrivateKey, Signer as _, pem};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::answer::{Asked, Refused};
use super::facts;
use super::key::Owner;
use super::wanted::Wanted;
use crate::api::{Manager, RefusalKind, Resource};
use crate::context::Context;
use crate::crd::base64::Base64;
use crate::crd::certificate::{Certificate, CertificateSpec};
use crate::crd::certificate_request::{CertificateRequest, CertificateRequestSpec};
use crate::key::{Identity, Name, Uid};
use crate::request::{KEY_SECRET, REVISION};
use crate::secret::CERTIFICATE_NAME;
use crate::workshop::Weight;

/// All that a request is made of.
pub(super) struct Question {
    pub(super) owner: Owner,
    pub(super) object: Arc<Certificate>,
    pub(super) wanted: Wanted,
    pub(super) revision: i64,
    pub(super) name: Name,
    /// The Secret that has the key, or would have it.
    pub(super) key_secret: String,
    pub(super) key: Arc<PrivateKey>,
}

impl Question {
    /// Makes the request (R). One of the same name that this Certificate made earlier is taken as it is, whatever it says: the plan looks at it.
    pub(super) async fn put(self, context: &Context) -> Result<Asked, Refused> {
        let (draft, key) = (self.wanted.spec.draft().map_err(Refused::Unsigned)?, Arc::clone(&self.key));
        let weight = Weight::of(key.algorithm());
        let signed = context.workshop.run(weight, move || draft.sign_now(&key)).await.and_then(|it| it);
        let csr = signed.map_err(Refused::Unsigned)?;
        let user = context.requester.user(&context.api, context.now()).await.map_err(Refused::ByServer)?;
        let mut object = self.request(&csr, &context.settings.copied_annotation_prefixes);
        user.sign(&mut object.spec);
        match context.api.create(Resource::REQUESTS, &self.name, &object, Manager::REQUESTS, "request").await {
            Ok(identity) => {
                object.metadata.uid = Some(identity.uid.to_string());
                object.metadata.resource_version = Some(identity.version.to_string());
                Ok(Asked { identity, object, is_new: true })
            }
            Err(refusal) if refusal.kind() == RefusalKind::Exists => self.look(context).await,
            Err(refusal) => Err(Refused::ByServer(refusal)),
        }
    }

    /// A request of this name exists: maybe ours, of an answer that was lost.
    async fn look(&self, context: &Context) -> Result<Asked, Refused> {
        let found: Option<CertificateRequest> =
            context.api.read(Resource::REQUESTS, &self.name).await.map_err(Refused::ByServer)?;
        let Some(object) = found else { return Err(Refused::Taken) };
        let owners = object.metadata.owner_references.as_deref().unwrap_or_default();
        let is_ours = owners.iter().any(|it| it.controller == Some(true) && Uid::parse(&it.uid) == self.owner.uid);
        let Some(identity) = Identity::of(&object.metadata).filter(|_| is_ours) else { return Err(Refused::Taken) };
        let is_of_key = facts::key_of(&object) == Some(facts::digest_of(&self.key));
        Ok(Asked { identity, object, is_new: is_of_key })
    }

    fn request(&self, csr: &[u8], copied: &[String]) -> CertificateRequest {
        let CertificateSpec { duration, issuer_ref, is_ca, usages, .. } = &self.object.spec;
        let metadata = &self.object.metadata;
        let mut annotations: BTreeMap<String, String> = metadata
            .annotations
            .iter()
            .flatten()
            .filter(|(key, _)| is_copied(key, copied))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        annotations.insert(REVISION.to_owned(), self.revision.to_string());
        annotations.insert(KEY_SECRET.to_owned(), self.key_secret.clone());
        annotations.insert(CERTIFICATE_NAME.to_owned(), self.owner.name.object().to_owned());
        CertificateRequest {
            metadata: ObjectMeta {
                name: Some(self.name.object().to_owned()),
                namespace: Some(self.name.namespace().to_owned()),
                labels: metadata.labels.clone(),
                annotations: Some(annotations),
                owner_references: Some(vec![OwnerReference {
                    api_version: "cert-manager.io/v1".to_owned(),
                    kind: "Certificate".to_owned(),
                    name: self.owner.name.object().to_owned(),
                    uid: self.owner.uid.to_string(),
                    controller: Some(true),
                    block_owner_deletion: Some(true),
                }]),
                ..ObjectMeta::default()
            },
            spec: CertificateRequestSpec {
                duration: duration.as_ref().map(|it| it.canonical()),
                issuer_ref: issuer_ref.clone(),
                request: Base64::from(pem::encode("CERTIFICATE REQUEST", csr).into_bytes()),
                is_ca: *is_ca,
                usages: usages.clone(),
                ..CertificateRequestSpec::default()
            },
            status: None,
        }
    }
}

/// Whether an annotation is copied: a prefix allows it, and none with `-` in front forbids it.
fn is_copied(annotation: &str, prefixes: &[String]) -> bool {
    let matches = |prefix: &str| prefix == "*" || annotation.starts_with(prefix);
    let (forbidden, allowed): (Vec<_>, Vec<_>) = prefixes.iter().partition(|it| it.starts_with('-'));
    allowed.iter().any(|it| matches(it)) && !forbidden.iter().any(|it| matches(&it[1..]))
}

/// What an error says that no signing request can be made.
pub(super) fn unsigned(error: &Error) -> String {
    format!("Failed to generate CSR: {error}")
}

#[cfg(test)]
mod tests {
    use super::is_copied;
    use crate::settings::Settings;

    #[test]
    fn annotations_of_tools_stay_where_they_are() {
        let prefixes = Settings::default().copied_annotation_prefixes;
        assert!(is_copied("example.com/note", &prefixes));
        assert!(!is_copied("kubectl.kubernetes.io/last-applied-configuration", &prefixes));
        assert!(!is_copied("argocd.argoproj.io/sync-wave", &prefixes));
    }

    #[test]
    fn nothing_is_copied_that_nobody_allows() {
        let prefixes = ["example.com/".to_owned(), "-example.com/secret".to_owned()];
        assert!(is_copied("example.com/note", &prefixes));
        assert!(!is_copied("example.com/secret", &prefixes));
        assert!(!is_copied("other.com/note", &prefixes));
    }
}
