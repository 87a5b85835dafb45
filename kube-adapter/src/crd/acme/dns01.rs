//! How DNS-01 challenges are shown: which provider keeps the zone, and how it is asked.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::crd::open::{Unknown, open_enum};
use crate::crd::reference::{SecretKeySelector, ServiceAccountRef};

/// By a TXT record: exactly one provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Dns01Solver {
    /// Whether aliases of `_acme-challenge.` names are followed before the record is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cname_strategy: Option<CnameStrategy>,
    /// Resolvers to look with, as address and port or as a URL of DNS over HTTPS; those of the controller unless given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nameservers: Vec<String>,
    /// Akamai Edge DNS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub akamai: Option<Akamai>,
    /// Google Cloud DNS.
    #[serde(rename = "cloudDNS", skip_serializing_if = "Option::is_none")]
    pub cloud_dns: Option<CloudDns>,
    /// Cloudflare.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloudflare: Option<Cloudflare>,
    /// Amazon Route 53.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route53: Option<Route53>,
    /// Azure DNS.
    #[serde(rename = "azureDNS", skip_serializing_if = "Option::is_none")]
    pub azure_dns: Option<AzureDns>,
    /// DigitalOcean.
    #[serde(rename = "digitalocean", skip_serializing_if = "Option::is_none")]
    pub digital_ocean: Option<DigitalOcean>,
    /// A server of acme-dns.
    #[serde(rename = "acmeDNS", skip_serializing_if = "Option::is_none")]
    pub acme_dns: Option<AcmeDns>,
    /// Dynamic updates (RFC 2136) to a server of the zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rfc2136: Option<Rfc2136>,
    /// A solver of somebody else, behind an API of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// Akamai Edge DNS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Akamai {
    /// Host of the API client.
    pub service_consumer_domain: String,
    /// Secret with the client token.
    pub client_token_secret_ref: SecretKeySelector,
    /// Secret with the client secret.
    pub client_secret_secret_ref: SecretKeySelector,
    /// Secret with the access token.
    pub access_token_secret_ref: SecretKeySelector,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// Google Cloud DNS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CloudDns {
    /// Secret with the key file of a service account; what the process runs with unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_secret_ref: Option<SecretKeySelector>,
    /// Project that holds the zone.
    pub project: String,
    /// Name of the managed zone; found by the name unless given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hosted_zone_name: String,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// Cloudflare.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Cloudflare {
    /// Mail address of the account; with `apiKeySecretRef` only.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// Secret with the global API key. Either this or `apiTokenSecretRef`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_secret_ref: Option<SecretKeySelector>,
    /// Secret with an API token, which can be bound to single zones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_token_secret_ref: Option<SecretKeySelector>,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// Amazon Route 53.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Route53 {
    /// How the process proves who it is; by keys or by what it runs with unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<Route53Auth>,
    /// Id of the access key. Not together with `accessKeyIDSecretRef`.
    #[serde(rename = "accessKeyID", skip_serializing_if = "String::is_empty")]
    pub access_key_id: String,
    /// Secret with the id of the access key.
    #[serde(rename = "accessKeyIDSecretRef", skip_serializing_if = "Option::is_none")]
    pub access_key_id_secret_ref: Option<SecretKeySelector>,
    /// Secret with the access key.
    #[schemars(extend("x-optional" = true))]
    pub secret_access_key_secret_ref: SecretKeySelector,
    /// Role to assume.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// Id of the hosted zone; found by the name unless given.
    #[serde(rename = "hostedZoneID", skip_serializing_if = "String::is_empty")]
    pub hosted_zone_id: String,
    /// Region to sign for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// How the process proves who it is to AWS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Route53Auth {
    /// By the token of a ServiceAccount.
    pub kubernetes: Route53KubernetesAuth,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// By the token of a ServiceAccount.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Route53KubernetesAuth {
    /// The ServiceAccount to ask a token for.
    pub service_account_ref: ServiceAccountRef,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// Azure DNS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AzureDns {
    /// Id of a service principal, together with `clientSecretSecretRef` and `tenantID`.
    #[serde(rename = "clientID", skip_serializing_if = "String::is_empty")]
    pub client_id: String,
    /// Secret with the password of the service principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret_secret_ref: Option<SecretKeySelector>,
    /// Subscription that holds the zone.
    #[serde(rename = "subscriptionID")]
    pub subscription_id: String,
    /// Tenant of the service principal.
    #[serde(rename = "tenantID", skip_serializing_if = "String::is_empty")]
    pub tenant_id: String,
    /// Resource group that holds the zone.
    pub resource_group_name: String,
    /// Name of the zone; found by the name unless given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hosted_zone_name: String,
    /// Azure cloud; `AzurePublicCloud` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<AzureEnvironment>,
    /// Managed identity to use, instead of a service principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_identity: Option<ManagedIdentity>,
    /// Whether the zone is public or private; public unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone_type: Option<AzureZoneType>,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// A managed identity of Azure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ManagedIdentity {
    /// Client id of the identity. Not together with `resourceID`.
    #[serde(rename = "clientID", skip_serializing_if = "String::is_empty")]
    pub client_id: String,
    /// Resource id of the identity.
    #[serde(rename = "resourceID", skip_serializing_if = "String::is_empty")]
    pub resource_id: String,
    /// Tenant of the identity; with `clientID` only.
    #[serde(rename = "tenantID", skip_serializing_if = "String::is_empty")]
    pub tenant_id: String,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// DigitalOcean.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DigitalOcean {
    /// Secret with an API token.
    pub token_secret_ref: SecretKeySelector,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// A server of acme-dns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AcmeDns {
    /// URL of the server.
    pub host: String,
    /// Secret with the accounts, a JSON object from domain to account.
    pub account_secret_ref: SecretKeySelector,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// Dynamic updates to a server of the zone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Rfc2136 {
    /// Server that takes updates, a host or address and perhaps a port; 53 unless given.
    pub nameserver: String,
    /// Secret with the TSIG key, together with `tsigKeyName`.
    #[schemars(extend("x-optional" = true))]
    pub tsig_secret_secret_ref: SecretKeySelector,
    /// Name of the TSIG key.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tsig_key_name: String,
    /// `HMACMD5`, `HMACSHA1`, `HMACSHA256` or `HMACSHA512`; `HMACMD5` unless given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tsig_algorithm: String,
    /// Transport of the updates; UDP unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<UpdateProtocol>,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// A solver of somebody else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Webhook {
    /// API group of the solver.
    pub group_name: String,
    /// Name of the solver in that group.
    pub solver_name: String,
    /// What the solver is told, in a form of its own. Not a place for secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<WebhookConfig>,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// Configuration of a webhook solver: JSON that means something to the solver alone, kept byte for byte and redacted in `Debug`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebhookConfig(Box<RawValue>);

impl WebhookConfig {
    /// The JSON text.
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

impl From<Box<RawValue>> for WebhookConfig {
    fn from(json: Box<RawValue>) -> Self {
        Self(json)
    }
}

impl JsonSchema for WebhookConfig {
    fn schema_name() -> Cow<'static, str> {
        "WebhookConfig".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"x-kubernetes-preserve-unknown-fields": true})
    }
}

impl PartialEq for WebhookConfig {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl fmt::Debug for WebhookConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookConfig(..)")
    }
}

open_enum! {
    /// Whether aliases are followed.
    CnameStrategy {
        /// They are not.
        None = "None",
        /// They are.
        Follow = "Follow",
    }
}

open_enum! {
    /// Azure cloud.
    AzureEnvironment {
        /// The public cloud.
        Public = "AzurePublicCloud",
        /// China.
        China = "AzureChinaCloud",
        /// Germany.
        German = "AzureGermanCloud",
        /// The government of the United States.
        UsGovernment = "AzureUSGovernmentCloud",
    }
}

open_enum! {
    /// Kind of a zone in Azure.
    AzureZoneType {
        /// A public zone.
        Public = "AzurePublicZone",
        /// A private zone.
        Private = "AzurePrivateZone",
    }
}

open_enum! {
    /// Transport of dynamic updates.
    UpdateProtocol {
        /// TCP.
        Tcp = "TCP",
        /// UDP.
        Udp = "UDP",
    }
}
