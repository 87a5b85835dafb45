//! CertificateRequest: one attempt to have a signing request signed.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::base64::Base64;
use crate::crd::certificate::KeyUsage;
use crate::crd::condition::Conditions;
use crate::crd::duration::GoDuration;
use crate::crd::open::root;
use crate::crd::reference::IssuerRef;
use crate::crd::schema;
use crate::crd::time::Time;

/// One signing request to one issuer. It is never tried again after it failed or was denied; a new one is made.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct CertificateRequest {
    /// Metadata as every object of the API has it.
    pub metadata: ObjectMeta,
    /// What shall be signed. It cannot be changed.
    pub spec: CertificateRequestSpec,
    /// What became of it. Written by approvers and signers.
    pub status: Option<CertificateRequestStatus>,
}

root!(CertificateRequest, "cert-manager.io", "CertificateRequest", "certificaterequests", NamespaceResourceScope);

/// What a [`CertificateRequest`] asks for, and who asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CertificateRequestSpec {
    /// Lifetime that is asked for; the issuer decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<GoDuration>,
    /// Who shall sign.
    pub issuer_ref: IssuerRef,
    /// The signing request (PKCS#10) in PEM.
    pub request: Base64,
    /// Whether a certificate of an authority is asked for.
    #[serde(rename = "isCA", skip_serializing_if = "crate::crd::open::is_default")]
    pub is_ca: bool,
    /// What the key may be used for; must equal what the signing request says, where it says so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub usages: Vec<KeyUsage>,
    /// Name of the user who made this object; set by the admission webhook.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// Id of that user.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// Groups of that user.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Further attributes of that user.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, Vec<String>>,
}

/// What became of a [`CertificateRequest`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CertificateRequestStatus {
    /// `Approved` or `Denied` by an approver, `InvalidRequest` by the signer, and `Ready` with the outcome.
    #[serde(skip_serializing_if = "Conditions::is_empty")]
    #[schemars(schema_with = "schema::conditions_without_generation")]
    pub conditions: Conditions,
    /// The certificate and those that vouch for it, in PEM, without the root.
    #[serde(skip_serializing_if = "Base64::is_empty")]
    pub certificate: Base64,
    /// The highest authority that is known, in PEM; empty where the issuer does not tell.
    #[serde(skip_serializing_if = "Base64::is_empty")]
    pub ca: Base64,
    /// When the request failed or was denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_time: Option<Time>,
}
