//! What the metadata of a target Secret proves, so that its contents need not be read.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU64;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize as _;

use super::ATTENTION;
use super::applied_fields::{AppliedFields, is_ours};
use crate::crd::reference::IssuerRef;
use crate::key::{Name, Uid};

/// What the metadata of a target Secret proves.
///
/// The API server keeps for each field who applied it, and takes a field away from whom somebody else overwrites: as long as key and certificate are
/// owned by cert-manager's manager, they are what was applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Proof {
    /// Key, certificate, and what every target Secret says of itself are as they were applied.
    is_as_applied: bool,
    certificate: Option<Name>,
    issuer: Option<NonZeroU64>,
    dress: u64,
}

impl Proof {
    /// Reads the metadata of a Secret.
    pub(crate) fn read(metadata: &ObjectMeta) -> Self {
        let entries = metadata.managed_fields.as_deref().unwrap_or_default();
        let entry = entries.iter().find(|it| {
            let (manager, operation) = (it.manager.as_deref(), it.operation.as_deref());
            is_ours(manager, operation, it.subresource.as_deref())
        });
        let fields = entry.and_then(|it| AppliedFields::deserialize(&it.fields_v1.as_ref()?.0).ok());
        let (labels, annotations) = (pairs(metadata.labels.as_ref()), pairs(metadata.annotations.as_ref()));
        Self::of(&Name::of(metadata), labels, annotations, &fields.unwrap_or_default())
    }

    /// What labels and annotations of the Secret of this name prove, when cert-manager's manager applied these fields.
    pub(super) fn of(
        secret: &Name,
        labels: Vec<(&str, &str)>,
        annotations: Vec<(&str, &str)>,
        applied: &AppliedFields<'_>,
    ) -> Self {
        let owned = |of: &[(&str, &str)], is_applied: &dyn Fn(&str) -> bool| -> Vec<(String, String)> {
            let applied = of.iter().filter(|(key, _)| is_applied(key));
            applied.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let dress = Dress {
            labels: owned(&labels, &|key| key != ATTENTION && applied.has_label(key)),
            annotations: owned(&annotations, &|key| !is_managed(key) && applied.has_annotation(key)),
            files: FILES.into_iter().filter(|file| applied.has_data(file)).collect(),
            owner: applied.owner().map(str::to_owned),
        };
        let is_as_applied = DATA.iter().all(|file| applied.has_data(file))
            && ALWAYS.iter().all(|key| applied.has_annotation(key))
            && applied.has_label(ATTENTION)
            && value(&labels, ATTENTION) == Some("true");
        Self {
            is_as_applied,
            certificate: value(&annotations, CERTIFICATE_NAME).map(|it| secret.beside(it)),
            issuer: value(&annotations, ISSUER_NAME).and_then(|name| {
                let part = |key: &str| value(&annotations, key).unwrap_or_default().to_owned();
                let (name, kind, group) = (name.to_owned(), part(ISSUER_KIND), part(ISSUER_GROUP));
                NonZeroU64::new(issuer_digest(&IssuerRef { name, kind, group, ..IssuerRef::default() }))
            }),
            dress: dress.digest(),
        }
    }

    /// What will be proved by a Secret that is applied for this Certificate, issuer and dress.
    pub(crate) fn applied(certificate: &Name, issuer: &IssuerRef, dress: &Dress) -> Self {
        let issuer = NonZeroU64::new(issuer_digest(issuer));
        Self { is_as_applied: true, certificate: Some(certificate.clone()), issuer, dress: dress.digest() }
    }

    /// Whether key and certificate are as they were applied, for this Certificate and from this issuer.
    pub(crate) fn holds(&self, certificate: &str, issuer: u64) -> bool {
        self.is_as_applied
            && self.certificate.as_ref().map(Name::object) == Some(certificate)
            && self.issuer.map(NonZeroU64::get) == Some(issuer)
    }

    /// Whether what is beside key and certificate is what is wanted.
    pub(crate) fn is_dressed(&self, dress: u64) -> bool {
        self.dress == dress
    }

    /// The Certificate that it is for, as the annotation names it.
    pub(crate) fn certificate(&self) -> Option<&Name> {
        self.certificate.as_ref()
    }

    /// Names that Certificate by a name that others hold as well.
    pub(super) fn share(&mut self, name: &Name) {
        if let Some(certificate) = self.certificate.as_mut().filter(|it| *it == name) {
            *certificate = name.clone();
        }
    }
}

/// What a target Secret wears beside its key and certificate: what can be changed without another certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Dress {
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) annotations: Vec<(String, String)>,
    /// Files beside the PEM ones, of [`FILES`].
    pub(crate) files: Vec<&'static str>,
    /// The uid of the Certificate that it is owned by.
    pub(crate) owner: Option<String>,
}

impl Dress {
    /// A number that stands for it. What every target Secret has does not count.
    pub(crate) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let sorted = |pairs: &'_ [(String, String)], counts: fn(&str) -> bool| -> u64 {
            let mut pairs: Vec<&(String, String)> = pairs.iter().filter(|(key, _)| counts(key)).collect();
            pairs.sort_unstable();
            let mut hasher = DefaultHasher::new();
            pairs.hash(&mut hasher);
            hasher.finish()
        };
        sorted(&self.labels, |key| key != ATTENTION).hash(&mut hasher);
        sorted(&self.annotations, |key| !is_managed(key)).hash(&mut hasher);
        let mut files = self.files.clone();
        files.sort_unstable();
        files.hash(&mut hasher);
        let bare = hasher.finish();
        self.owner.as_deref().map_or(bare, |owner| owned(bare, owner))
    }

    /// The digest of a dress without an owner, once the object of this uid owns it.
    pub(crate) fn owned_by(digest: u64, owner: &Uid) -> u64 {
        owned(digest, &owner.to_string())
    }
}

fn pairs(of: Option<&BTreeMap<String, String>>) -> Vec<(&str, &str)> {
    of.into_iter().flatten().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

fn value<'a>(of: &[(&str, &'a str)], key: &str) -> Option<&'a str> {
    of.iter().find(|(it, _)| *it == key).map(|(_, value)| *value)
}

fn owned(digest: u64, owner: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (digest, owner).hash(&mut hasher);
    hasher.finish()
}

/// A number that stands for an issuer, defaults filled in.
pub(crate) fn issuer_digest(issuer: &IssuerRef) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&issuer.name, issuer.effective_kind(), issuer.effective_group()).hash(&mut hasher);
    hasher.finish()
}

/// Whether an annotation is one that the controller gives every target Secret.
pub(crate) fn is_managed(annotation: &str) -> bool {
    annotation.starts_with("cert-manager.io/") && annotation != "cert-manager.io/allow-direct-injection"
}

pub(crate) const CERTIFICATE_NAME: &str = "cert-manager.io/certificate-name";
pub(crate) const ISSUER_NAME: &str = "cert-manager.io/issuer-name";
pub(crate) const ISSUER_KIND: &str = "cert-manager.io/issuer-kind";
pub(crate) const ISSUER_GROUP: &str = "cert-manager.io/issuer-group";

/// Annotations that every target Secret has.
const ALWAYS: [&str; 8] = [
    CERTIFICATE_NAME,
    ISSUER_NAME,
    ISSUER_KIND,
    ISSUER_GROUP,
    "cert-manager.io/common-name",
    "cert-manager.io/alt-names",
    "cert-manager.io/ip-sans",
    "cert-manager.io/uri-sans",
];

/// Files that every target Secret has.
const DATA: [&str; 2] = ["tls.crt", "tls.key"];

/// Files that a target Secret has when its Certificate asks for them.
pub(crate) const FILES: [&str; 4] = ["key.der", "tls-combined.pem", "keystore.jks", "keystore.p12"];

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use serde_json::json;

    use super::{Dress, Proof, issuer_digest};
    use crate::crd::reference::IssuerRef;
    use crate::key::{Name, Uid};

    fn metadata(owned_data: &serde_json::Value) -> ObjectMeta {
        let always = [
            "certificate-name",
            "issuer-name",
            "issuer-kind",
            "issuer-group",
            "common-name",
            "alt-names",
            "ip-sans",
            "uri-sans",
        ];
        let owned: serde_json::Map<_, _> =
            always.iter().map(|it| (format!("f:cert-manager.io/{it}"), json!({}))).collect();
        serde_json::from_value(json!({
            "labels": { "controller.cert-manager.io/fao": "true", "a": "b", "theirs": "x" },
            "annotations": { "cert-manager.io/certificate-name": "web", "cert-manager.io/issuer-name": "ca" },
            "managedFields": [{ "manager": "cert-manager-certificates-issuing", "operation": "Apply", "fieldsV1": {
                "f:data": owned_data,
                "f:metadata": { "f:labels": { "f:controller.cert-manager.io/fao": {}, "f:a": {} }, "f:annotations": owned },
            }}],
        }))
        .expect("it is metadata")
    }

    #[test]
    fn what_was_applied_is_proved_by_who_owns_it() {
        let proof = Proof::read(&metadata(&json!({ "f:tls.crt": {}, "f:tls.key": {}, "f:key.der": {} })));
        let issuer = IssuerRef { name: "ca".to_owned(), ..IssuerRef::default() };
        let dress =
            Dress { labels: vec![("a".to_owned(), "b".to_owned())], files: vec!["key.der"], ..Dress::default() };
        assert_eq!(proof, Proof::applied(&Name::new("", "web"), &issuer, &dress));
        assert!(proof.holds("web", issuer_digest(&issuer)));
        assert!(!proof.holds("other", issuer_digest(&issuer)));
    }

    #[test]
    fn a_key_that_somebody_overwrote_is_not_proved() {
        let proof = Proof::read(&metadata(&json!({ "f:tls.crt": {} })));
        assert!(!proof.holds("web", issuer_digest(&IssuerRef { name: "ca".to_owned(), ..IssuerRef::default() })));
    }

    #[test]
    fn an_owner_can_be_added_to_a_digest() {
        let uid = Uid::parse("3f1f9f0e-55a3-4b43-9d0f-0a43b1a0f5b1");
        let dress = Dress { owner: Some(uid.to_string()), ..Dress::default() };
        assert_eq!(Dress::owned_by(Dress::default().digest(), &uid), dress.digest());
    }

    #[test]
    fn a_default_that_is_spelled_out_is_the_same_issuer() {
        let short = IssuerRef { name: "ca".to_owned(), ..IssuerRef::default() };
        let long = IssuerRef { kind: "Issuer".to_owned(), group: "cert-manager.io".to_owned(), ..short.clone() };
        assert_eq!(issuer_digest(&short), issuer_digest(&long));
    }
}
