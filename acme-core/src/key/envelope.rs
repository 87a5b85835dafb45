//! What lies around a private key: PKCS #8, PKCS #1, SEC 1, and the way from each to each.

use rustls_pki_types::alg_id;
use zeroize::Zeroize as _;

use super::KeyType;
use super::public::refuse_weak_rsa;
use crate::der::{self, Reader, RsaPublicKey};
use crate::{Error, ErrorKind, Secret};

/// What a PKCS #8 envelope says of the key inside.
#[derive(Clone, Copy)]
pub(super) enum Family {
    /// A curve.
    Ec(KeyType),
    /// RSA of this many bits.
    Rsa(usize),
    /// Ed25519.
    Ed25519,
}

impl Family {
    /// What the key in `pkcs8` is; weak ones are refused.
    pub(super) fn of(pkcs8: &[u8]) -> Result<Self, Error> {
        let Inside { algorithm, key } = Inside::read(pkcs8).ok_or_else(|| not_a_key(pkcs8))?;
        for (known, kind) in CURVES {
            if known.as_ref() == algorithm {
                scalar(kind, key).ok_or_else(|| not_a_key(pkcs8))?;
                return Ok(Self::Ec(kind));
            }
        }
        if algorithm == alg_id::ED25519.as_ref() {
            Ok(Self::Ed25519)
        } else if algorithm == alg_id::RSA_ENCRYPTION.as_ref() {
            let public = rsa_public(key).ok_or_else(|| not_a_key(pkcs8))?;
            refuse_weak_rsa(&public)?;
            Ok(Self::Rsa(public.bits()))
        } else {
            Err(unknown(algorithm))
        }
    }
}

/// The same key in PKCS #8, from whichever of the three structures it is in. What is PKCS #8 already stays as it is.
pub(super) fn to_pkcs8(der: Secret<Vec<u8>>) -> Result<Secret<Vec<u8>>, Error> {
    let bytes = der.expose();
    let tags = || {
        let mut fields = Reader::sequence(bytes)?;
        fields.unsigned()?;
        fields.tag()
    };
    match tags() {
        Some(der::SEQUENCE) => Ok(der),
        Some(der::INTEGER) => Ok(wrap(alg_id::RSA_ENCRYPTION.as_ref(), bytes)),
        Some(der::OCTET_STRING) => from_sec1(bytes),
        _ => Err(not_a_key(bytes)),
    }
}

/// PKCS #8 around a key.
pub(super) fn wrap(algorithm: &[u8], key: &[u8]) -> Secret<Vec<u8>> {
    let mut octets = der::write(der::OCTET_STRING, key);
    let mut joined = [&der::write_unsigned(&[]), &der::write(der::SEQUENCE, algorithm), &octets[..]].concat();
    octets.zeroize();
    let pkcs8 = Secret::new(der::write(der::SEQUENCE, &joined));
    joined.zeroize();
    pkcs8
}

/// The key in the structure of its own kind: PKCS #1, or SEC 1 with its curve and public key; `None` for Ed25519, which has none.
pub(super) fn to_traditional(pkcs8: &[u8], public_key: &[u8]) -> Option<Secret<Vec<u8>>> {
    let Inside { algorithm, key } = Inside::read(pkcs8)?;
    if algorithm == alg_id::RSA_ENCRYPTION.as_ref() {
        return Some(Secret::new(key.to_vec()));
    }
    let (known, kind) = CURVES.into_iter().find(|(known, _)| known.as_ref() == algorithm)?;
    let curve = &known.as_ref()[EC_PUBLIC_KEY.len()..];
    Some(sec1(kind, scalar(kind, key)?, Some(curve), Some(public_key)))
}

/// Why `der` is no key that can be read here.
pub(super) fn not_a_key(der: &[u8]) -> Error {
    let encrypted = || {
        let mut fields = Reader::sequence(der)?;
        fields.value(der::SEQUENCE)?;
        fields.value(der::OCTET_STRING)?;
        fields.end()
    };
    Error::new(
        ErrorKind::Malformed,
        if encrypted().is_some() {
            ENCRYPTED
        } else {
            "not an unencrypted private key (PKCS #8, PKCS #1, SEC 1) of a known type (ECDSA P-256, P-384 or P-521, RSA, Ed25519)"
        },
    )
}

fn unknown(algorithm: &[u8]) -> Error {
    let mut names = Reader::new(algorithm);
    let name = names.value(der::OBJECT_IDENTIFIER).unwrap_or_default();
    let curve = names.value(der::OBJECT_IDENTIFIER).map(|curve| format!(" over {}", der::dotted(curve)));
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "a private key of the algorithm {}{}: take ECDSA P-256, P-384 or P-521, RSA or Ed25519",
            der::dotted(name),
            curve.unwrap_or_default()
        ),
    )
}

/// The fields of PKCS #8 that count.
struct Inside<'a> {
    algorithm: &'a [u8],
    key: &'a [u8],
}

impl<'a> Inside<'a> {
    fn read(pkcs8: &'a [u8]) -> Option<Self> {
        let mut fields = Reader::sequence(pkcs8)?;
        fields.unsigned()?;
        Some(Self { algorithm: fields.value(der::SEQUENCE)?, key: fields.value(der::OCTET_STRING)? })
    }
}

/// The public half of an RSAPrivateKey.
fn rsa_public(key: &[u8]) -> Option<RsaPublicKey<'_>> {
    let mut fields = Reader::sequence(key)?;
    fields.unsigned()?;
    let (modulus, exponent) = (fields.unsigned()?, fields.unsigned()?);
    (!modulus.is_empty() && !exponent.is_empty()).then_some(RsaPublicKey { modulus, exponent })
}

/// The number of an ECPrivateKey, without the zeros in front.
fn scalar(kind: KeyType, key: &[u8]) -> Option<&[u8]> {
    let mut fields = Reader::sequence(key)?;
    fields.unsigned()?;
    let octets = fields.value(der::OCTET_STRING)?;
    let number = &octets[octets.iter().take_while(|octet| **octet == 0).count()..];
    (number.len() <= scalar_octets(kind)).then_some(number)
}

fn scalar_octets(kind: KeyType) -> usize {
    super::PublicKeyType::from(kind).bits().div_ceil(8)
}

/// An ECPrivateKey (RFC 5915 section 3), whose number has as many octets as the curve's order.
fn sec1(kind: KeyType, number: &[u8], curve: Option<&[u8]>, public_key: Option<&[u8]>) -> Secret<Vec<u8>> {
    let mut padded = vec![0; scalar_octets(kind)];
    let zeros = padded.len() - number.len();
    padded[zeros..].copy_from_slice(number);
    let mut octets = der::write(der::OCTET_STRING, &padded);
    padded.zeroize();
    let curve = curve.map(|curve| der::write(PARAMETERS, curve)).unwrap_or_default();
    let public_key = public_key.map(|key| der::write(PUBLIC_KEY, &der::write_bit_string(key))).unwrap_or_default();
    let mut joined = [&der::write_unsigned(&[1]), &octets[..], &curve, &public_key].concat();
    octets.zeroize();
    let key = Secret::new(der::write(der::SEQUENCE, &joined));
    joined.zeroize();
    key
}

/// PKCS #8 around an ECPrivateKey, which has to name its curve: there the name goes outside.
fn from_sec1(key: &[u8]) -> Result<Secret<Vec<u8>>, Error> {
    let refused = || not_a_key(key);
    let mut fields = Reader::sequence(key).ok_or_else(refused)?;
    fields.unsigned().and_then(|_| fields.value(der::OCTET_STRING)).ok_or_else(refused)?;
    let Some(curve) = fields.value(PARAMETERS) else {
        return Err(Error::new(
            ErrorKind::Malformed,
            "the private key (SEC 1) does not name its curve: write it as PKCS #8 (openssl pkcs8 -topk8)",
        ));
    };
    let (known, kind) = CURVES
        .into_iter()
        .find(|(known, _)| known.as_ref()[EC_PUBLIC_KEY.len()..] == *curve)
        .ok_or_else(|| unknown(&[EC_PUBLIC_KEY, curve].concat()))?;
    let public_key = match fields.tag() {
        Some(PUBLIC_KEY) => {
            let bits = fields.value(PUBLIC_KEY).ok_or_else(refused)?;
            Some(Reader::new(bits).bit_string().ok_or_else(refused)?)
        }
        _ => None,
    };
    let inside = sec1(kind, scalar(kind, key).ok_or_else(refused)?, None, public_key);
    Ok(wrap(known.as_ref(), inside.expose()))
}

pub(super) const ENCRYPTED: &str = "the private key is encrypted: decrypt it first (openssl pkey)";

const CURVES: [(rustls_pki_types::AlgorithmIdentifier, KeyType); 3] = [
    (alg_id::ECDSA_P256, KeyType::EcdsaP256),
    (alg_id::ECDSA_P384, KeyType::EcdsaP384),
    (alg_id::ECDSA_P521, KeyType::EcdsaP521),
];
/// id-ecPublicKey, 1.2.840.10045.2.1, as it stands in front of a curve.
const EC_PUBLIC_KEY: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
/// `parameters` of an ECPrivateKey: `[0]`.
const PARAMETERS: u8 = 0xa0;
/// `publicKey` of an ECPrivateKey: `[1]`.
const PUBLIC_KEY: u8 = 0xa1;
