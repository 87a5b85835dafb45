//! Keys by aws-lc-rs: every type there is.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaEncoding, RsaKeyPair,
    UnparsedPublicKey, VerificationAlgorithm,
};

use super::KeyType;
use super::envelope::{Family, not_a_key};
use super::x509::{Curve, Hash, Scheme};
use crate::{Error, ErrorKind, Secret};

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
    let failed = |_| Error::new(ErrorKind::Internal, format!("aws-lc-rs could not make a key ({kind})"));
    let ecdsa = |algorithm| {
        let pair = EcdsaKeyPair::generate(algorithm).map_err(failed)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(failed)?;
        Ok(Generated { pair: KeyPair::Ecdsa(pair), pkcs8: Secret::new(pkcs8.as_ref().to_vec()) })
    };
    let rsa = |size| {
        let pair = RsaKeyPair::generate(size).map_err(failed)?;
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
        let pkcs8 = Secret::new(pkcs8.as_ref().to_vec());
        Ok(Generated { pair: KeyPair::Rsa(Box::new(pair)), pkcs8 })
    };
    match kind {
        KeyType::EcdsaP256 => ecdsa(&signature::ECDSA_P256_SHA256_ASN1_SIGNING),
        KeyType::EcdsaP384 => ecdsa(&signature::ECDSA_P384_SHA384_ASN1_SIGNING),
        KeyType::EcdsaP521 => ecdsa(&signature::ECDSA_P521_SHA512_ASN1_SIGNING),
        KeyType::Rsa2048 => rsa(KeySize::Rsa2048),
        KeyType::Rsa3072 => rsa(KeySize::Rsa3072),
        KeyType::Rsa4096 => rsa(KeySize::Rsa4096),
        KeyType::Rsa8192 => rsa(KeySize::Rsa8192),
        KeyType::RsaOf(size) => {
            let pkcs8 = rsa_of(size)?;
            let pair = KeyPair::from_pkcs8(Family::Rsa(size.bits().into()), pkcs8.expose())?;
            Ok(Generated { pair, pkcs8 })
        }
        KeyType::Ed25519 => {
            let pair = Ed25519KeyPair::generate().map_err(failed)?;
            let pkcs8 = pair.to_pkcs8v1().map_err(failed)?;
            Ok(Generated { pair: KeyPair::Ed25519(pair), pkcs8: Secret::new(pkcs8.as_ref().to_vec()) })
        }
    }
}

impl KeyPair {
    pub(super) fn from_pkcs8(family: Family, pkcs8: &[u8]) -> Result<Self, Error> {
        let refused = |source| not_a_key(pkcs8).with_source(source);
        match family {
            Family::Ec(kind) => EcdsaKeyPair::from_pkcs8(curve(kind)?, pkcs8).map(Self::Ecdsa).map_err(refused),
            Family::Ed25519 => Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map(Self::Ed25519).map_err(refused),
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
        let failed = |_| Error::new(ErrorKind::Internal, "aws-lc-rs could not sign");
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
                let mut out = vec![0; pair.public_modulus_len()];
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
        Scheme::Ecdsa(Curve::P256, Hash::Sha512) => &signature::ECDSA_P256_SHA512_ASN1,
        Scheme::Ecdsa(Curve::P384, Hash::Sha256) => &signature::ECDSA_P384_SHA256_ASN1,
        Scheme::Ecdsa(Curve::P384, Hash::Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
        Scheme::Ecdsa(Curve::P384, Hash::Sha512) => &signature::ECDSA_P384_SHA512_ASN1,
        Scheme::Ecdsa(Curve::P521, Hash::Sha256) => &signature::ECDSA_P521_SHA256_ASN1,
        Scheme::Ecdsa(Curve::P521, Hash::Sha384) => &signature::ECDSA_P521_SHA384_ASN1,
        Scheme::Ecdsa(Curve::P521, Hash::Sha512) => &signature::ECDSA_P521_SHA512_ASN1,
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
        KeyType::EcdsaP521 => Ok(&signature::ECDSA_P521_SHA512_ASN1_SIGNING),
        KeyType::Rsa2048
        | KeyType::Rsa3072
        | KeyType::Rsa4096
        | KeyType::Rsa8192
        | KeyType::RsaOf(_)
        | KeyType::Ed25519 => Err(not_a_key(&[])),
    }
}

#[cfg(feature = "rsa-sizes")]
fn rsa_of(size: super::RsaSize) -> Result<Secret<Vec<u8>>, Error> {
    super::rsa_sizes::generate(size)
}

#[cfg(not(feature = "rsa-sizes"))]
fn rsa_of(size: super::RsaSize) -> Result<Secret<Vec<u8>>, Error> {
    Err(Error::new(
        ErrorKind::Unsupported,
        format!(
            "aws-lc-rs makes no RSA key of {size} bits: build with feature `rsa-sizes`, or take 2048, 3072, 4096 or 8192"
        ),
    ))
}
