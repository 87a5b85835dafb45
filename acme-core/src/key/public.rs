//! Public keys, taken apart without any cryptography.

use std::fmt;

use rustls_pki_types::{SubjectPublicKeyInfoDer, alg_id};

use super::KeyType;
use crate::der::{self, Reader, RsaPublicKey};
use crate::{Error, ErrorKind};

/// A public key as a SubjectPublicKeyInfo carries it (RFC 5280 section 4.1.2.7).
///
/// Two are equal when they are the same key, however their RSA parameters are written: the NULL that RFC 3279 asks for, or nothing.
/// Ask [`refuse_weak`](Self::refuse_weak) before certifying one. Whether a point lies on its curve is seen when a signature is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey<'a> {
    kind: PublicKeyType,
    octets: &'a [u8],
    /// The parameters of a key that is for RSASSA-PSS alone; empty when it leaves them open.
    pss: Option<&'a [u8]>,
}

impl<'a> PublicKey<'a> {
    /// Reads a SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// `Malformed` when it is none, `Unsupported` for an algorithm or a curve that is not known here.
    pub fn read(spki: &'a SubjectPublicKeyInfoDer<'_>) -> Result<Self, Error> {
        let read = || {
            let mut fields = Reader::sequence(spki)?;
            let algorithm = fields.value(der::SEQUENCE)?;
            let octets = fields.bit_string()?;
            fields.end()?;
            Some((algorithm, octets))
        };
        let (algorithm, octets) = read().ok_or_else(not_a_key)?;
        for (known, kind) in [
            (alg_id::ECDSA_P256, PublicKeyType::EcdsaP256),
            (alg_id::ECDSA_P384, PublicKeyType::EcdsaP384),
            (alg_id::ECDSA_P521, PublicKeyType::EcdsaP521),
            (alg_id::ED25519, PublicKeyType::Ed25519),
        ] {
            if known.as_ref() == algorithm {
                let sound = match kind.point() {
                    Some(length) => octets.len() == length && octets.first() == Some(&UNCOMPRESSED),
                    None => octets.len() == ED25519,
                };
                return if sound { Ok(Self { kind, octets, pss: None }) } else { Err(not_a_key()) };
            }
        }
        let mut fields = Reader::new(algorithm);
        let name = fields.value(der::OBJECT_IDENTIFIER).ok_or_else(not_a_key)?;
        let pss = match (name, fields.rest()) {
            (RSA_ENCRYPTION, NOTHING | NULL) => None,
            (RSASSA_PSS, parameters) => Some(parameters),
            _ => return Err(unknown(name, fields)),
        };
        let bits = RsaPublicKey::read(octets).ok_or_else(not_a_key)?.bits();
        Ok(Self { kind: PublicKeyType::Rsa { bits }, octets, pss })
    }

    /// Whether both are the same key; not where either cannot be read.
    pub fn same(one: &SubjectPublicKeyInfoDer<'_>, other: &SubjectPublicKeyInfoDer<'_>) -> bool {
        matches!((PublicKey::read(one), PublicKey::read(other)), (Ok(one), Ok(other)) if one == other)
    }

    /// What kind of key it is.
    pub fn kind(&self) -> PublicKeyType {
        self.kind
    }

    /// The content of the BIT STRING: what RFC 5280 section 4.2.1.2 makes key identifiers of.
    pub fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// Refuses what nobody should certify: RSA below 2048 bits or beyond 8192, an even modulus, an exponent that is even, below 65537 or longer than 33 bits.
    ///
    /// This is what public certificate authorities refuse by arithmetic alone. Lists of keys known to be weak (Debian's, ROCA's,
    /// leaked ones) are not looked at.
    ///
    /// # Errors
    /// `Refused`, with what is wrong.
    pub fn refuse_weak(&self) -> Result<(), Error> {
        let PublicKeyType::Rsa { .. } = self.kind else {
            return Ok(());
        };
        refuse_weak_rsa(&RsaPublicKey::read(self.octets).ok_or_else(not_a_key)?)
    }

    /// The parameters of a key that is for RSASSA-PSS alone (RFC 4055 section 1.2).
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    pub(super) fn pss(&self) -> Option<&'a [u8]> {
        self.pss
    }
}

/// What kind of key a public key is, whether or not such a key could be made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PublicKeyType {
    /// ECDSA over P-256.
    EcdsaP256,
    /// ECDSA over P-384.
    EcdsaP384,
    /// ECDSA over P-521.
    EcdsaP521,
    /// RSA.
    Rsa {
        /// The length of the modulus.
        bits: usize,
    },
    /// Ed25519.
    Ed25519,
}

impl PublicKeyType {
    /// The algorithm alone, whatever the size or the curve: `ECDSA`, `RSA` or `Ed25519`.
    pub fn algorithm(self) -> &'static str {
        match self {
            Self::EcdsaP256 | Self::EcdsaP384 | Self::EcdsaP521 => "ECDSA",
            Self::Rsa { .. } => "RSA",
            Self::Ed25519 => "Ed25519",
        }
    }

    /// The size that people name it by: the bits of the field, or of the modulus.
    pub fn bits(self) -> usize {
        match self {
            Self::EcdsaP256 | Self::Ed25519 => 256,
            Self::EcdsaP384 => 384,
            Self::EcdsaP521 => 521,
            Self::Rsa { bits } => bits,
        }
    }

    /// How many octets a point of this curve has, uncompressed.
    fn point(self) -> Option<usize> {
        match self {
            Self::EcdsaP256 | Self::EcdsaP384 | Self::EcdsaP521 => Some(1 + 2 * self.bits().div_ceil(8)),
            Self::Rsa { .. } | Self::Ed25519 => None,
        }
    }
}

impl From<KeyType> for PublicKeyType {
    fn from(kind: KeyType) -> Self {
        match kind {
            KeyType::EcdsaP256 => Self::EcdsaP256,
            KeyType::EcdsaP384 => Self::EcdsaP384,
            KeyType::EcdsaP521 => Self::EcdsaP521,
            KeyType::Rsa2048 => Self::Rsa { bits: 2048 },
            KeyType::Rsa3072 => Self::Rsa { bits: 3072 },
            KeyType::Rsa4096 => Self::Rsa { bits: 4096 },
            KeyType::Rsa8192 => Self::Rsa { bits: 8192 },
            KeyType::RsaOf(size) => Self::Rsa { bits: size.bits().into() },
            KeyType::Ed25519 => Self::Ed25519,
        }
    }
}

impl fmt::Display for PublicKeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EcdsaP256 => f.write_str("ECDSA P-256"),
            Self::EcdsaP384 => f.write_str("ECDSA P-384"),
            Self::EcdsaP521 => f.write_str("ECDSA P-521"),
            Self::Rsa { bits } => write!(f, "RSA {bits}"),
            Self::Ed25519 => f.write_str("Ed25519"),
        }
    }
}

/// What [`PublicKey::refuse_weak`] refuses of RSA.
pub(super) fn refuse_weak_rsa(key: &RsaPublicKey<'_>) -> Result<(), Error> {
    let bits = key.bits();
    let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    let refused = |what: String| Err(Error::new(ErrorKind::Refused, what));
    let exponent = match key.exponent {
        long @ [_, _, _, _, _, ..] if long.len() > 5 || long[0] > 1 => None,
        short => Some(short.iter().fold(0_u64, |all, octet| all << 8 | u64::from(*octet))),
    };
    match exponent {
        _ if bits < 2048 => refused(format!("the RSA key has {bits} bits, and 2048 are the least: make a new one")),
        _ if bits > 8192 => refused(format!("the RSA key has {bits} bits, and 8192 are the most: make a new one")),
        _ if !odd(key.modulus) => refused("the modulus of the RSA key is even: make a new one".into()),
        None => refused("the exponent of the RSA key is longer than 33 bits: make a new one with 65537".into()),
        Some(exponent) if exponent < 65_537 || !odd(key.exponent) => {
            refused(format!("the RSA key's exponent is {exponent}: make a new one with 65537"))
        }
        Some(_) => Ok(()),
    }
}

fn not_a_key() -> Error {
    Error::new(
        ErrorKind::Malformed,
        "not a public key of a known type (ECDSA P-256, P-384 or P-521 with an uncompressed point, RSA, Ed25519)",
    )
}

fn unknown(name: &[u8], mut parameters: Reader<'_>) -> Error {
    match (name, parameters.value(der::OBJECT_IDENTIFIER)) {
        (RSA_ENCRYPTION, _) => not_a_key(),
        (EC_PUBLIC_KEY, Some(curve)) => Error::new(
            ErrorKind::Unsupported,
            format!("a key on the curve {}: take P-256, P-384 or P-521", der::dotted(curve)),
        ),
        (EC_PUBLIC_KEY, None) => {
            Error::new(ErrorKind::Unsupported, "a key on a curve without a name: take P-256, P-384 or P-521")
        }
        _ => Error::new(
            ErrorKind::Unsupported,
            format!("a key of the algorithm {}: take ECDSA, RSA or Ed25519", der::dotted(name)),
        ),
    }
}

/// The first octet of a point in the one form that certificates use (SEC 1 section 2.3.3).
const UNCOMPRESSED: u8 = 4;
/// Octets of an Ed25519 key (RFC 8032 section 5.1.5).
const ED25519: usize = 32;
const NOTHING: &[u8] = &[];
const NULL: &[u8] = &[0x05, 0x00];
/// id-ecPublicKey, 1.2.840.10045.2.1.
const EC_PUBLIC_KEY: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
/// rsaEncryption, 1.2.840.113549.1.1.1.
const RSA_ENCRYPTION: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
/// id-RSASSA-PSS, 1.2.840.113549.1.1.10.
const RSASSA_PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
