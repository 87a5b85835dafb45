//! HashiCorp Vault as issuer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::base64::Base64;
use crate::crd::reference::{SecretKeySelector, ServiceAccountRef};

/// The PKI engine of HashiCorp Vault.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct VaultIssuer {
    /// How to log in. One of its fields.
    pub auth: VaultAuth,
    /// URL of the server, for example `https://vault.example.com:8200`.
    pub server: String,
    /// Name the server's certificate is checked for, where it differs from the host in the URL.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub server_name: String,
    /// Path that signs, for example `pki/sign/my-role`.
    pub path: String,
    /// Vault namespace to work in (Enterprise).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// PEM certificates that vouch for the server. Not together with `caBundleSecretRef`; those of the system unless given.
    #[serde(skip_serializing_if = "Base64::is_empty")]
    pub ca_bundle: Base64,
    /// Secret with such certificates, below `ca.crt` unless a key is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_bundle_secret_ref: Option<SecretKeySelector>,
    /// Secret with the certificate shown to the server, below `tls.crt` unless a key is named. Together with
    /// `clientKeySecretRef`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_cert_secret_ref: Option<SecretKeySelector>,
    /// Secret with the key of that certificate, below `tls.key` unless a key is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key_secret_ref: Option<SecretKeySelector>,
}

/// How to log in to Vault: exactly one of the fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct VaultAuth {
    /// A token in a Secret, below `token` unless a key is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_secret_ref: Option<SecretKeySelector>,
    /// The AppRole method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_role: Option<VaultAppRole>,
    /// The TLS certificate method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<VaultClientCertificateAuth>,
    /// The Kubernetes method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<VaultKubernetesAuth>,
    /// The AWS method, with IAM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws: Option<VaultAwsAuth>,
}

/// Login by AppRole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct VaultAppRole {
    /// Where the method is mounted, for example `approle`.
    pub path: String,
    /// The role's id.
    pub role_id: String,
    /// Secret with the role's secret id.
    pub secret_ref: SecretKeySelector,
}

/// Login by TLS certificate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct VaultClientCertificateAuth {
    /// Where the method is mounted; `/v1/auth/cert` unless given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mount_path: String,
    /// Secret with `tls.crt` and `tls.key` of the client.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub secret_name: String,
    /// Name of the certificate role; Vault tries all unless given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// Login by ServiceAccount.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct VaultKubernetesAuth {
    /// Where the method is mounted; `/v1/auth/kubernetes` unless given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mount_path: String,
    /// Secret with a ServiceAccount's token. Either this or `serviceAccountRef`.
    #[schemars(extend("x-optional" = true))]
    pub secret_ref: SecretKeySelector,
    /// ServiceAccount to ask a token for. Either this or `secretRef`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_ref: Option<ServiceAccountRef>,
    /// The role to log in as.
    pub role: String,
}

/// Login by AWS IAM.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct VaultAwsAuth {
    /// Where the method is mounted; `/v1/auth/aws` unless given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mount_path: String,
    /// The role to log in as.
    #[schemars(length(min = 1))]
    pub role: String,
    /// Region of the STS that vouches.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// ServiceAccount whose token STS accepts (IRSA). Needs `iamRoleArn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_ref: Option<ServiceAccountRef>,
    /// IAM role to assume with that token.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub iam_role_arn: String,
    /// Value of `X-Vault-AWS-IAM-Server-ID`, where the server wants one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub vault_header_value: String,
}
