//! Which fields of a Secret cert-manager's manager applied, as the API server keeps it.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::api::Manager;

/// The fields that cert-manager's manager applied.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct AppliedFields {
    #[serde(rename = "f:metadata")]
    metadata: AppliedMetadata,
    #[serde(rename = "f:data")]
    data: Fields,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct AppliedMetadata {
    #[serde(rename = "f:labels")]
    labels: Fields,
    #[serde(rename = "f:annotations")]
    annotations: Fields,
    #[serde(rename = "f:ownerReferences")]
    owners: Fields,
}

/// The keys of an object.
#[derive(Debug, Default)]
struct Fields(Vec<String>);

impl AppliedFields {
    pub(super) fn has_label(&self, key: &str) -> bool {
        self.metadata.labels.has(key)
    }

    pub(super) fn has_annotation(&self, key: &str) -> bool {
        self.metadata.annotations.has(key)
    }

    pub(super) fn has_data(&self, file: &str) -> bool {
        self.data.has(file)
    }

    /// The uid of the owner that was applied.
    pub(super) fn owner(&self) -> Option<&str> {
        let mut owners = self.metadata.owners.0.iter();
        owners.find_map(|key| key.strip_prefix("k:{\"uid\":\"")?.strip_suffix("\"}"))
    }
}

/// Whether an entry of the managers is what cert-manager's manager applied.
pub(super) fn is_ours(manager: Option<&str>, operation: Option<&str>, subresource: Option<&str>) -> bool {
    manager == Some(Manager::ISSUING.0) && operation == Some("Apply") && subresource.is_none()
}

impl Fields {
    fn has(&self, key: &str) -> bool {
        self.0.iter().any(|it| it.strip_prefix("f:") == Some(key))
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Fields(keys))
            }
        }

        deserializer.deserialize_map(Keys)
    }
}
