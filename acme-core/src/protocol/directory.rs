//! The directory (RFC 8555 section 7.1.1).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Url;

/// Where everything is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DirectoryObject {
    /// Where nonces come from.
    pub new_nonce: Url,
    /// Where accounts are made and found.
    pub new_account: Url,
    /// Where orders are made.
    pub new_order: Url,
    /// Where authorizations are made ahead of orders, if at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_authz: Option<Url>,
    /// Where certificates are revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke_cert: Option<Url>,
    /// Where account keys are changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_change: Option<Url>,
    /// Where renewal information is read (RFC 9773).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal_info: Option<Url>,
    /// What the server says of itself.
    #[serde(default)]
    pub meta: Metadata,
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Metadata {
    /// The terms of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms_of_service: Option<String>,
    /// A page about the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// The names that CAA records call it by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub caa_identities: Vec<String>,
    /// Whether a new account needs an external account binding.
    pub external_account_required: bool,
    /// The names by which records of `dns-persist-01` may call it, for who publishes them ahead of an order (draft-ietf-acme-dns-persist-02).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub issuer_domain_names: Vec<String>,
    /// What the hashed names of accounts in such records begin with; without one, records name accounts by their URLs (up to revision -01).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_hash_prefix: Option<String>,
    /// The profiles on offer, each with a description.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub profiles: BTreeMap<String, String>,
}
