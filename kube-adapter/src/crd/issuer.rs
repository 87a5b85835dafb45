//! Issuer and ClusterIssuer: who signs, and how it is asked.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::acme::{AcmeIssuer, AcmeIssuerStatus};
use crate::crd::condition::Conditions;
use crate::crd::open::root;
use crate::crd::vault::VaultIssuer;
use crate::crd::venafi::VenafiIssuer;

/// An issuer for the Certificates of its own namespace.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Issuer {
    /// Metadata as every object of the API has it.
    pub metadata: ObjectMeta,
    /// Who signs.
    pub spec: IssuerSpec,
    /// Whether it can. Written by the controller alone.
    pub status: Option<IssuerStatus>,
}

root!(Issuer, "cert-manager.io", "Issuer", "issuers", NamespaceResourceScope);

/// An issuer for the Certificates of every namespace. Its Secrets are looked up in the cluster resource namespace.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ClusterIssuer {
    /// Metadata as every object of the API has it.
    pub metadata: ObjectMeta,
    /// Who signs.
    pub spec: IssuerSpec,
    /// Whether it can. Written by the controller alone.
    pub status: Option<IssuerStatus>,
}

root!(ClusterIssuer, "cert-manager.io", "ClusterIssuer", "clusterissuers", ClusterResourceScope);

/// Who signs: exactly one of the fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IssuerSpec {
    /// An ACME server (RFC 8555), which checks the names first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acme: Option<AcmeIssuer>,
    /// An authority whose key lies in a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<CaIssuer>,
    /// The PKI engine of HashiCorp Vault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vault: Option<VaultIssuer>,
    /// Nobody: certificates are signed with their own keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_signed: Option<SelfSignedIssuer>,
    /// CyberArk Certificate Manager, formerly Venafi, in one of its three forms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub venafi: Option<VenafiIssuer>,
}

impl IssuerSpec {
    /// Whether it signs by itself, without asking anybody.
    pub(crate) fn signs_here(&self) -> bool {
        self.ca.is_some() || self.self_signed.is_some()
    }
}

/// An authority whose key lies in a Secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CaIssuer {
    /// Secret with `tls.crt` and `tls.key` of the authority, and `ca.crt` where there is one above it.
    pub secret_name: String,
    /// URLs of revocation lists, written into each certificate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub crl_distribution_points: Vec<String>,
    /// URLs of OCSP responders, written into each certificate.
    #[serde(rename = "ocspServers", skip_serializing_if = "Vec::is_empty")]
    pub ocsp_servers: Vec<String>,
    /// URLs of the authority's own certificate, written into each certificate.
    #[serde(rename = "issuingCertificateURLs", skip_serializing_if = "Vec::is_empty")]
    pub issuing_certificate_urls: Vec<String>,
}

/// Certificates that sign for themselves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SelfSignedIssuer {
    /// URLs of revocation lists, written into each certificate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub crl_distribution_points: Vec<String>,
}

/// Whether an issuer can sign.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IssuerStatus {
    /// `Ready`: the issuer was tried with what its spec says.
    #[serde(skip_serializing_if = "Conditions::is_empty")]
    pub conditions: Conditions,
    /// The account at the ACME server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acme: Option<AcmeIssuerStatus>,
}
