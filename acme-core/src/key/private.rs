//! Private keys held in this process.

use std::fmt;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{PrivateKeyDer, SubjectPublicKeyInfoDer, alg_id};
use zeroize::Zeroize as _;

use super::provider::{self, KeyPair};
use super::{KeyType, SignatureAlgorithm, Signer, x509};
use crate::der::{self, PublicKeyInfo, Reader, RsaPublicKey};
use crate::{Error, ErrorKind, Secret};

/// A private key in memory: a [`Signer`], and the PKCS #8 to keep.
///
/// Make one with [`generate`](Self::generate), keep [`to_pkcs8_der`](Self::to_pkcs8_der) or [`to_pem`](Self::to_pem),
/// and read it back with [`from_pkcs8_der`](Self::from_pkcs8_der) or [`from_pem`](Self::from_pem).
pub struct PrivateKey {
    pair: KeyPair,
    kind: KeyType,
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
    /// An RSA key of another size than [`KeyType`] names counts as the next smaller one.
    ///
    /// # Errors
    /// `Malformed` when it is no such key, `Unsupported` when the provider of this build lacks its type, `Refused` for RSA below 2048 bits.
    pub fn from_pkcs8_der(pkcs8: Secret<Vec<u8>>) -> Result<Self, Error> {
        let family = family(pkcs8.expose())?;
        let pair = KeyPair::from_pkcs8(family, pkcs8.expose())?;
        let kind = match family {
            Family::Ec(kind) => kind,
            Family::Ed25519 => KeyType::Ed25519,
            Family::Rsa => rsa_type(pair.public_key())?,
        };
        Ok(Self::new(pair, kind, pkcs8))
    }

    /// Reads the first private key of a PEM text: PKCS #8, PKCS #1 (`RSA PRIVATE KEY`) or SEC 1 (`EC PRIVATE KEY`).
    ///
    /// # Errors
    /// As [`from_pkcs8_der`](Self::from_pkcs8_der).
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        let mut found = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| {
            Error::new(
                ErrorKind::Malformed,
                if pem.contains("ENCRYPTED") {
                    "the private key is encrypted: decrypt it first (openssl pkey)"
                } else {
                    "the text holds no private key in PEM"
                },
            )
        })?;
        let pkcs8 = match &found {
            PrivateKeyDer::Pkcs8(key) => Some(key.secret_pkcs8_der().to_vec()),
            PrivateKeyDer::Pkcs1(key) => Some(wrap(alg_id::RSA_ENCRYPTION.as_ref(), key.secret_pkcs1_der())),
            PrivateKeyDer::Sec1(key) => wrap_sec1(key.secret_sec1_der()),
            _ => None,
        };
        found.zeroize();
        match pkcs8 {
            Some(pkcs8) => Self::from_pkcs8_der(Secret::new(pkcs8)),
            None => Err(not_a_key()),
        }
    }

    /// The key as PKCS #8 (DER), as it was read or made.
    pub fn to_pkcs8_der(&self) -> &Secret<Vec<u8>> {
        &self.pkcs8
    }

    /// The key as PKCS #8 in PEM (`PRIVATE KEY`).
    pub fn to_pem(&self) -> Secret<String> {
        let base64 = Secret::new(BASE64_STANDARD.encode(self.pkcs8.expose()));
        let lines = base64.expose().len().div_ceil(64);
        // Sized ahead: a string that grows leaves copies behind.
        let mut pem = String::with_capacity(base64.expose().len() + lines + 64);
        pem.push_str("-----BEGIN PRIVATE KEY-----\n");
        let mut rest = base64.expose().as_str();
        while !rest.is_empty() {
            let (line, more) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = more;
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        Secret::new(pem)
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
        self.pair.sign(message)
    }

    fn new(pair: KeyPair, kind: KeyType, pkcs8: Secret<Vec<u8>>) -> Self {
        let algorithm = match kind {
            KeyType::EcdsaP256 => alg_id::ECDSA_P256,
            KeyType::EcdsaP384 => alg_id::ECDSA_P384,
            KeyType::EcdsaP521 => alg_id::ECDSA_P521,
            KeyType::Rsa2048 | KeyType::Rsa3072 | KeyType::Rsa4096 => alg_id::RSA_ENCRYPTION,
            KeyType::Ed25519 => alg_id::ED25519,
        };
        let content =
            [der::write(der::SEQUENCE, algorithm.as_ref()), der::write_bit_string(pair.public_key())].concat();
        let public = SubjectPublicKeyInfoDer::from(der::write(der::SEQUENCE, &content));
        Self { pair, kind, public, pkcs8 }
    }
}

#[async_trait]
impl Signer for PrivateKey {
    fn public_key(&self) -> &SubjectPublicKeyInfoDer<'static> {
        &self.public
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.kind.algorithm()
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

/// What a PKCS #8 envelope says of the key inside.
#[derive(Clone, Copy)]
pub(super) enum Family {
    /// A curve.
    Ec(KeyType),
    /// RSA of a size that only the key itself tells.
    Rsa,
    /// Ed25519.
    Ed25519,
}

pub(super) fn not_a_key() -> Error {
    Error::new(
        ErrorKind::Malformed,
        "not an unencrypted PKCS #8 private key of a known type (ECDSA P-256, P-384 or P-521, RSA, Ed25519)",
    )
}

fn family(pkcs8: &[u8]) -> Result<Family, Error> {
    let algorithm = || {
        let mut fields = Reader::sequence(pkcs8)?;
        fields.unsigned()?;
        fields.value(der::SEQUENCE)
    };
    let algorithm = algorithm().ok_or_else(not_a_key)?;
    [
        (alg_id::ECDSA_P256, Family::Ec(KeyType::EcdsaP256)),
        (alg_id::ECDSA_P384, Family::Ec(KeyType::EcdsaP384)),
        (alg_id::ECDSA_P521, Family::Ec(KeyType::EcdsaP521)),
        (alg_id::RSA_ENCRYPTION, Family::Rsa),
        (alg_id::ED25519, Family::Ed25519),
    ]
    .into_iter()
    .find(|(known, _)| known.as_ref() == algorithm)
    .map(|(_, family)| family)
    .ok_or_else(not_a_key)
}

fn rsa_type(public_key: &[u8]) -> Result<KeyType, Error> {
    match RsaPublicKey::read(public_key).ok_or_else(not_a_key)?.bits() {
        4096.. => Ok(KeyType::Rsa4096),
        3072.. => Ok(KeyType::Rsa3072),
        2048.. => Ok(KeyType::Rsa2048),
        _ => Err(weak_rsa()),
    }
}

pub(super) fn weak_rsa() -> Error {
    Error::new(ErrorKind::Refused, "the RSA key is shorter than 2048 bits; make a new one")
}

/// PKCS #8 around a key.
pub(super) fn wrap(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let mut content =
        [der::write_unsigned(&[]), der::write(der::SEQUENCE, algorithm), der::write(der::OCTET_STRING, key)];
    let mut joined = content.concat();
    content.zeroize();
    let pkcs8 = der::write(der::SEQUENCE, &joined);
    joined.zeroize();
    pkcs8
}

/// PKCS #8 around an ECPrivateKey (RFC 5915), which has to name its curve.
fn wrap_sec1(key: &[u8]) -> Option<Vec<u8>> {
    const PARAMETERS: u8 = 0xa0;
    let mut fields = Reader::sequence(key)?;
    fields.unsigned()?;
    fields.value(der::OCTET_STRING)?;
    let curve = fields.value(PARAMETERS)?;
    [alg_id::ECDSA_P256, alg_id::ECDSA_P384, alg_id::ECDSA_P521]
        .into_iter()
        .find(|known| known.as_ref().ends_with(curve))
        .map(|known| wrap(known.as_ref(), key))
}
