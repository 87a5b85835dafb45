//! An ACME server as issuer: account, solvers, and which solver is for which name.

pub mod affinity;
pub mod dns01;
pub mod http01;
pub mod pod;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::acme::dns01::Dns01Solver;
use crate::crd::acme::http01::Http01Solver;
use crate::crd::base64::Base64;
use crate::crd::duration::GoDuration;
use crate::crd::open::{Unknown, open_enum};
use crate::crd::reference::SecretKeySelector;

/// An ACME server, the account there, and how names are proved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AcmeIssuer {
    /// Mail address of the account.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// URL of the server's directory.
    pub server: String,
    /// Common name of the authority at the top of the chain that is wanted; the server's default chain where none fits.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 64))]
    pub preferred_chain: String,
    /// PEM certificates that vouch for the server; those of the system unless given. Not together with `skipTLSVerify`.
    #[serde(skip_serializing_if = "Base64::is_empty")]
    pub ca_bundle: Base64,
    /// Whether the server's certificate is not checked at all. For tests; `caBundle` is the better way.
    #[serde(rename = "skipTLSVerify", skip_serializing_if = "crate::crd::open::is_default")]
    pub skip_tls_verify: bool,
    /// Account of the authority outside ACME to bind the account to (RFC 8555, section 7.3.4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_account_binding: Option<ExternalAccountBinding>,
    /// Secret that holds the account's key, below `tls.key` unless a key is named; made where it is missing.
    pub private_key_secret_ref: SecretKeySelector,
    /// How names are proved. The solver that fits a name best is used; without one, names need authorizations that are valid
    /// already.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub solvers: Vec<Solver>,
    /// Whether a missing account key is an error instead of being made.
    #[serde(skip_serializing_if = "crate::crd::open::is_default")]
    pub disable_account_key_generation: bool,
    /// Whether orders carry the lifetime that a Certificate asks for. Most public servers refuse it.
    #[serde(skip_serializing_if = "crate::crd::open::is_default")]
    pub enable_duration_feature: bool,
    /// Profile of the server to order by.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub profile: String,
    /// Where the time of renewal comes from: `ARI` asks the server (RFC 9773), `None` goes by the certificate alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-default" = "ARI"))]
    pub renewal_information_source: Option<RenewalInformationSource>,
}

/// An account of the authority outside ACME.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExternalAccountBinding {
    /// Id of the account's key.
    #[serde(rename = "keyID")]
    pub key_id: String,
    /// Secret with the MAC key in base64url without padding. The key of the Secret must be named.
    pub key_secret_ref: SecretKeySelector,
    /// Not used any more: HS256 it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_algorithm: Option<HmacAlgorithm>,
}

/// One way to prove names: exactly one of `http01` and `dns01`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Solver {
    /// Names the solver is for; all unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
    /// By a file on port 80. Not for wildcards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http01: Option<Http01Solver>,
    /// By a TXT record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns01: Option<Dns01Solver>,
    /// How long to wait after the answer was made before the server is told, instead of looking whether it can be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_instead_of_self_check: Option<GoDuration>,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// Names a solver is for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Selector {
    /// Labels that the Certificate must have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Exact names; they win over `dnsZones`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns_names: Vec<String>,
    /// Domains and all names below them; the longest wins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns_zones: Vec<String>,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// The account at an ACME server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AcmeIssuerStatus {
    /// URL of the account.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uri: String,
    /// Mail address the account has at the server.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_registered_email: String,
    /// Digest of the account's key, by which a change of key is noticed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_private_key_hash: String,
}

open_enum! {
    /// Algorithm of the external account binding.
    HmacAlgorithm {
        /// HMAC with SHA-256.
        Hs256 = "HS256",
        /// HMAC with SHA-384.
        Hs384 = "HS384",
        /// HMAC with SHA-512.
        Hs512 = "HS512",
    }
}

open_enum! {
    /// Where the time of renewal comes from.
    RenewalInformationSource {
        /// From the server (RFC 9773), where it knows.
        Ari = "ARI",
        /// From the certificate alone.
        None = "None",
    }
}
