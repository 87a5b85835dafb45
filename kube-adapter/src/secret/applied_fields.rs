//! Which fields of a Secret cert-manager's manager applied, as the API server keeps it.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::api::Manager;

/// A text that is not copied where it is written as it reads.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The members of an object, in the order in which they are written: there are few, and they are looked at once.
#[derive(Debug)]
pub(super) struct Members<'a, T>(Vec<(Text<'a>, T)>);

/// The fields that cert-manager's manager applied.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AppliedFields<'a> {
    #[serde(borrow, rename = "f:metadata")]
    metadata: AppliedMetadata<'a>,
    #[serde(borrow, rename = "f:data")]
    data: Fields<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AppliedMetadata<'a> {
    #[serde(borrow, rename = "f:labels")]
    labels: Fields<'a>,
    #[serde(borrow, rename = "f:annotations")]
    annotations: Fields<'a>,
    #[serde(borrow, rename = "f:ownerReferences")]
    owners: Fields<'a>,
}

/// The names of fields; what they hold says nothing here.
type Fields<'a> = Members<'a, IgnoredAny>;

impl AppliedFields<'_> {
    pub(super) fn has_label(&self, key: &str) -> bool {
        self.metadata.labels.has_field(key)
    }

    pub(super) fn has_annotation(&self, key: &str) -> bool {
        self.metadata.annotations.has_field(key)
    }

    pub(super) fn has_data(&self, file: &str) -> bool {
        self.data.has_field(file)
    }

    /// The uid of the owner that was applied.
    pub(super) fn owner(&self) -> Option<&str> {
        let mut owners = self.metadata.owners.0.iter();
        owners.find_map(|(key, _)| key.as_str().strip_prefix("k:{\"uid\":\"")?.strip_suffix("\"}"))
    }
}

/// Whether an entry of the managers is what cert-manager's manager applied.
pub(super) fn is_ours(manager: Option<&str>, operation: Option<&str>, subresource: Option<&str>) -> bool {
    manager == Some(Manager::ISSUING.0) && operation == Some("Apply") && subresource.is_none()
}

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Fields<'_> {
    fn has_field(&self, key: &str) -> bool {
        self.0.iter().any(|(it, _)| it.as_str().strip_prefix("f:") == Some(key))
    }
}

impl<'a> Members<'a, Text<'a>> {
    /// One more of them.
    pub(super) fn push(&mut self, key: &'a str, value: &'a str) {
        self.0.push((Text(Cow::Borrowed(key)), Text(Cow::Borrowed(value))));
    }

    /// Keys and values.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl<T> Default for Members<'_, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Members<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<'a, T>(PhantomData<(&'a (), T)>);

        impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for Object<'a, T> {
            type Value = Members<'a, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object(PhantomData))
    }
}
