//! Keys that sign: account keys, the keys of certificate authorities, keys behind hardware and key services.

mod encoding;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod envelope;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod private;
#[cfg(feature = "aws-lc-rs")]
#[path = "key/aws_lc_rs.rs"]
mod provider;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
#[path = "key/ring.rs"]
mod provider;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod pss;
mod public;
mod rsa_size;
#[cfg(all(feature = "aws-lc-rs", feature = "rsa-sizes"))]
mod rsa_sizes;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod spares;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod x509;

use std::fmt;

use async_trait::async_trait;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, text};

pub use encoding::Encoding;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub use private::{PrivateKey, verify};
pub use public::{PublicKey, PublicKeyType};
pub use rsa_size::RsaSize;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub use spares::Spares;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub use x509::verify_x509;

/// Signs with a private key that never shows itself.
///
/// # Contract
/// 1. `public_key` and `algorithm` never change during the life of the value.
/// 2. `sign` hashes `message` itself and answers in the form that X.509 uses: DER for ECDSA, the bare octets for RSA and Ed25519.
/// 3. `sign` may be called at the same time by any number of callers.
/// 4. A key that is out of reach for now is an error whose `retry` is not `Never`.
#[async_trait]
pub trait Signer: Send + Sync {
    /// The public half.
    fn public_key(&self) -> &SubjectPublicKeyInfoDer<'static>;

    /// How [`sign`](Self::sign) signs.
    fn algorithm(&self) -> SignatureAlgorithm;

    /// Signs `message`.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error>;
}

/// A signature algorithm with its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// ECDSA over P-256 with SHA-256 (JOSE: ES256).
    EcdsaP256Sha256,
    /// ECDSA over P-384 with SHA-384 (JOSE: ES384).
    EcdsaP384Sha384,
    /// ECDSA over P-521 with SHA-512 (JOSE: ES512).
    EcdsaP521Sha512,
    /// RSA PKCS #1 v1.5 with SHA-256 (JOSE: RS256).
    RsaPkcs1Sha256,
    /// RSA PKCS #1 v1.5 with SHA-384 (JOSE: RS384).
    RsaPkcs1Sha384,
    /// RSA PKCS #1 v1.5 with SHA-512 (JOSE: RS512).
    RsaPkcs1Sha512,
    /// Ed25519 (JOSE: EdDSA).
    Ed25519,
}

impl SignatureAlgorithm {
    /// Reads cert-manager's word for the signature of a request (`spec.signatureAlgorithm`) for a key of `kind`: `SHA384WithRSA`, `ECDSAWithSHA256`, `PureEd25519`, …
    ///
    /// # Errors
    /// `Malformed` when it is no such word, or none for this kind of key; `Unsupported` for ECDSA with a hash that is not the curve's.
    pub fn for_request(word: &str, kind: KeyType) -> Result<Self, Error> {
        let curve = kind.algorithm();
        let allowed: &[(&str, Self)] = match kind {
            KeyType::Rsa2048 | KeyType::Rsa3072 | KeyType::Rsa4096 | KeyType::Rsa8192 | KeyType::RsaOf(_) => &[
                ("SHA256WithRSA", Self::RsaPkcs1Sha256),
                ("SHA384WithRSA", Self::RsaPkcs1Sha384),
                ("SHA512WithRSA", Self::RsaPkcs1Sha512),
            ],
            KeyType::EcdsaP256 | KeyType::EcdsaP384 | KeyType::EcdsaP521 => &[
                ("ECDSAWithSHA256", Self::EcdsaP256Sha256),
                ("ECDSAWithSHA384", Self::EcdsaP384Sha384),
                ("ECDSAWithSHA512", Self::EcdsaP521Sha512),
            ],
            KeyType::Ed25519 => &[("PureEd25519", Self::Ed25519)],
        };
        let named = |it: Self| allowed.iter().find(|(_, algorithm)| *algorithm == it).map_or("", |(word, _)| *word);
        match allowed.iter().find(|(known, _)| *known == word) {
            Some((_, algorithm)) if named(curve).starts_with("ECDSA") && *algorithm != curve => Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "{kind} signs with the hash of its curve here: take {}, or leave the signature algorithm out",
                    named(curve)
                ),
            )),
            Some((_, algorithm)) => Ok(*algorithm),
            None => {
                let words: Vec<_> = allowed.iter().map(|(word, _)| *word).collect();
                let word = text::printable(word, 40);
                Err(Error::new(
                    ErrorKind::Malformed,
                    format!(
                        "{word:?} is no signature algorithm for {kind}: the allowed signature algorithms are {words:?}"
                    ),
                ))
            }
        }
    }

    /// The name in JOSE (RFC 7518 section 3.1, RFC 8037 section 3.1).
    pub fn jose(self) -> &'static str {
        match self {
            Self::EcdsaP256Sha256 => "ES256",
            Self::EcdsaP384Sha384 => "ES384",
            Self::EcdsaP521Sha512 => "ES512",
            Self::RsaPkcs1Sha256 => "RS256",
            Self::RsaPkcs1Sha384 => "RS384",
            Self::RsaPkcs1Sha512 => "RS512",
            Self::Ed25519 => "EdDSA",
        }
    }

    /// The name in X.509: the DER of an AlgorithmIdentifier, its SEQUENCE included (RFC 4055 section 5, RFC 5758 section 3.2, RFC 8410 section 3).
    pub fn x509(self) -> &'static [u8] {
        match self {
            Self::EcdsaP256Sha256 => b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02",
            Self::EcdsaP384Sha384 => b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03",
            Self::EcdsaP521Sha512 => b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x04",
            Self::RsaPkcs1Sha256 => b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00",
            Self::RsaPkcs1Sha384 => b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c\x05\x00",
            Self::RsaPkcs1Sha512 => b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d\x05\x00",
            Self::Ed25519 => b"\x30\x05\x06\x03\x2b\x65\x70",
        }
    }
}

/// A kind of private key that can be generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[non_exhaustive]
pub enum KeyType {
    /// ECDSA over P-256: small, fast, and taken by every certificate authority.
    #[default]
    EcdsaP256,
    /// ECDSA over P-384.
    EcdsaP384,
    /// ECDSA over P-521; refused by public certificate authorities, and by the ring provider.
    EcdsaP521,
    /// RSA with a modulus of 2048 bits.
    Rsa2048,
    /// RSA with a modulus of 3072 bits.
    Rsa3072,
    /// RSA with a modulus of 4096 bits.
    Rsa4096,
    /// RSA with a modulus of 8192 bits: slow to make and to sign with; taken by few public certificate authorities, and not by the ring provider.
    Rsa8192,
    /// RSA with a modulus of another size: [`KeyType::rsa`]. Few ask for one, and ring has none.
    RsaOf(RsaSize),
    /// Ed25519; refused by public certificate authorities.
    Ed25519,
}

impl KeyType {
    /// How a key of this type signs unless asked otherwise.
    pub fn algorithm(self) -> SignatureAlgorithm {
        match self {
            Self::EcdsaP256 => SignatureAlgorithm::EcdsaP256Sha256,
            Self::EcdsaP384 => SignatureAlgorithm::EcdsaP384Sha384,
            Self::EcdsaP521 => SignatureAlgorithm::EcdsaP521Sha512,
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 | Self::Rsa8192 | Self::RsaOf(_) => {
                SignatureAlgorithm::RsaPkcs1Sha256
            }
            Self::Ed25519 => SignatureAlgorithm::Ed25519,
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EcdsaP256 => "ECDSA P-256",
            Self::EcdsaP384 => "ECDSA P-384",
            Self::EcdsaP521 => "ECDSA P-521",
            Self::Rsa2048 => "RSA 2048",
            Self::Rsa3072 => "RSA 3072",
            Self::Rsa4096 => "RSA 4096",
            Self::Rsa8192 => "RSA 8192",
            Self::RsaOf(size) => return write!(f, "RSA {size}"),
            Self::Ed25519 => "Ed25519",
        })
    }
}
