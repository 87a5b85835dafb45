//! Certificate: what is wanted, in which Secret, from whom.

mod key;
mod output;
mod renewal;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::condition::Conditions;
use crate::crd::duration::GoDuration;
use crate::crd::open::root;
use crate::crd::reference::IssuerRef;
use crate::crd::time::Time;

pub use key::{KeyUsage, PrivateKey, PrivateKeyAlgorithm, PrivateKeyEncoding, RotationPolicy, SignatureAlgorithm};
pub use output::{
    AdditionalOutputFormat, JksKeystore, Keystores, OutputFormat, Password, Pkcs12Keystore, Pkcs12Profile,
};
pub use renewal::{CertificateAcmeStatus, Renewal, RenewalInformation, RenewalPolicy, RenewalWindow, SuggestedWindow};

/// A certificate that shall exist in a Secret and stay valid there.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Certificate {
    /// Metadata as every object of the API has it.
    pub metadata: ObjectMeta,
    /// What is wanted. It may be changed at any time; a change of what the certificate says leads to a new one.
    pub spec: CertificateSpec,
    /// What there is. Written by the controller alone.
    pub status: Option<CertificateStatus>,
}

root!(Certificate, "cert-manager.io", "Certificate", "certificates", NamespaceResourceScope);

/// What a [`Certificate`] asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CertificateSpec {
    /// Parts of the subject besides the common name. Not together with `literalSubject`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<X509Subject>,
    /// The whole subject as one RFC 4514 string, for example `CN=example,O=Org`. Not together with `commonName` or `subject`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub literal_subject: String,
    /// Common name of the subject, at most 64 characters. Servers are found by their alternative names; few need this.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub common_name: String,
    /// Lifetime to ask for, 2160h (90 days) unless given and at least 1h. Public authorities choose it themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<GoDuration>,
    /// How long before the end a new certificate is fetched: at least 5m and less than the lifetime; a third of the lifetime
    /// unless given. Not together with `renewBeforePercentage`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renew_before: Option<GoDuration>,
    /// The same as a share: renew when this percentage of the lifetime is left. Not together with `renewBefore`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renew_before_percentage: Option<i32>,
    /// Whether the certificate is renewed for its age, and when of the day or week.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewal: Option<Renewal>,
    /// DNS names the certificate is for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns_names: Vec<String>,
    /// IP addresses the certificate is for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ip_addresses: Vec<String>,
    /// URIs the certificate is for, for example SPIFFE identities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uris: Vec<String>,
    /// Alternative names of other kinds, each an object identifier and a UTF-8 text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_names: Vec<OtherName>,
    /// Mail addresses the certificate is for, bare and without display names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub email_addresses: Vec<String>,
    /// Name of the Secret that holds key and certificate, in the namespace of this object. Each Secret belongs to one
    /// Certificate.
    pub secret_name: String,
    /// Labels and annotations the Secret gets besides those of the controller; kept in step with this template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_template: Option<SecretTemplate>,
    /// Key stores under a password that the Secret holds besides the PEM files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keystores: Option<Keystores>,
    /// Who issues the certificate.
    pub issuer_ref: IssuerRef,
    /// Whether a certificate of an authority is asked for, one that may sign others.
    #[serde(rename = "isCA", skip_serializing_if = "crate::crd::open::is_default")]
    pub is_ca: bool,
    /// What the key may be used for; `digital signature` and `key encipherment` unless given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub usages: Vec<KeyUsage>,
    /// Kind, form and rotation of the private key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key: Option<PrivateKey>,
    /// Algorithm that signs the request; it must fit the kind of the key. The certificate itself is signed as the issuer likes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature_algorithm: Option<SignatureAlgorithm>,
    /// Whether the signing request carries the usages as extensions; true unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encode_usages_in_request: Option<bool>,
    /// How many CertificateRequests of this Certificate are kept, at least 1; 1 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision_history_limit: Option<i32>,
    /// Further files made of the same key and chain and kept in the same Secret.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additional_output_formats: Vec<AdditionalOutputFormat>,
    /// Names that an authority may sign for; only with `isCA`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_constraints: Option<NameConstraints>,
}

/// Parts of the subject besides the common name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct X509Subject {
    /// Organisations (O).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub organizations: Vec<String>,
    /// Countries (C).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<String>,
    /// Organisational units (OU).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub organizational_units: Vec<String>,
    /// Localities, for example cities (L).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub localities: Vec<String>,
    /// States or provinces (ST).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub provinces: Vec<String>,
    /// Street addresses (STREET).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub street_addresses: Vec<String>,
    /// Postal codes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub postal_codes: Vec<String>,
    /// Serial number of the subject, which is not that of the certificate.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub serial_number: String,
}

/// An alternative name of a kind that has no field of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OtherName {
    /// Object identifier of the kind of name, dotted.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub oid: String,
    /// The name as UTF-8 text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub utf8_value: String,
}

/// Labels and annotations for the Secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SecretTemplate {
    /// Annotations for the Secret. Keys below `cert-manager.io/` are refused, except `cert-manager.io/allow-direct-injection`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Labels for the Secret.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Names that an authority may sign for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NameConstraints {
    /// Whether the extension is marked critical.
    #[serde(skip_serializing_if = "crate::crd::open::is_default")]
    pub critical: bool,
    /// Names that are allowed. At least one of `permitted` and `excluded` is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permitted: Option<NameConstraintItem>,
    /// Names that are forbidden, whatever is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excluded: Option<NameConstraintItem>,
}

/// Names by kind, each standing for what is below it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NameConstraintItem {
    /// DNS names and everything below them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns_domains: Vec<String>,
    /// Ranges of IP addresses in CIDR form.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ip_ranges: Vec<String>,
    /// Mail addresses, hosts or domains.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub email_addresses: Vec<String>,
    /// Hosts of URIs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uri_domains: Vec<String>,
}

/// What became of a [`Certificate`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CertificateStatus {
    /// `Ready`: the Secret holds what the spec asks for, and it is valid. `Issuing`: a new certificate is being fetched, or
    /// fetching it failed.
    #[serde(skip_serializing_if = "Conditions::is_empty")]
    pub conditions: Conditions,
    /// When the last attempt failed; absent after a success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure_time: Option<Time>,
    /// Since when the certificate in the Secret is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Time>,
    /// Until when the certificate in the Secret is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Time>,
    /// When the next renewal is due; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewal_time: Option<Time>,
    /// How many certificates were issued, the one in the Secret included.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-plain" = true))]
    pub revision: Option<i64>,
    /// Name of the Secret that holds the next private key while a certificate is being fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_private_key_secret_name: Option<String>,
    /// How many attempts failed in a row; absent after a success.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-plain" = true))]
    pub failed_issuance_attempts: Option<i64>,
    /// What an ACME server said of the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acme: Option<CertificateAcmeStatus>,
}
