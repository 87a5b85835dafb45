//! What the Secret holds besides the PEM files: key stores under a password and further forms.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::open::open_enum;
use crate::crd::reference::SecretKeySelector;

/// A further file made of key and chain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AdditionalOutputFormat {
    /// `DER` writes the key as `key.der`, `CombinedPEM` writes key and chain as `tls-combined.pem`.
    #[serde(rename = "type")]
    pub kind: OutputFormat,
}

/// Key stores under a password.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct JksKeystore {
    /// Whether the key store is made. False takes away one that was made.
    pub create: bool,
    /// Alias of the entry of the private key; `certificate` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Where the password stands, in a Secret of the same namespace. Either this or `password`.
    #[schemars(extend("x-optional" = true))]
    pub password_secret_ref: SecretKeySelector,
    /// The password itself, for tools that insist on one. Either this or `passwordSecretRef`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
}

/// A PKCS#12 file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Pkcs12Keystore {
    /// Whether the file is made. False takes away one that was made.
    pub create: bool,
    /// Algorithms of the file, from the oldest readers (`LegacyRC2`, used unless given) to the newest (`Modern2026`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Pkcs12Profile>,
    /// Where the password stands, in a Secret of the same namespace. Either this or `password`.
    #[schemars(extend("x-optional" = true))]
    pub password_secret_ref: SecretKeySelector,
    /// The password itself, for tools that insist on one. Either this or `passwordSecretRef`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
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
