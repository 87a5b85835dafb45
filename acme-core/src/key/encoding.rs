//! The two ways in which a private key is written for others.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::PublicKeyType;
use crate::text;
use crate::{Error, ErrorKind};

/// In which structure a private key is written. Give it to `PrivateKey::to_pem_as` or `PrivateKey::to_der_as`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "complete by definition: the new structure, or that of the key's own kind")]
pub enum Encoding {
    /// PKCS #8 (RFC 5958), which every kind of key has.
    #[default]
    Pkcs8,
    /// The structure of the kind itself: PKCS #1 for RSA (RFC 8017 appendix A.1.2), SEC 1 for ECDSA (RFC 5915). Ed25519 has none and stays PKCS #8.
    Traditional,
}

impl Encoding {
    /// The encoding of the first private key in a PEM text, by what its first line says; `None` when there is none.
    pub fn of_pem(pem: &str) -> Option<Self> {
        pem.lines().find_map(|line| match line.trim_end() {
            "-----BEGIN PRIVATE KEY-----" => Some(Self::Pkcs8),
            "-----BEGIN RSA PRIVATE KEY-----" | "-----BEGIN EC PRIVATE KEY-----" => Some(Self::Traditional),
            _ => None,
        })
    }

    /// Reads it as cert-manager's `encoding` writes it: `PKCS1` or `PKCS8`.
    ///
    /// # Errors
    /// `Malformed` for anything else.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "PKCS1" => Ok(Self::Traditional),
            "PKCS8" => Ok(Self::Pkcs8),
            other => Err(Error::new(
                ErrorKind::Malformed,
                format!("the encoding of a key is PKCS1 or PKCS8, not {:?}", text::printable(other, 32)),
            )),
        }
    }

    /// What PEM calls a key of `kind` in this encoding.
    pub fn label(self, kind: PublicKeyType) -> &'static str {
        match (self, kind) {
            (Self::Pkcs8, _) | (Self::Traditional, PublicKeyType::Ed25519) => "PRIVATE KEY",
            (Self::Traditional, PublicKeyType::Rsa { .. }) => "RSA PRIVATE KEY",
            (Self::Traditional, PublicKeyType::EcdsaP256 | PublicKeyType::EcdsaP384 | PublicKeyType::EcdsaP521) => {
                "EC PRIVATE KEY"
            }
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pkcs8 => "PKCS8",
            Self::Traditional => "PKCS1",
        })
    }
}
