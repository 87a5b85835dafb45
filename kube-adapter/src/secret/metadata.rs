//! The metadata of a Secret, as a watch tells them: read for what is kept, and no further.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

use super::applied_fields::{AppliedFields, is_ours};
use super::{ATTENTION, NEXT_KEY, Proof};
use crate::api::Resource;
use crate::key::{Identity, Name, Uid, Version};
use crate::watch::{Field, Malformed, Members, Message, Text, Watched};

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
    fn of(metadata: Metadata<'_>) -> Self {
        let identity = (!metadata.uid.is_empty() && !metadata.resource_version.is_empty())
            .then(|| Identity { uid: Uid::parse(&metadata.uid), version: Version::parse(&metadata.resource_version) });
        let name = Name::new(&metadata.namespace, &metadata.name);
        let marked = metadata.marked(&name);
        Self { name, identity, marked, version: metadata.resource_version.into_owned() }
    }

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
    const METADATA: Option<fn(Message<'_>) -> Result<Self, Malformed>> =
        Some(|metadata| Metadata::of_message(metadata).map(Self::of));

    type Listed<'a> = Self;

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
        Ok(Self::of(metadata))
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

impl<'a> Metadata<'a> {
    fn of_message(mut message: Message<'a>) -> Result<Self, Malformed> {
        let mut metadata = Self::default();
        while let Some((number, field)) = message.next()? {
            match number {
                1 => metadata.name = field.text()?.into(),
                3 => metadata.namespace = field.text()?.into(),
                5 => metadata.uid = field.text()?.into(),
                6 => metadata.resource_version = field.text()?.into(),
                11 => member(field.message()?, &mut metadata.labels)?,
                12 => member(field.message()?, &mut metadata.annotations)?,
                13 => metadata.owner_references.push(Owner::of_message(field.message()?)?),
                17 => metadata.managed_fields.push(Entry::of_message(field.message()?)?),
                _ => {}
            }
        }
        Ok(metadata)
    }

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
        let entry = self.managed_fields.iter().find(|it| it.is_ours());
        let nothing = AppliedFields::default();
        let fields = entry.map_or(&nothing, |it| &it.fields);
        let (labels, annotations) = (self.labels.pairs().collect(), self.annotations.pairs().collect());
        Some(Marked::Target(Proof::of(name, labels, annotations, fields)))
    }
}

impl Owner {
    fn of_message(mut message: Message<'_>) -> Result<Self, Malformed> {
        let mut owner = Self::default();
        while let Some((number, field)) = message.next()? {
            match (number, field) {
                (1, _) => owner.kind = field.text()?.to_owned(),
                (3, _) => owner.name = field.text()?.to_owned(),
                (4, _) => owner.uid = field.text()?.to_owned(),
                (6, Field::Number(is_controller)) => owner.controller = is_controller != 0,
                (_, _) => {}
            }
        }
        Ok(owner)
    }
}

impl<'a> Entry<'a> {
    fn of_message(mut message: Message<'a>) -> Result<Self, Malformed> {
        let mut entry = Self::default();
        let mut fields = None;
        while let Some((number, field)) = message.next()? {
            match number {
                1 => entry.manager = Some(field.text()?.into()),
                2 => entry.operation = Some(field.text()?.into()),
                7 => fields = Some(field.message()?),
                8 => entry.subresource = Some(field.text()?.into()).filter(|it: &Cow<'_, str>| !it.is_empty()),
                _ => {}
            }
        }
        // What others applied is not looked at.
        if let Some(mut fields) = fields.filter(|_| entry.is_ours())
            && let Some((1, json)) = fields.next()?
        {
            entry.fields = serde_json::from_slice(json.bytes()?).map_err(|_| Malformed)?;
        }
        Ok(entry)
    }

    fn is_ours(&self) -> bool {
        is_ours(self.manager.as_deref(), self.operation.as_deref(), self.subresource.as_deref())
    }
}

/// A member of a map, which is a message of a key and a value.
fn member<'a>(mut message: Message<'a>, members: &mut Members<'a, Text<'a>>) -> Result<(), Malformed> {
    let (mut key, mut value) = ("", "");
    while let Some((number, field)) = message.next()? {
        match number {
            1 => key = field.text()?,
            2 => value = field.text()?,
            _ => {}
        }
    }
    members.push(key, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Marked, Message, SecretMetadata, Watched};

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

    fn field(number: u64, content: &[u8]) -> Vec<u8> {
        let varint = |mut rest: u64| {
            let mut bytes = Vec::new();
            while rest >= 0x80 {
                bytes.push((rest & 0x7f) as u8 | 0x80);
                rest >>= 7;
            }
            bytes.push(rest as u8);
            bytes
        };
        [varint(number << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
    }

    fn member(number: u64, key: &str, value: &str) -> Vec<u8> {
        field(number, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat())
    }

    fn common() -> Vec<u8> {
        [field(1, b"n"), field(3, b"s"), field(5, b"u"), field(6, b"7"), field(2, b"")].concat()
    }

    fn listed(metadata: &[u8]) -> SecretMetadata {
        let read = SecretMetadata::METADATA.expect("it is read so");
        read(Message::new(metadata)).expect("it is metadata")
    }

    #[test]
    fn a_list_in_protocol_buffers_says_the_same_as_json() {
        let json = r#""name":"n","namespace":"s","uid":"u","resourceVersion":"7""#;
        let owner = [field(1, b"Certificate"), field(3, b"web"), field(4, b"c"), vec![6 << 3, 1]].concat();
        let next_key = [common(), member(11, "cert-manager.io/next-private-key", "true"), field(13, &owner)].concat();
        let next_key_json = format!(
            r#"{{{json},"labels":{{"cert-manager.io/next-private-key":"true"}},"ownerReferences":[{{"kind":"Certificate","name":"web","uid":"c","controller":true}}]}}"#
        );
        let applied = r#"{"f:data":{"f:tls.crt":{},"f:tls.key":{}},"f:metadata":{"f:annotations":{"f:cert-manager.io/certificate-name":{}},"f:labels":{"f:controller.cert-manager.io/fao":{}}}}"#;
        let entry = |manager: &str, fields: &str| {
            let fields = field(1, fields.as_bytes());
            field(17, &[field(1, manager.as_bytes()), field(2, b"Apply"), field(7, &fields), field(8, b"")].concat())
        };
        let target = [
            common(),
            member(11, "controller.cert-manager.io/fao", "true"),
            member(12, "cert-manager.io/certificate-name", "web"),
            entry("somebody", "no json"),
            entry("cert-manager-certificates-issuing", applied),
        ]
        .concat();
        let target_json = format!(
            r#"{{{json},"labels":{{"controller.cert-manager.io/fao":"true"}},"annotations":{{"cert-manager.io/certificate-name":"web"}},"managedFields":[{{"manager":"cert-manager-certificates-issuing","operation":"Apply","fieldsV1":{applied}}}]}}"#
        );
        for (message, json) in [(next_key, next_key_json), (target, target_json), (common(), format!("{{{json}}}"))] {
            let (listed, read) = (listed(&message), read(&json));
            assert_eq!(format!("{listed:?}"), format!("{read:?}"));
        }
    }
}
