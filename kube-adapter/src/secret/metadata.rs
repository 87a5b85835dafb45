//! The metadata of a Secret, as a watch tells them: read for what is kept, and no further.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

use super::applied_fields::{AppliedFields, Members, Text, is_ours};
use super::{ATTENTION, NEXT_KEY, Proof};
use crate::api::Resource;
use crate::key::{Identity, Name, Uid, Version};
use crate::watch::Watched;

/// What a watch tells of a Secret.
#[derive(Debug)]
pub(crate) struct SecretMetadata {
    pub(super) name: Name,
    pub(super) identity: Option<Identity>,
    /// What is said of it, where it is one of cert-manager's.
    pub(super) marked: Option<Marked>,
    version: String,
}

/// What is said of a Secret that is labelled as cert-manager's.
#[derive(Debug)]
pub(super) enum Marked {
    /// The key of a certificate to come, and the Certificate that owns it.
    NextKey(Option<Box<super::Owner>>),
    /// Another one, and what its metadata proves.
    Target(Proof),
}

impl SecretMetadata {
    /// What it proves, where it is a target.
    pub(super) fn proof_mut(&mut self) -> Option<&mut Proof> {
        match &mut self.marked {
            Some(Marked::Target(proof)) => Some(proof),
            Some(Marked::NextKey(_)) | None => None,
        }
    }
}

impl Watched for SecretMetadata {
    const RESOURCE: Resource = Resource::SECRETS;
    const METADATA_ONLY: bool = true;

    type Listed = Self;

    fn listed(listed: Self) -> Option<Self> {
        Some(listed)
    }

    fn version(&self) -> Option<&str> {
        Some(&self.version)
    }
}

impl<'de> Deserialize<'de> for SecretMetadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Object { metadata } = Object::deserialize(deserializer)?;
        let identity = (!metadata.uid.is_empty() && !metadata.resource_version.is_empty())
            .then(|| Identity { uid: Uid::parse(&metadata.uid), version: Version::parse(&metadata.resource_version) });
        let name = Name::new(&metadata.namespace, &metadata.name);
        let marked = metadata.marked(&name);
        Ok(Self { name, identity, marked, version: metadata.resource_version.into_owned() })
    }
}

#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow)]
    metadata: Metadata<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Metadata<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    namespace: Cow<'a, str>,
    #[serde(borrow)]
    uid: Cow<'a, str>,
    #[serde(borrow)]
    resource_version: Cow<'a, str>,
    #[serde(borrow)]
    labels: Members<'a, Text<'a>>,
    #[serde(borrow)]
    annotations: Members<'a, Text<'a>>,
    owner_references: Vec<Owner>,
    #[serde(borrow)]
    managed_fields: Vec<Entry<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Owner {
    kind: String,
    name: String,
    uid: String,
    controller: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Entry<'a> {
    #[serde(borrow)]
    manager: Option<Cow<'a, str>>,
    #[serde(borrow)]
    operation: Option<Cow<'a, str>>,
    #[serde(borrow)]
    subresource: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "fieldsV1")]
    fields: AppliedFields<'a>,
}

impl Metadata<'_> {
    fn marked(&self, name: &Name) -> Option<Marked> {
        let label = |key: &str| self.labels.pairs().find(|(it, _)| *it == key).map(|(_, value)| value);
        if label(NEXT_KEY) == Some("true") {
            let owner = self.owner_references.iter().find(|it| it.controller && it.kind == "Certificate");
            return Some(Marked::NextKey(owner.map(|it| {
                let name = Name::new(&self.namespace, &it.name);
                Box::new(super::Owner { name, uid: Uid::parse(&it.uid) })
            })));
        }
        label(ATTENTION)?;
        let entry = self.managed_fields.iter().find(|it| {
            let (manager, operation) = (it.manager.as_deref(), it.operation.as_deref());
            is_ours(manager, operation, it.subresource.as_deref())
        });
        let nothing = AppliedFields::default();
        let fields = entry.map_or(&nothing, |it| &it.fields);
        let (labels, annotations) = (self.labels.pairs().collect(), self.annotations.pairs().collect());
        Some(Marked::Target(Proof::of(name, labels, annotations, fields)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Marked, SecretMetadata};

    fn read(metadata: &str) -> SecretMetadata {
        serde_json::from_str(&format!("{{\"metadata\":{metadata}}}")).expect("it is a Secret")
    }

    #[test]
    fn of_a_secret_of_others_only_name_and_state_are_read() {
        let secret = read(r#"{"name":"n","namespace":"s","uid":"u","resourceVersion":"7","labels":{"a":"b"}}"#);
        assert_eq!(secret.name.to_string(), "s/n");
        assert!(secret.identity.is_some() && secret.marked.is_none());
    }

    #[test]
    fn a_next_key_tells_whose_it_is() {
        let secret = read(
            r#"{"name":"n","labels":{"cert-manager.io/next-private-key":"true"},"namespace":"s","ownerReferences":[{"kind":"Certificate","controller":true,"name":"web","uid":"u"}]}"#,
        );
        assert!(matches!(secret.marked, Some(Marked::NextKey(Some(owner))) if owner.name.to_string() == "s/web"));
    }

    #[test]
    fn a_target_proves_what_its_managers_say() {
        let secret = read(
            r#"{"name":"n","labels":{"controller.cert-manager.io/fao":"true"},"managedFields":[{"manager":"cert-manager-certificates-issuing","operation":"Apply","fieldsV1":{"f:data":{"f:tls.crt":{}}}}]}"#,
        );
        assert!(matches!(secret.marked, Some(Marked::Target(_))));
    }
}
