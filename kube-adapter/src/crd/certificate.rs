//! Certificate: what is wanted, in which Secret, from whom.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

use crate::crd::condition::Conditions;
use crate::crd::duration::GoDuration;
use crate::crd::open::{open_enum, root};
use crate::crd::reference::{IssuerRef, SecretKeySelector};
use crate::crd::time::Time;

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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OtherName {
    /// Object identifier of the kind of name, dotted.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub oid: String,
    /// The name as UTF-8 text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub utf8_value: String,
}

/// Kind, form and rotation of the private key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PrivateKey {
    /// `Always` makes a new key for each certificate, `Never` keeps the one in the Secret; `Always` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation_policy: Option<RotationPolicy>,
    /// How the key is written: `PKCS1` (for ECDSA the SEC 1 form) or `PKCS8`; `PKCS1` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<PrivateKeyEncoding>,
    /// Kind of the key; `RSA` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<PrivateKeyAlgorithm>,
    /// Bits of an RSA key (2048 to 8192, 2048 unless given) or of the curve of an ECDSA key (256, 384 or 521, 256 unless given).
    #[serde(skip_serializing_if = "crate::crd::open::is_default")]
    pub size: i64,
}

/// A further file made of key and chain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AdditionalOutputFormat {
    /// `DER` writes the key as `key.der`, `CombinedPEM` writes key and chain as `tls-combined.pem`.
    #[serde(rename = "type")]
    pub kind: OutputFormat,
}

/// Labels and annotations for the Secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SecretTemplate {
    /// Annotations for the Secret. Keys below `cert-manager.io/` are refused, except `cert-manager.io/allow-direct-injection`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Labels for the Secret.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Key stores under a password.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Keystores {
    /// A Java key store, `keystore.jks`, and `truststore.jks` where the authority is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jks: Option<JksKeystore>,
    /// A PKCS#12 file, `keystore.p12`, and `truststore.p12` where the authority is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pkcs12: Option<Pkcs12Keystore>,
}

/// A Java key store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JksKeystore {
    /// Whether the key store is made. False takes away one that was made.
    pub create: bool,
    /// Alias of the entry of the private key; `certificate` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Where the password stands, in a Secret of the same namespace. Either this or `password`.
    pub password_secret_ref: SecretKeySelector,
    /// The password itself, for tools that insist on one. Either this or `passwordSecretRef`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
}

/// A PKCS#12 file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Pkcs12Keystore {
    /// Whether the file is made. False takes away one that was made.
    pub create: bool,
    /// Algorithms of the file, from the oldest readers (`LegacyRC2`, used unless given) to the newest (`Modern2026`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Pkcs12Profile>,
    /// Where the password stands, in a Secret of the same namespace. Either this or `password`.
    pub password_secret_ref: SecretKeySelector,
    /// The password itself, for tools that insist on one. Either this or `passwordSecretRef`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
}

/// Whether and when a certificate is renewed for its age.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Renewal {
    /// `RenewBefore` renews in time, `Disabled` never renews for age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<RenewalPolicy>,
    /// Windows of time that renewals prefer. A certificate that would not live until the next one is renewed all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<RenewalWindow>,
}

/// A recurring window of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RenewalWindow {
    /// Time zone that the start is meant in, by its IANA name; UTC unless given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub timezone: String,
    /// How long the window is open, in hours, minutes and seconds, for example `2h30m`.
    pub window_duration: GoDuration,
    /// When the window opens, as the five fields of cron: minute, hour, day of month, month, day of week.
    pub cron: String,
}

/// Names that an authority may sign for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    pub revision: Option<i64>,
    /// Name of the Secret that holds the next private key while a certificate is being fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_private_key_secret_name: Option<String>,
    /// How many attempts failed in a row; absent after a success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_issuance_attempts: Option<i64>,
    /// What an ACME server said of the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acme: Option<CertificateAcmeStatus>,
}

/// What an ACME server said of a certificate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CertificateAcmeStatus {
    /// Renewal information (RFC 9773) of the certificate in the Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ari: Option<RenewalInformation>,
}

/// Renewal information as it was read last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RenewalInformation {
    /// Window in which the server wants the certificate renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggested_window: Option<SuggestedWindow>,
    /// Page of the server that tells why the window is where it is.
    #[serde(rename = "explanationURL", skip_serializing_if = "String::is_empty")]
    pub explanation_url: String,
    /// When the server was asked last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_checked: Option<Time>,
    /// When the server will be asked again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_check: Option<Time>,
    /// Why the last question had no answer; empty when it had one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_error: String,
}

/// A window of time for renewal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SuggestedWindow {
    /// Beginning of the window.
    pub start: Option<Time>,
    /// End of the window.
    pub end: Option<Time>,
}

open_enum! {
    /// What a key may be used for, as key usage or extended key usage (RFC 5280, section 4.2.1).
    KeyUsage {
        /// Signatures; the same as [`DigitalSignature`](Self::DigitalSignature).
        Signing = "signing",
        /// Signatures other than those on certificates and revocation lists.
        DigitalSignature = "digital signature",
        /// Signatures that shall not be denied later.
        ContentCommitment = "content commitment",
        /// Encryption of keys.
        KeyEncipherment = "key encipherment",
        /// Agreement on keys.
        KeyAgreement = "key agreement",
        /// Encryption of data.
        DataEncipherment = "data encipherment",
        /// Signatures on certificates.
        CertSign = "cert sign",
        /// Signatures on revocation lists.
        CrlSign = "crl sign",
        /// Encryption alone, with key agreement.
        EncipherOnly = "encipher only",
        /// Decryption alone, with key agreement.
        DecipherOnly = "decipher only",
        /// Every extended usage.
        Any = "any",
        /// TLS servers.
        ServerAuth = "server auth",
        /// TLS clients.
        ClientAuth = "client auth",
        /// Signatures on code.
        CodeSigning = "code signing",
        /// Protection of mail.
        EmailProtection = "email protection",
        /// Protection of mail; the same as [`EmailProtection`](Self::EmailProtection).
        SMime = "s/mime",
        /// Hosts that speak IPsec.
        IpsecEndSystem = "ipsec end system",
        /// Tunnels of IPsec.
        IpsecTunnel = "ipsec tunnel",
        /// Users of IPsec.
        IpsecUser = "ipsec user",
        /// Time stamps.
        Timestamping = "timestamping",
        /// Answers of OCSP.
        OcspSigning = "ocsp signing",
        /// Microsoft's server gated cryptography.
        MicrosoftSgc = "microsoft sgc",
        /// Netscape's server gated cryptography.
        NetscapeSgc = "netscape sgc",
    }
}

open_enum! {
    /// Kind of a private key.
    PrivateKeyAlgorithm {
        /// RSA.
        Rsa = "RSA",
        /// ECDSA on one of the NIST curves.
        Ecdsa = "ECDSA",
        /// Ed25519.
        Ed25519 = "Ed25519",
    }
}

open_enum! {
    /// Form in which a private key is written.
    PrivateKeyEncoding {
        /// PKCS#1 for RSA, SEC 1 for ECDSA.
        Pkcs1 = "PKCS1",
        /// PKCS#8.
        Pkcs8 = "PKCS8",
    }
}

open_enum! {
    /// What happens to the private key when a certificate is replaced.
    RotationPolicy {
        /// It stays.
        Never = "Never",
        /// It is replaced as well.
        Always = "Always",
    }
}

open_enum! {
    /// Algorithm of the signature on a signing request.
    SignatureAlgorithm {
        /// RSA with SHA-256.
        Sha256WithRsa = "SHA256WithRSA",
        /// RSA with SHA-384.
        Sha384WithRsa = "SHA384WithRSA",
        /// RSA with SHA-512.
        Sha512WithRsa = "SHA512WithRSA",
        /// ECDSA with SHA-256.
        EcdsaWithSha256 = "ECDSAWithSHA256",
        /// ECDSA with SHA-384.
        EcdsaWithSha384 = "ECDSAWithSHA384",
        /// ECDSA with SHA-512.
        EcdsaWithSha512 = "ECDSAWithSHA512",
        /// Ed25519.
        PureEd25519 = "PureEd25519",
    }
}

open_enum! {
    /// A file made of key and chain.
    OutputFormat {
        /// The key in DER, `key.der`.
        Der = "DER",
        /// Key and chain in one PEM file, `tls-combined.pem`.
        CombinedPem = "CombinedPEM",
    }
}

impl Default for OutputFormat {
    fn default() -> Self {
        Self::Other(String::new())
    }
}

open_enum! {
    /// Algorithms of a PKCS#12 file.
    Pkcs12Profile {
        /// RC2 and triple DES with SHA-1, for the oldest readers.
        LegacyRc2 = "LegacyRC2",
        /// Triple DES with SHA-1.
        LegacyDes = "LegacyDES",
        /// AES-256 with SHA-256.
        Modern2023 = "Modern2023",
        /// AES-256 with a PBMAC1.
        Modern2026 = "Modern2026",
    }
}

open_enum! {
    /// Whether a certificate is renewed for its age.
    RenewalPolicy {
        /// In time before its end.
        RenewBefore = "RenewBefore",
        /// Never.
        Disabled = "Disabled",
    }
}

/// A password that stands in a spec in plain text: redacted in `Debug`, and nowhere else a secret.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// The password itself. Do not log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}
