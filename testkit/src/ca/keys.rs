//! Public keys as JWK and as SubjectPublicKeyInfo, and their signatures.

use acme_core::hash::sha256;
use aws_lc_rs::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use x509_parser::public_key::PublicKey as Parsed;
use x509_parser::x509::SubjectPublicKeyInfo;

/// A public key of a kind that accounts and certificates have here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PublicKey {
    Ec { curve: Curve, point: Vec<u8> },
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Ed25519(Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

/// The JOSE algorithms that requests may be signed with.
pub(crate) const ALGORITHMS: [&str; 5] = ["ES256", "ES384", "ES512", "RS256", "EdDSA"];

impl PublicKey {
    /// Reads a JWK (RFC 7517, RFC 7518 section 6, RFC 8037), strictly.
    pub(crate) fn from_jwk(jwk: &Value) -> Result<Self, String> {
        let word = |name: &str| jwk.get(name).and_then(Value::as_str).ok_or_else(|| format!("the JWK has no {name}"));
        let octets = |name: &str| {
            BASE64_URL_SAFE_NO_PAD.decode(word(name)?).map_err(|_| format!("{name} of the JWK is not base64url"))
        };
        if ["d", "p", "q", "k"].iter().any(|it| jwk.get(it).is_some()) {
            return Err("the JWK holds a private key".to_owned());
        }
        match word("kty")? {
            "EC" => {
                let curve = Curve::from_name(word("crv")?).ok_or_else(|| "the JWK is on another curve".to_owned())?;
                let (x, y) = (octets("x")?, octets("y")?);
                if x.len() != curve.octets() || y.len() != curve.octets() {
                    return Err("a coordinate of the JWK has the wrong length".to_owned());
                }
                let point = [&[4_u8][..], &x, &y].concat();
                Ok(Self::Ec { curve, point })
            }
            "RSA" => {
                let (modulus, exponent) = (octets("n")?, octets("e")?);
                if modulus.first() == Some(&0) || exponent.first() == Some(&0) {
                    return Err("a number of the JWK begins with a zero".to_owned());
                }
                Ok(Self::Rsa { modulus, exponent })
            }
            "OKP" if word("crv")? == "Ed25519" => {
                let x = octets("x")?;
                if x.len() == 32 { Ok(Self::Ed25519(x)) } else { Err("x of the JWK has the wrong length".to_owned()) }
            }
            other => Err(format!("kty {other:?} is not taken")),
        }
    }

    /// Reads a SubjectPublicKeyInfo.
    pub(crate) fn from_parsed(spki: &SubjectPublicKeyInfo<'_>) -> Result<Self, String> {
        let bits = spki.subject_public_key.as_ref().to_vec();
        match spki.algorithm.algorithm.to_id_string().as_str() {
            "1.2.840.10045.2.1" => {
                let named =
                    spki.algorithm.parameters.as_ref().and_then(|it| it.as_oid().ok()).map(|it| it.to_id_string());
                let curve = named
                    .as_deref()
                    .and_then(Curve::from_oid)
                    .ok_or_else(|| "the public key is on another curve".to_owned())?;
                if bits.len() == 1 + 2 * curve.octets() && bits.first() == Some(&4) {
                    Ok(Self::Ec { curve, point: bits })
                } else {
                    Err("the public key is not an uncompressed point".to_owned())
                }
            }
            "1.2.840.113549.1.1.1" => match spki.parsed() {
                Ok(Parsed::RSA(rsa)) => {
                    Ok(Self::Rsa { modulus: without_zeros(rsa.modulus), exponent: without_zeros(rsa.exponent) })
                }
                _ => Err("the RSA key is not DER".to_owned()),
            },
            "1.3.101.112" => Ok(Self::Ed25519(bits)),
            other => Err(format!("public keys of algorithm {other} are not taken")),
        }
    }

    /// The thumbprint (RFC 7638), base64url.
    pub(crate) fn thumbprint(&self) -> String {
        let word = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let canonical = match self {
            Self::Ec { curve, point } => {
                let (x, y) = point[1..].split_at(curve.octets());
                format!(r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#, curve.name(), word(x), word(y))
            }
            Self::Rsa { modulus, exponent } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, word(exponent), word(modulus))
            }
            Self::Ed25519(x) => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, word(x)),
        };
        word(&sha256(canonical.as_bytes()))
    }

    /// Why no account and no certificate may have this key, if so.
    pub(crate) fn weakness(&self) -> Option<&'static str> {
        match self {
            Self::Rsa { modulus, .. } if modulus.len() < 256 => Some("the RSA key is shorter than 2048 bits"),
            Self::Rsa { modulus, .. } if modulus.len() > 512 => Some("the RSA key is longer than 4096 bits"),
            Self::Rsa { exponent, .. } if exponent != &[1, 0, 1] => Some("the RSA key's exponent is not 65537"),
            Self::Rsa { .. } | Self::Ec { .. } | Self::Ed25519(_) => None,
        }
    }

    /// The JOSE algorithm that goes with this key.
    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Ec { curve, .. } => match curve {
                Curve::P256 => "ES256",
                Curve::P384 => "ES384",
                Curve::P521 => "ES512",
            },
            Self::Rsa { .. } => "RS256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    /// Did this key sign `message` as JOSE does?
    pub(crate) fn verifies_jose(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ec { curve, point } => {
                let algorithm: &'static dyn VerificationAlgorithm = match curve {
                    Curve::P256 => &signature::ECDSA_P256_SHA256_FIXED,
                    Curve::P384 => &signature::ECDSA_P384_SHA384_FIXED,
                    Curve::P521 => &signature::ECDSA_P521_SHA512_FIXED,
                };
                verifies(algorithm, point, message, signature)
            }
            Self::Rsa { modulus, exponent } => RsaPublicKeyComponents { n: modulus, e: exponent }
                .verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature)
                .is_ok(),
            Self::Ed25519(x) => verifies(&signature::ED25519, x, message, signature),
        }
    }

    /// Did this key sign `message` as X.509 does, by the signature algorithm with this object identifier?
    pub(crate) fn verifies_x509(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ec { curve, point } => {
                let algorithm: &'static dyn VerificationAlgorithm = match (curve, algorithm) {
                    (Curve::P256, "1.2.840.10045.4.3.2") => &signature::ECDSA_P256_SHA256_ASN1,
                    (Curve::P256, "1.2.840.10045.4.3.3") => &signature::ECDSA_P256_SHA384_ASN1,
                    (Curve::P384, "1.2.840.10045.4.3.2") => &signature::ECDSA_P384_SHA256_ASN1,
                    (Curve::P384, "1.2.840.10045.4.3.3") => &signature::ECDSA_P384_SHA384_ASN1,
                    (Curve::P521, "1.2.840.10045.4.3.4") => &signature::ECDSA_P521_SHA512_ASN1,
                    _ => return false,
                };
                verifies(algorithm, point, message, signature)
            }
            Self::Rsa { modulus, exponent } => {
                let parameters = match algorithm {
                    "1.2.840.113549.1.1.11" => &signature::RSA_PKCS1_2048_8192_SHA256,
                    "1.2.840.113549.1.1.12" => &signature::RSA_PKCS1_2048_8192_SHA384,
                    "1.2.840.113549.1.1.13" => &signature::RSA_PKCS1_2048_8192_SHA512,
                    _ => return false,
                };
                RsaPublicKeyComponents { n: modulus, e: exponent }.verify(parameters, message, signature).is_ok()
            }
            Self::Ed25519(x) => algorithm == "1.3.101.112" && verifies(&signature::ED25519, x, message, signature),
        }
    }

    /// How rcgen calls a key like this.
    pub(crate) fn rcgen(&self) -> &'static rcgen::SignatureAlgorithm {
        match self {
            Self::Ec { curve, .. } => match curve {
                Curve::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
                Curve::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
                Curve::P521 => &rcgen::PKCS_ECDSA_P521_SHA512,
            },
            Self::Rsa { .. } => &rcgen::PKCS_RSA_SHA256,
            Self::Ed25519(_) => &rcgen::PKCS_ED25519,
        }
    }
}

impl Curve {
    fn from_name(name: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521].into_iter().find(|it| it.name() == name)
    }

    fn from_oid(oid: &str) -> Option<Self> {
        match oid {
            "1.2.840.10045.3.1.7" => Some(Self::P256),
            "1.3.132.0.34" => Some(Self::P384),
            "1.3.132.0.35" => Some(Self::P521),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    fn octets(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

fn verifies(algorithm: &'static dyn VerificationAlgorithm, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
}

fn without_zeros(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|it| **it == 0).count();
    number[zeros..].to_vec()
}
