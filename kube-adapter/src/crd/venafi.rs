//! CyberArk Certificate Manager, formerly Venafi, as issuer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::base64::Base64;
use crate::crd::reference::{LocalObjectReference, SecretKeySelector};

/// CyberArk Certificate Manager: exactly one of `tpp`, `cloud` and `ngts`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "(has(self.tpp) ? 1 : 0) + (has(self.cloud) ? 1 : 0) + (has(self.ngts) ? 1 : 0) == 1",
    "message": "exactly one of tpp, cloud, or ngts must be configured",
}]))]
pub struct VenafiIssuer {
    /// Zone (policy folder, or application and template) to ask in.
    pub zone: String,
    /// Self-hosted, formerly Trust Protection Platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tpp: Option<VenafiTpp>,
    /// As a service, formerly TLS Protect Cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud: Option<VenafiCloud>,
    /// Next-Gen Trust Security, in Strata Cloud Manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ngts: Option<VenafiNgts>,
}

/// The self-hosted form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct VenafiTpp {
    /// Base URL of the server, for example `https://tpp.example.com/vedsdk`.
    pub url: String,
    /// Secret with `access-token`, or with `username` and `password`.
    pub credentials_ref: LocalObjectReference,
    /// PEM certificates that vouch for the server. Not together with `caBundleSecretRef`; those of the system unless given.
    #[serde(skip_serializing_if = "Base64::is_empty")]
    pub ca_bundle: Base64,
    /// Secret with such certificates, below `ca.crt` unless a key is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_bundle_secret_ref: Option<SecretKeySelector>,
}

/// The form as a service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct VenafiCloud {
    /// Base URL, where it is not the usual one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// Secret with the API key, below `api-key` unless a key is named.
    pub api_token_secret_ref: SecretKeySelector,
}

/// The form in Strata Cloud Manager.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct VenafiNgts {
    /// Base URL, where it is not the usual one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// URL that gives access tokens, where it is not the usual one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub token_endpoint: String,
    /// Id of the tenant service group.
    #[serde(rename = "tsgID")]
    pub tsg_id: String,
    /// Secret with `client-id` and `client-secret`.
    pub credentials_ref: LocalObjectReference,
}
