//! How one object names another.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::open::Unknown;

/// Who issues: an Issuer or ClusterIssuer, or the like of another group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IssuerRef {
    /// Name of the issuer.
    pub name: String,
    /// Kind of the issuer; `Issuer` unless given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// API group of the issuer; `cert-manager.io` unless given. Others are left to other controllers.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// A key of a Secret in the same namespace, or in the cluster resource namespace for cluster-wide issuers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SecretKeySelector {
    /// Name of the Secret.
    pub name: String,
    /// Key in the Secret's data. Some fields have a default.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// An object in the same namespace, by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LocalObjectReference {
    /// Name of the object.
    pub name: String,
}

/// A ServiceAccount to ask a token for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceAccountRef {
    /// Name of the ServiceAccount.
    pub name: String,
    /// Audiences of the token besides the default one.
    #[serde(rename = "audiences", skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

impl IssuerRef {
    /// Kind of the issuer, with the default filled in.
    pub fn effective_kind(&self) -> &str {
        if self.kind.is_empty() { "Issuer" } else { &self.kind }
    }

    /// API group of the issuer, with the default filled in.
    pub fn effective_group(&self) -> &str {
        if self.group.is_empty() { "cert-manager.io" } else { &self.group }
    }

    /// Whether an Issuer or ClusterIssuer of this group is meant, not one of another controller.
    pub fn is_built_in(&self) -> bool {
        self.effective_group() == "cert-manager.io"
    }
}

impl SecretKeySelector {
    /// Whether nothing is named, as where the field was not given.
    pub fn is_empty(&self) -> bool {
        self.name.is_empty() && self.key.is_empty()
    }

    /// The key, or `default` where none is named.
    pub fn key_or<'a>(&'a self, default: &'a str) -> &'a str {
        if self.key.is_empty() { default } else { &self.key }
    }
}
