//! Private keys held in this process.

use std::fmt;

use async_trait::async_trait;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{PrivateKeyDer, SubjectPublicKeyInfoDer, alg_id};
use zeroize::Zeroize as _;

use super::envelope::{self, Family};
use super::provider::{self, KeyPair};
use super::x509::Scheme;
use super::{Encoding, KeyType, SignatureAlgorithm, Signer, x509};
use crate::der::{self, PublicKeyInfo};
use crate::{Error, ErrorKind, Secret, pem};

/// A private key in memory: a [`Signer`], and the PKCS #8 to keep.
///
/// Make one with [`generate`](Self::generate), keep [`to_pkcs8_der`](Self::to_pkcs8_der) or [`to_pem`](Self::to_pem),
/// and read it back with [`from_pkcs8_der`](Self::from_pkcs8_der) or [`from_pem`](Self::from_pem). For programs that want
/// PKCS #1 or SEC 1 there are [`to_pem_as`](Self::to_pem_as) and [`to_der_as`](Self::to_der_as).
pub struct PrivateKey {
    pair: KeyPair,
    kind: KeyType,
    algorithm: SignatureAlgorithm,
    public: SubjectPublicKeyInfoDer<'static>,
    pkcs8: Secret<Vec<u8>>,
}

impl PrivateKey {
    /// A new key.
    ///
    /// # Errors
    /// `Unsupported` when the provider of this build cannot make such a key, `Internal` when it fails.
    pub fn generate(kind: KeyType) -> Result<Self, Error> {
        let provider::Generated { pair, pkcs8 } = provider::generate(kind)?;
        Ok(Self::new(pair, kind, pkcs8))
    }

    /// Reads an unencrypted PKCS #8 key (RFC 5958).
    ///
    /// # Errors
    /// `Malformed` when it is no such key; `Unsupported` when its type is not known here, or the provider of this build lacks it (ring:
    /// P-521, RSA of other sizes than 2048, 3072 and 4096 bits); `Refused` when it is weak, as [`PublicKey::refuse_weak`](super::PublicKey::refuse_weak) says.
    pub fn from_pkcs8_der(pkcs8: Secret<Vec<u8>>) -> Result<Self, Error> {
        let family = Family::of(pkcs8.expose())?;
        let pair = KeyPair::from_pkcs8(family, pkcs8.expose())?;
        let kind = match family {
            Family::Ec(kind) => kind,
            Family::Ed25519 => KeyType::Ed25519,
            Family::Rsa(bits) => rsa_type(bits),
        };
        Ok(Self::new(pair, kind, pkcs8))
    }

    /// Reads an unencrypted key in DER: PKCS #8, PKCS #1 (RSAPrivateKey) or SEC 1 (ECPrivateKey that names its curve).
    ///
    /// # Errors
    /// As [`from_pkcs8_der`](Self::from_pkcs8_der).
    pub fn from_der(der: Secret<Vec<u8>>) -> Result<Self, Error> {
        Self::from_pkcs8_der(envelope::to_pkcs8(der)?)
    }

    /// Reads the first private key of a PEM text: PKCS #8, PKCS #1 (`RSA PRIVATE KEY`) or SEC 1 (`EC PRIVATE KEY`).
    ///
    /// # Errors
    /// As [`from_pkcs8_der`](Self::from_pkcs8_der).
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        let mut found = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| {
            let encrypted = pem.contains("ENCRYPTED");
            Error::new(
                ErrorKind::Malformed,
                if encrypted { envelope::ENCRYPTED } else { "the text holds no private key in PEM" },
            )
        })?;
        let der = Secret::new(found.secret_der().to_vec());
        found.zeroize();
        Self::from_der(der)
    }

    /// The same key, signing with `algorithm` from now on: RSA with SHA-384 or SHA-512.
    ///
    /// A key on disk does not remember it: ask again after reading the key back.
    ///
    /// # Errors
    /// `Malformed` when it is no algorithm of this type of key.
    pub fn signing_with(self, algorithm: SignatureAlgorithm) -> Result<Self, Error> {
        let (asked, usual) = (Scheme::from(algorithm), Scheme::from(self.kind.algorithm()));
        let both_rsa = matches!((asked, usual), (Scheme::RsaPkcs1(_), Scheme::RsaPkcs1(_)));
        if !both_rsa && algorithm != self.kind.algorithm() {
            let (asked, usual) = (algorithm.jose(), self.kind.algorithm().jose());
            let what = format!("a key of type {} cannot sign with {asked}: take {usual}", self.kind);
            return Err(Error::new(ErrorKind::Malformed, what));
        }
        Ok(Self { algorithm, ..self })
    }

    /// The key as PKCS #8 (DER), as it was read or made.
    pub fn to_pkcs8_der(&self) -> &Secret<Vec<u8>> {
        &self.pkcs8
    }

    /// The key as PKCS #8 in PEM (`PRIVATE KEY`).
    pub fn to_pem(&self) -> Secret<String> {
        Secret::new(pem::encode(Encoding::Pkcs8.label(self.kind.into()), self.pkcs8.expose()))
    }

    /// The key in DER, in the structure asked for.
    pub fn to_der_as(&self, encoding: Encoding) -> Secret<Vec<u8>> {
        let traditional = match encoding {
            Encoding::Pkcs8 => None,
            Encoding::Traditional => envelope::to_traditional(self.pkcs8.expose(), self.pair.public_key()),
        };
        traditional.unwrap_or_else(|| Secret::new(self.pkcs8.expose().clone()))
    }

    /// The key in PEM, in the structure asked for.
    pub fn to_pem_as(&self, encoding: Encoding) -> Secret<String> {
        Secret::new(pem::encode(encoding.label(self.kind.into()), self.to_der_as(encoding).expose()))
    }

    /// What kind of key it is.
    pub fn key_type(&self) -> KeyType {
        self.kind
    }

    /// Signs `message` without waiting for anything; [`Signer::sign`] for those who hold the key itself.
    ///
    /// # Errors
    /// `Internal` when the provider fails.
    pub fn sign_now(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.pair.sign(self.algorithm.into(), message)
    }

    fn new(pair: KeyPair, kind: KeyType, pkcs8: Secret<Vec<u8>>) -> Self {
        let identifier = match kind {
            KeyType::EcdsaP256 => alg_id::ECDSA_P256,
            KeyType::EcdsaP384 => alg_id::ECDSA_P384,
            KeyType::EcdsaP521 => alg_id::ECDSA_P521,
            KeyType::Rsa2048 | KeyType::Rsa3072 | KeyType::Rsa4096 | KeyType::Rsa8192 | KeyType::RsaOf(_) => {
                alg_id::RSA_ENCRYPTION
            }
            KeyType::Ed25519 => alg_id::ED25519,
        };
        let content =
            [der::write(der::SEQUENCE, identifier.as_ref()), der::write_bit_string(pair.public_key())].concat();
        let public = SubjectPublicKeyInfoDer::from(der::write(der::SEQUENCE, &content));
        Self { pair, kind, algorithm: kind.algorithm(), public, pkcs8 }
    }
}

#[async_trait]
impl Signer for PrivateKey {
    fn public_key(&self) -> &SubjectPublicKeyInfoDer<'static> {
        &self.public
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.sign_now(message)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.kind)
    }
}

/// Checks a signature in the form of X.509 (DER for ECDSA) against the public key that made it.
///
/// # Errors
/// `Refused` when the signature is not the key's, `Malformed` when the key is none of `algorithm`'s, `Unsupported` when the provider of this build lacks it.
pub fn verify(
    algorithm: SignatureAlgorithm,
    public_key: &SubjectPublicKeyInfoDer<'_>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Error> {
    let wanted = match algorithm {
        SignatureAlgorithm::EcdsaP256Sha256 => alg_id::ECDSA_P256,
        SignatureAlgorithm::EcdsaP384Sha384 => alg_id::ECDSA_P384,
        SignatureAlgorithm::EcdsaP521Sha512 => alg_id::ECDSA_P521,
        SignatureAlgorithm::RsaPkcs1Sha256
        | SignatureAlgorithm::RsaPkcs1Sha384
        | SignatureAlgorithm::RsaPkcs1Sha512 => alg_id::RSA_ENCRYPTION,
        SignatureAlgorithm::Ed25519 => alg_id::ED25519,
    };
    match PublicKeyInfo::read(public_key) {
        Some(info) if info.algorithm == wanted.as_ref() => x509::check(algorithm.into(), info.key, message, signature),
        _ => Err(Error::new(ErrorKind::Malformed, format!("not a public key that signs with {}", algorithm.jose()))),
    }
}

/// Of a size that no key has here, the next one that there is.
fn rsa_type(bits: usize) -> KeyType {
    let usual = if bits < 2048 { KeyType::Rsa2048 } else { KeyType::Rsa8192 };
    u16::try_from(bits).ok().and_then(|bits| KeyType::rsa(bits).ok()).unwrap_or(usual)
}
