//! Keys by ring: no RSA generation, no P-521.

use ring::error::KeyRejected;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaEncoding, RsaKeyPair,
    UnparsedPublicKey, VerificationAlgorithm,
};
use rustls_pki_types::alg_id;
use zeroize::Zeroize as _;

use super::KeyType;
use super::envelope::{Family, not_a_key, wrap};
use super::x509::{Curve, Hash, Scheme};
use crate::{Error, ErrorKind, Secret, der};

pub(super) enum KeyPair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

pub(super) struct Generated {
    pub(super) pair: KeyPair,
    pub(super) pkcs8: Secret<Vec<u8>>,
}

pub(super) fn generate(kind: KeyType) -> Result<Generated, Error> {
    let failed = |_| Error::new(ErrorKind::Internal, format!("ring could not make a key ({kind})"));
    let random = SystemRandom::new();
    let (family, pkcs8) = match kind {
        KeyType::EcdsaP256 | KeyType::EcdsaP384 => {
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(curve(kind)?, &random).map_err(failed)?;
            (Family::Ec(kind), Secret::new(pkcs8.as_ref().to_vec()))
        }
        KeyType::Ed25519 => {
            // Not ring's own PKCS #8: its version 2 carries a tag that OpenSSL does not read.
            let mut seed = [0; 32];
            random.fill(&mut seed).map_err(failed)?;
            let mut key = der::write(der::OCTET_STRING, &seed);
            let pkcs8 = wrap(alg_id::ED25519.as_ref(), &key);
            seed.zeroize();
            key.zeroize();
            (Family::Ed25519, pkcs8)
        }
        KeyType::EcdsaP521
        | KeyType::Rsa2048
        | KeyType::Rsa3072
        | KeyType::Rsa4096
        | KeyType::Rsa8192
        | KeyType::RsaOf(_) => {
            return Err(lacks(kind));
        }
    };
    Ok(Generated { pair: KeyPair::from_pkcs8(family, pkcs8.expose())?, pkcs8 })
}

impl KeyPair {
    pub(super) fn from_pkcs8(family: Family, pkcs8: &[u8]) -> Result<Self, Error> {
        let refused = |source: KeyRejected| not_a_key(pkcs8).with_source(source.to_string());
        match family {
            Family::Ec(kind) => {
                EcdsaKeyPair::from_pkcs8(curve(kind)?, pkcs8, &SystemRandom::new()).map(Self::Ecdsa).map_err(refused)
            }
            Family::Ed25519 => Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map(Self::Ed25519).map_err(refused),
            Family::Rsa(bits) if !matches!(bits, 2048 | 3072 | 4096) => Err(lacks(KeyType::Rsa8192)),
            Family::Rsa(_) => RsaKeyPair::from_pkcs8(pkcs8).map(|pair| Self::Rsa(Box::new(pair))).map_err(refused),
        }
    }

    /// The content of the public key's BIT STRING.
    pub(super) fn public_key(&self) -> &[u8] {
        match self {
            Self::Ecdsa(pair) => pair.public_key().as_ref(),
            Self::Ed25519(pair) => pair.public_key().as_ref(),
            Self::Rsa(pair) => pair.public_key().as_ref(),
        }
    }

    pub(super) fn sign(&self, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, Error> {
        let failed = |_| Error::new(ErrorKind::Internal, "ring could not sign");
        match self {
            Self::Ecdsa(pair) => {
                pair.sign(&SystemRandom::new(), message).map(|it| it.as_ref().to_vec()).map_err(failed)
            }
            Self::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Self::Rsa(pair) => {
                let padding: &'static dyn RsaEncoding = match scheme {
                    Scheme::RsaPkcs1(Hash::Sha256) => &signature::RSA_PKCS1_SHA256,
                    Scheme::RsaPkcs1(Hash::Sha384) => &signature::RSA_PKCS1_SHA384,
                    Scheme::RsaPkcs1(Hash::Sha512) => &signature::RSA_PKCS1_SHA512,
                    Scheme::RsaPss(..) | Scheme::Ecdsa(..) | Scheme::Ed25519 => {
                        return Err(Error::new(
                            ErrorKind::Internal,
                            "an RSA key was to sign with what is not PKCS #1 v1.5",
                        ));
                    }
                };
                let mut out = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &SystemRandom::new(), message, &mut out).map_err(failed)?;
                Ok(out)
            }
        }
    }
}

/// Whether `signature` is `key`'s over `message`; the salt of RSASSA-PSS is as long as its hash.
pub(super) fn verify(scheme: Scheme, key: &[u8], message: &[u8], signature: &[u8]) -> Result<bool, Error> {
    let algorithm: &dyn VerificationAlgorithm = match scheme {
        Scheme::Ecdsa(Curve::P256, Hash::Sha256) => &signature::ECDSA_P256_SHA256_ASN1,
        Scheme::Ecdsa(Curve::P256, Hash::Sha384) => &signature::ECDSA_P256_SHA384_ASN1,
        Scheme::Ecdsa(Curve::P384, Hash::Sha256) => &signature::ECDSA_P384_SHA256_ASN1,
        Scheme::Ecdsa(Curve::P384, Hash::Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
        Scheme::Ecdsa(Curve::P256 | Curve::P384, Hash::Sha512) => {
            let what = "ring cannot verify ECDSA over P-256 or P-384 with SHA-512: build with feature `aws-lc-rs`, or sign with SHA-256 or SHA-384";
            return Err(Error::new(ErrorKind::Unsupported, what));
        }
        Scheme::Ecdsa(Curve::P521, _) => return Err(lacks(KeyType::EcdsaP521)),
        Scheme::RsaPkcs1(Hash::Sha256) => &signature::RSA_PKCS1_2048_8192_SHA256,
        Scheme::RsaPkcs1(Hash::Sha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
        Scheme::RsaPkcs1(Hash::Sha512) => &signature::RSA_PKCS1_2048_8192_SHA512,
        Scheme::RsaPss(Hash::Sha256, _) => &signature::RSA_PSS_2048_8192_SHA256,
        Scheme::RsaPss(Hash::Sha384, _) => &signature::RSA_PSS_2048_8192_SHA384,
        Scheme::RsaPss(Hash::Sha512, _) => &signature::RSA_PSS_2048_8192_SHA512,
        Scheme::Ed25519 => &signature::ED25519,
    };
    Ok(UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok())
}

fn curve(kind: KeyType) -> Result<&'static EcdsaSigningAlgorithm, Error> {
    match kind {
        KeyType::EcdsaP256 => Ok(&signature::ECDSA_P256_SHA256_ASN1_SIGNING),
        KeyType::EcdsaP384 => Ok(&signature::ECDSA_P384_SHA384_ASN1_SIGNING),
        KeyType::EcdsaP521 => Err(lacks(kind)),
        KeyType::Rsa2048
        | KeyType::Rsa3072
        | KeyType::Rsa4096
        | KeyType::Rsa8192
        | KeyType::RsaOf(_)
        | KeyType::Ed25519 => Err(not_a_key(&[])),
    }
}

fn lacks(kind: KeyType) -> Error {
    let what = match kind {
        KeyType::EcdsaP521 => {
            "ring has no ECDSA P-521: build with feature `aws-lc-rs`, or take P-256 or P-384".to_owned()
        }
        KeyType::Rsa8192 | KeyType::RsaOf(_) => {
            "ring takes RSA keys of 2048, 3072 and 4096 bits alone: build with feature `aws-lc-rs`, or take one of these".to_owned()
        }
        KeyType::EcdsaP256
        | KeyType::EcdsaP384
        | KeyType::Rsa2048
        | KeyType::Rsa3072
        | KeyType::Rsa4096
        | KeyType::Ed25519 => {
            format!("ring cannot make an {kind} key: build with feature `aws-lc-rs`, or bring a key made elsewhere")
        }
    };
    Error::new(ErrorKind::Unsupported, what)
}
