//! Signatures of certificates and signing requests: whatever algorithm they name.

use rustls_pki_types::SubjectPublicKeyInfoDer;

use super::{PublicKey, PublicKeyType, SignatureAlgorithm, provider, pss};
use crate::der::{self, Reader, RsaPublicKey};
use crate::{Error, ErrorKind};

/// Checks the signature of a certificate, a signing request or a list of revoked certificates.
///
/// `algorithm` is the whole DER of its AlgorithmIdentifier, `message` what was signed. Taken are RSA PKCS #1 v1.5 and RSASSA-PSS with
/// SHA-256, SHA-384 and SHA-512 (any salt, MGF1 with the same hash), ECDSA over P-256, P-384 and P-521 with any of these
/// three, and Ed25519. ring does without P-521, and without SHA-512 for the other curves.
///
/// # Errors
/// `Refused` when the signature is not the key's, or is made with SHA-1 or MD5; `Malformed` when the key is none of `algorithm`'s, or
/// either cannot be read; `Unsupported` for any other algorithm, and where the provider of this build lacks it.
pub fn verify_x509(
    algorithm: &[u8],
    public_key: &SubjectPublicKeyInfoDer<'_>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Error> {
    let named = Named::read(algorithm)?;
    let key = PublicKey::read(public_key)?;
    let mismatch =
        || Error::new(ErrorKind::Malformed, format!("{} cannot have signed with {}", key.kind(), named.text()));
    let scheme = match (named, key.kind(), key.pss()) {
        (Named::RsaPkcs1(hash), PublicKeyType::Rsa { .. }, None) => Scheme::RsaPkcs1(hash),
        (Named::RsaPss(hash, salt), PublicKeyType::Rsa { .. }, None | Some([])) => Scheme::RsaPss(hash, salt),
        (Named::RsaPss(hash, salt), PublicKeyType::Rsa { .. }, Some(parameters)) => match read_pss(parameters)? {
            (of_key, least) if of_key == hash && least <= salt => Scheme::RsaPss(hash, salt),
            _ => return Err(mismatch()),
        },
        (Named::Ecdsa(hash), PublicKeyType::EcdsaP256, _) => Scheme::Ecdsa(Curve::P256, hash),
        (Named::Ecdsa(hash), PublicKeyType::EcdsaP384, _) => Scheme::Ecdsa(Curve::P384, hash),
        (Named::Ecdsa(hash), PublicKeyType::EcdsaP521, _) => Scheme::Ecdsa(Curve::P521, hash),
        (Named::Ed25519, PublicKeyType::Ed25519, _) => Scheme::Ed25519,
        (Named::RsaPkcs1(_) | Named::RsaPss(_, _) | Named::Ecdsa(_) | Named::Ed25519, _, _) => return Err(mismatch()),
    };
    if let PublicKeyType::Rsa { bits } = key.kind()
        && !(2048..=8192).contains(&bits)
    {
        let what = format!("a signature by an RSA key of {bits} bits proves nothing here: 2048 to 8192 are taken");
        return Err(Error::new(ErrorKind::Refused, what));
    }
    check(scheme, key.octets(), message, signature)
}

/// Asks the provider, or calculates what none of them does.
pub(super) fn check(scheme: Scheme, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
    let genuine = if let Scheme::RsaPss(hash, salt) = scheme
        && salt != hash.octets()
    {
        RsaPublicKey::read(key).is_some_and(|key| pss::verify(hash, salt, &key, message, signature))
    } else {
        provider::verify(scheme, key, message, signature)?
    };
    if genuine {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Refused, "the signature was not made by this key over this message"))
    }
}

/// How a signature is verified, in all detail.
#[derive(Clone, Copy)]
pub(super) enum Scheme {
    RsaPkcs1(Hash),
    /// With a salt of so many octets.
    RsaPss(Hash, usize),
    Ecdsa(Curve, Hash),
    Ed25519,
}

impl From<SignatureAlgorithm> for Scheme {
    fn from(algorithm: SignatureAlgorithm) -> Self {
        match algorithm {
            SignatureAlgorithm::EcdsaP256Sha256 => Self::Ecdsa(Curve::P256, Hash::Sha256),
            SignatureAlgorithm::EcdsaP384Sha384 => Self::Ecdsa(Curve::P384, Hash::Sha384),
            SignatureAlgorithm::EcdsaP521Sha512 => Self::Ecdsa(Curve::P521, Hash::Sha512),
            SignatureAlgorithm::RsaPkcs1Sha256 => Self::RsaPkcs1(Hash::Sha256),
            SignatureAlgorithm::RsaPkcs1Sha384 => Self::RsaPkcs1(Hash::Sha384),
            SignatureAlgorithm::RsaPkcs1Sha512 => Self::RsaPkcs1(Hash::Sha512),
            SignatureAlgorithm::Ed25519 => Self::Ed25519,
        }
    }
}

#[derive(Clone, Copy)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn octets(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// What an AlgorithmIdentifier says; ECDSA's leaves the curve to the key.
#[derive(Clone, Copy)]
enum Named {
    RsaPkcs1(Hash),
    RsaPss(Hash, usize),
    Ecdsa(Hash),
    Ed25519,
}

impl Named {
    fn read(algorithm: &[u8]) -> Result<Self, Error> {
        let (name, parameters) = identifier(algorithm)?;
        let (named, sound) = match name {
            SHA256_RSA => (Self::RsaPkcs1(Hash::Sha256), null_or_nothing(parameters)),
            SHA384_RSA => (Self::RsaPkcs1(Hash::Sha384), null_or_nothing(parameters)),
            SHA512_RSA => (Self::RsaPkcs1(Hash::Sha512), null_or_nothing(parameters)),
            RSASSA_PSS => {
                let (hash, salt) = read_pss(parameters)?;
                (Self::RsaPss(hash, salt), true)
            }
            ECDSA_SHA256 => (Self::Ecdsa(Hash::Sha256), parameters.is_empty()),
            ECDSA_SHA384 => (Self::Ecdsa(Hash::Sha384), parameters.is_empty()),
            ECDSA_SHA512 => (Self::Ecdsa(Hash::Sha512), parameters.is_empty()),
            ED25519 => (Self::Ed25519, parameters.is_empty()),
            MD2_RSA | MD5_RSA | SHA1_RSA | ECDSA_SHA1 => {
                let what = format!("signed with a hash that is broken ({}): sign with SHA-256", der::dotted(name));
                return Err(Error::new(ErrorKind::Refused, what));
            }
            _ => {
                let what = format!("signed with the algorithm {}, which is not known here", der::dotted(name));
                return Err(Error::new(ErrorKind::Unsupported, what));
            }
        };
        if sound { Ok(named) } else { Err(not_an_algorithm()) }
    }

    fn text(self) -> &'static str {
        match self {
            Self::RsaPkcs1(_) => "RSA PKCS #1",
            Self::RsaPss(_, _) => "RSASSA-PSS",
            Self::Ecdsa(_) => "ECDSA",
            Self::Ed25519 => "Ed25519",
        }
    }
}

/// Hash and salt of RSASSA-PSS-params (RFC 4055 section 3.1), when everything else goes with the hash.
fn read_pss(parameters: &[u8]) -> Result<(Hash, usize), Error> {
    let mut fields = Reader::sequence(parameters).ok_or_else(not_an_algorithm)?;
    let mut field = |tag: u8| -> Result<Option<&[u8]>, Error> {
        if fields.tag() != Some(tag) {
            return Ok(None);
        }
        fields.value(tag).map(Some).ok_or_else(not_an_algorithm)
    };
    let [hash, mask, salt, trailer] = [field(0xa0)?, field(0xa1)?, field(0xa2)?, field(0xa3)?];
    fields.end().ok_or_else(not_an_algorithm)?;

    let unsupported = |what: String| Error::new(ErrorKind::Unsupported, format!("RSASSA-PSS with {what}"));
    let sha1 =
        || Error::new(ErrorKind::Refused, "signed with RSASSA-PSS and SHA-1, which is broken: sign with SHA-256");
    let known = |algorithm: &[u8]| -> Result<Hash, Error> {
        let (name, parameters) = identifier(algorithm)?;
        match name {
            _ if !null_or_nothing(parameters) => Err(not_an_algorithm()),
            SHA256 => Ok(Hash::Sha256),
            SHA384 => Ok(Hash::Sha384),
            SHA512 => Ok(Hash::Sha512),
            SHA1 => Err(sha1()),
            _ => Err(unsupported(format!("the hash {}, which is not known here", der::dotted(name)))),
        }
    };
    let number = |content: &[u8]| -> Result<usize, Error> {
        let mut reader = Reader::new(content);
        let number = reader.unsigned().ok_or_else(not_an_algorithm)?;
        reader.end().ok_or_else(not_an_algorithm)?;
        match number {
            long @ [_, _, _, ..] => Err(unsupported(format!("a number of {} octets", long.len()))),
            short => Ok(short.iter().fold(0, |number, octet| number << 8 | usize::from(*octet))),
        }
    };

    // What is left out is SHA-1, MGF1 with SHA-1, and a salt of 20 octets.
    let hash = known(hash.ok_or_else(sha1)?)?;
    let (mask_name, mask_hash) = identifier(mask.ok_or_else(sha1)?)?;
    if mask_name != MGF1 {
        return Err(unsupported(format!("the mask {}, which is not known here", der::dotted(mask_name))));
    }
    if known(mask_hash)? != hash {
        return Err(unsupported("another hash in its mask: take one for both".into()));
    }
    match trailer.map_or(Ok(1), number)? {
        1 => Ok((hash, salt.map_or(Ok(20), number)?)),
        _ => Err(unsupported("a trailer other than 1".into())),
    }
}

/// The name and the parameters of an AlgorithmIdentifier.
fn identifier(algorithm: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    let read = || {
        let mut fields = Reader::sequence(algorithm)?;
        Some((fields.value(der::OBJECT_IDENTIFIER)?, fields.rest()))
    };
    read().ok_or_else(not_an_algorithm)
}

fn null_or_nothing(parameters: &[u8]) -> bool {
    matches!(parameters, [] | [0x05, 0x00])
}

fn not_an_algorithm() -> Error {
    Error::new(ErrorKind::Malformed, "the name of the signature's algorithm cannot be read")
}

/// md2WithRSAEncryption, 1.2.840.113549.1.1.2.
const MD2_RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x02";
/// md5WithRSAEncryption, 1.2.840.113549.1.1.4.
const MD5_RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04";
/// sha1WithRSAEncryption, 1.2.840.113549.1.1.5.
const SHA1_RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05";
/// id-mgf1, 1.2.840.113549.1.1.8.
const MGF1: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08";
/// id-RSASSA-PSS, 1.2.840.113549.1.1.10.
const RSASSA_PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
/// sha256WithRSAEncryption, 1.2.840.113549.1.1.11.
const SHA256_RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b";
/// sha384WithRSAEncryption, 1.2.840.113549.1.1.12.
const SHA384_RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c";
/// sha512WithRSAEncryption, 1.2.840.113549.1.1.13.
const SHA512_RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d";
/// ecdsa-with-SHA1, 1.2.840.10045.4.1.
const ECDSA_SHA1: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x01";
/// ecdsa-with-SHA256, 1.2.840.10045.4.3.2.
const ECDSA_SHA256: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x03\x02";
/// ecdsa-with-SHA384, 1.2.840.10045.4.3.3.
const ECDSA_SHA384: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x03\x03";
/// ecdsa-with-SHA512, 1.2.840.10045.4.3.4.
const ECDSA_SHA512: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x03\x04";
/// id-Ed25519, 1.3.101.112.
const ED25519: &[u8] = b"\x2b\x65\x70";
/// id-sha1, 1.3.14.3.2.26.
const SHA1: &[u8] = b"\x2b\x0e\x03\x02\x1a";
/// id-sha256, 2.16.840.1.101.3.4.2.1.
const SHA256: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x01";
/// id-sha384, 2.16.840.1.101.3.4.2.2.
const SHA384: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x02";
/// id-sha512, 2.16.840.1.101.3.4.2.3.
const SHA512: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x03";
