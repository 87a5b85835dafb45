//! Accounts (RFC 8555 sections 7.1.2 and 7.3).

use serde::{Deserialize, Serialize};

use super::{Url, statuses};
use crate::{Error, ErrorKind, Secret, text};

/// An account as the server shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AccountObject {
    /// Where it stands.
    pub status: AccountStatus,
    /// Whom to tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contact: Vec<String>,
    /// Whether the terms were agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms_of_service_agreed: Option<bool>,
    /// Where its orders are listed; many servers have no list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orders: Option<Url>,
}

statuses! {
    /// The status of an account (RFC 8555 section 7.1.6).
    AccountStatus {
        /// In use.
        Valid = "valid",
        /// Given up by its owner.
        Deactivated = "deactivated",
        /// Taken back by the server.
        Revoked = "revoked",
    }
}

/// What a new account is made with.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Registration {
    /// Whom to tell: URLs such as `mailto:ops@example.com`.
    pub contact: Vec<String>,
    /// Whether the owner agrees to the terms of service.
    pub terms_agreed: bool,
    /// The binding to an account elsewhere, where the server wants one.
    pub external_account: Option<ExternalAccount>,
}

impl Registration {
    /// A registration that agrees to the terms.
    pub fn agreeing_to_terms() -> Self {
        Self { terms_agreed: true, ..Self::default() }
    }

    /// Adds an e-mail address, with or without `mailto:`.
    #[must_use]
    pub fn with_email(mut self, address: &str) -> Self {
        let address = address.trim();
        self.contact.push(if address.starts_with("mailto:") {
            address.to_owned()
        } else {
            format!("mailto:{address}")
        });
        self
    }

    /// Binds to an account elsewhere.
    #[must_use]
    pub fn with_external_account(mut self, external_account: ExternalAccount) -> Self {
        self.external_account = Some(external_account);
        self
    }
}

/// An external account binding: the key that the certificate authority gave (RFC 8555 section 7.3.4). Signed with HS256, HS384 or HS512.
#[derive(Debug)]
pub struct ExternalAccount {
    key_id: String,
    key: Secret<Vec<u8>>,
    algorithm: HmacAlgorithm,
}

/// The hash of an external account binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum HmacAlgorithm {
    /// HMAC with SHA-256; what every certificate authority takes.
    #[default]
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
}

impl ExternalAccount {
    /// A binding from the key id and the MAC key as certificate authorities print it: base64url or base64, with or without padding.
    ///
    /// # Errors
    /// `Malformed` when the key is not base64 or empty.
    pub fn new(key_id: impl Into<String>, key: &str) -> Result<Self, Error> {
        use base64::Engine as _;
        let folded: String = key
            .trim()
            .trim_end_matches('=')
            .chars()
            .map(|it| match it {
                '+' => '-',
                '/' => '_',
                other => other,
            })
            .collect();
        let folded = Secret::new(folded);
        match base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(folded.expose()) {
            Ok(bytes) if !bytes.is_empty() => {
                Ok(Self { key_id: key_id.into(), key: Secret::new(bytes), algorithm: HmacAlgorithm::default() })
            }
            _ => Err(Error::new(
                ErrorKind::Malformed,
                "the MAC key of the external account is not base64: copy it again from the certificate authority",
            )),
        }
    }

    /// Signs with another hash.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: HmacAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// The key id.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The hash it signs with.
    pub fn algorithm(&self) -> HmacAlgorithm {
        self.algorithm
    }

    pub(crate) fn key(&self) -> &Secret<Vec<u8>> {
        &self.key
    }
}

impl std::fmt::Display for ExternalAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "external account {}", text::printable(&self.key_id, 80))
    }
}
