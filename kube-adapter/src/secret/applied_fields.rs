//! Which fields of a Secret cert-manager's manager applied, as the API server keeps it.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::api::Manager;
use crate::watch::Members;

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
        has_field(&self.metadata.labels, key)
    }

    pub(super) fn has_annotation(&self, key: &str) -> bool {
        has_field(&self.metadata.annotations, key)
    }

    pub(super) fn has_data(&self, file: &str) -> bool {
        has_field(&self.data, file)
    }

    /// The uid of the owner that was applied.
    pub(super) fn owner(&self) -> Option<&str> {
        self.metadata.owners.keys().find_map(|key| key.strip_prefix("k:{\"uid\":\"")?.strip_suffix("\"}"))
    }
}

/// Whether an entry of the managers is what cert-manager's manager applied.
pub(super) fn is_ours(manager: Option<&str>, operation: Option<&str>, subresource: Option<&str>) -> bool {
    manager == Some(Manager::ISSUING.0) && operation == Some("Apply") && subresource.is_none()
}

fn has_field(fields: &Fields<'_>, key: &str) -> bool {
    fields.keys().any(|it| it.strip_prefix("f:") == Some(key))
}
