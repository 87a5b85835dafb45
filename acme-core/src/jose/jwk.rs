//! A public key as JSON.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustls_pki_types::{SubjectPublicKeyInfoDer, alg_id};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::der::{PublicKeyInfo, RsaPublicKey};
use crate::hash::sha256;
use crate::{Error, ErrorKind};

/// A public key as a JSON Web Key, with the required members only and in the order of RFC 7638.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Jwk {
    json: String,
}

impl Jwk {
    /// The key of a SubjectPublicKeyInfo: ECDSA on P-256, P-384 or P-521, RSA, or Ed25519.
    ///
    /// # Errors
    /// `Malformed` when it is none of these.
    pub fn from_spki(spki: &SubjectPublicKeyInfoDer<'_>) -> Result<Self, Error> {
        PublicKeyInfo::read(spki).and_then(|info| write(&info)).map(|json| Self { json }).ok_or_else(|| {
            Error::new(
                ErrorKind::Malformed,
                "not a public key of a known type (ECDSA P-256, P-384 or P-521, RSA, Ed25519)",
            )
        })
    }

    /// The key as JSON: what a thumbprint is taken of.
    pub fn as_str(&self) -> &str {
        &self.json
    }

    /// The thumbprint: base64url of SHA-256 (RFC 7638 section 3).
    pub fn thumbprint(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(sha256(self.json.as_bytes()))
    }
}

impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.json.clone()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jwk({})", self.thumbprint())
    }
}

fn write(info: &PublicKeyInfo<'_>) -> Option<String> {
    let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    for (known, curve, octets) in
        [(alg_id::ECDSA_P256, "P-256", 32), (alg_id::ECDSA_P384, "P-384", 48), (alg_id::ECDSA_P521, "P-521", 66)]
    {
        if known.as_ref() == info.algorithm {
            let (&UNCOMPRESSED, point) = info.key.split_first()? else {
                return None;
            };
            if point.len() != 2 * octets {
                return None;
            }
            let (x, y) = point.split_at(octets);
            return Some(format!(r#"{{"crv":"{curve}","kty":"EC","x":"{}","y":"{}"}}"#, text(x), text(y)));
        }
    }
    if alg_id::ED25519.as_ref() == info.algorithm && info.key.len() == 32 {
        let x = text(info.key);
        return Some(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
    }
    if alg_id::RSA_ENCRYPTION.as_ref() == info.algorithm {
        let key = RsaPublicKey::read(info.key)?;
        let (e, n) = (text(key.exponent), text(key.modulus));
        return Some(format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#));
    }
    None
}

/// The first octet of a point in the one form that certificates use (SEC 1 section 2.3.3).
const UNCOMPRESSED: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der;

    fn spki(algorithm: &[u8], key: &[u8]) -> SubjectPublicKeyInfoDer<'static> {
        let content = [der::write(der::SEQUENCE, algorithm), der::write_bit_string(key)].concat();
        SubjectPublicKeyInfoDer::from(der::write(der::SEQUENCE, &content))
    }

    fn bytes(text: &str) -> Vec<u8> {
        BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    #[test]
    fn the_thumbprint_is_the_example_of_rfc_7638() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let key =
            der::write(der::SEQUENCE, &[der::write_unsigned(&bytes(n)), der::write_unsigned(&bytes("AQAB"))].concat());
        let jwk = Jwk::from_spki(&spki(alg_id::RSA_ENCRYPTION.as_ref(), &key)).unwrap();
        assert_eq!(jwk.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn the_thumbprint_is_the_example_of_rfc_8037() {
        let key = bytes("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        let jwk = Jwk::from_spki(&spki(alg_id::ED25519.as_ref(), &key)).unwrap();
        assert_eq!(jwk.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_point_becomes_two_coordinates() {
        // RFC 7515 appendix A.3.
        let (x, y) = ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
        let point = [vec![4], bytes(x), bytes(y)].concat();
        let jwk = Jwk::from_spki(&spki(alg_id::ECDSA_P256.as_ref(), &point)).unwrap();
        assert_eq!(jwk.as_str(), format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
        assert_eq!(serde_json::to_string(&jwk).unwrap(), jwk.as_str());
    }

    #[test]
    fn what_is_no_public_key_is_refused() {
        let algorithm = alg_id::ECDSA_P256;
        for refused in [
            SubjectPublicKeyInfoDer::from(vec![]),
            spki(algorithm.as_ref(), &[4; 64]),
            spki(algorithm.as_ref(), &[2; 65]),
            spki(&[6, 1, 1], &[4; 65]),
            spki(alg_id::RSA_ENCRYPTION.as_ref(), &[0x30, 0]),
            spki(alg_id::ED25519.as_ref(), &[1; 31]),
        ] {
            assert!(Jwk::from_spki(&refused).is_err());
        }
    }
}
