//! Signed requests: the flattened JSON serialisation of RFC 7515 section 7.2.2, as RFC 8555 section 6.2 wants it.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use sha2::{Sha256, Sha384, Sha512};

use super::Jwk;
use crate::der::Reader;
use crate::protocol::{ExternalAccount, HmacAlgorithm, Url};
use crate::{Error, ErrorKind, SignatureAlgorithm, Signer};

/// How a request says who signed it.
#[derive(Clone, Copy)]
pub(crate) enum By<'a> {
    /// By the key itself.
    Key(&'a Jwk),
    /// By the URL of the account.
    Account(&'a Url),
}

/// Signs `payload` (empty for POST-as-GET) for `url`.
pub(crate) async fn sign(
    signer: &dyn Signer,
    by: By<'_>,
    nonce: Option<&str>,
    url: &Url,
    payload: &[u8],
) -> Result<Jws, Error> {
    let algorithm = signer.algorithm();
    let (jwk, kid) = match by {
        By::Key(jwk) => (Some(jwk), None),
        By::Account(account) => (None, Some(account.as_str())),
    };
    let protected = Protected { alg: algorithm.jose(), jwk, kid, nonce, url: url.as_str() };
    let input = SigningInput::new(&protected, payload)?;
    let signature = signer
        .sign(input.text.as_bytes())
        .await
        .map_err(|error| error.while_doing("signing a request with the account key"))?;
    Ok(input.signed(&to_jose(algorithm, signature)?))
}

/// The JWS that binds the account of `jwk` to an account elsewhere (RFC 8555 section 7.3.4).
pub(crate) fn bind_external_account(external: &ExternalAccount, jwk: &Jwk, new_account: &Url) -> Result<Jws, Error> {
    let protected = Protected {
        alg: match external.algorithm() {
            HmacAlgorithm::Hs256 => "HS256",
            HmacAlgorithm::Hs384 => "HS384",
            HmacAlgorithm::Hs512 => "HS512",
        },
        jwk: None,
        kid: Some(external.key_id()),
        nonce: None,
        url: new_account.as_str(),
    };
    let input = SigningInput::new(&protected, jwk.as_str().as_bytes())?;
    let mac = authenticate(external.algorithm(), external.key().expose(), input.text.as_bytes())?;
    Ok(input.signed(&mac))
}

/// A signed message, as it travels.
#[derive(Debug, Serialize)]
pub(crate) struct Jws {
    protected: String,
    payload: String,
    signature: String,
}

impl Jws {
    pub(crate) fn to_json(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(unwritable)
    }
}

#[derive(Serialize)]
struct Protected<'a> {
    alg: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwk: Option<&'a Jwk>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    url: &'a str,
}

/// What is signed: header and payload in base64url with a dot between them.
struct SigningInput {
    text: String,
    dot: usize,
}

impl SigningInput {
    fn new(protected: &Protected<'_>, payload: &[u8]) -> Result<Self, Error> {
        let header = serde_json::to_vec(protected).map_err(unwritable)?;
        let mut text = String::with_capacity((header.len() + payload.len()) * 4 / 3 + 8);
        BASE64_URL_SAFE_NO_PAD.encode_string(header, &mut text);
        let dot = text.len();
        text.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(payload, &mut text);
        Ok(Self { text, dot })
    }

    fn signed(mut self, signature: &[u8]) -> Jws {
        let payload = self.text.split_off(self.dot + 1);
        self.text.pop();
        Jws { protected: self.text, payload, signature: BASE64_URL_SAFE_NO_PAD.encode(signature) }
    }
}

fn unwritable(source: serde_json::Error) -> Error {
    Error::new(ErrorKind::Internal, "a request could not be written").with_source(source)
}

/// From the form of X.509 to that of JOSE: ECDSA's two numbers side by side (RFC 7518 section 3.4).
fn to_jose(algorithm: SignatureAlgorithm, signature: Vec<u8>) -> Result<Vec<u8>, Error> {
    let octets = match algorithm {
        SignatureAlgorithm::EcdsaP256Sha256 => 32,
        SignatureAlgorithm::EcdsaP384Sha384 => 48,
        SignatureAlgorithm::EcdsaP521Sha512 => 66,
        SignatureAlgorithm::RsaPkcs1Sha256
        | SignatureAlgorithm::RsaPkcs1Sha384
        | SignatureAlgorithm::RsaPkcs1Sha512
        | SignatureAlgorithm::Ed25519 => return Ok(signature),
    };
    side_by_side(&signature, octets).ok_or_else(|| {
        Error::new(
            ErrorKind::Internal,
            format!("the signer's {} signature is not the DER that X.509 uses", algorithm.jose()),
        )
    })
}

fn side_by_side(signature: &[u8], octets: usize) -> Option<Vec<u8>> {
    let mut numbers = Reader::sequence(signature)?;
    let mut out = Vec::with_capacity(2 * octets);
    for _ in 0..2 {
        let number = numbers.unsigned()?;
        out.resize(out.len() + octets.checked_sub(number.len())?, 0);
        out.extend_from_slice(number);
    }
    numbers.end()?;
    Some(out)
}

fn authenticate(algorithm: HmacAlgorithm, key: &[u8], message: &[u8]) -> Result<Vec<u8>, Error> {
    let unusable = |_| Error::new(ErrorKind::Internal, "the MAC key cannot be used");
    Ok(match algorithm {
        HmacAlgorithm::Hs256 => Hmac::<Sha256>::new_from_slice(key)
            .map_err(unusable)?
            .chain_update(message)
            .finalize()
            .into_bytes()
            .to_vec(),
        HmacAlgorithm::Hs384 => Hmac::<Sha384>::new_from_slice(key)
            .map_err(unusable)?
            .chain_update(message)
            .finalize()
            .into_bytes()
            .to_vec(),
        HmacAlgorithm::Hs512 => Hmac::<Sha512>::new_from_slice(key)
            .map_err(unusable)?
            .chain_update(message)
            .finalize()
            .into_bytes()
            .to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der;

    fn bytes(text: &str) -> Vec<u8> {
        BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    #[test]
    fn the_mac_is_the_example_of_rfc_7515() {
        // Appendix A.1.
        let key = bytes("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
        let input = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        assert_eq!(
            authenticate(HmacAlgorithm::Hs256, &key, input.as_bytes()).unwrap(),
            bytes("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        );
    }

    #[test]
    fn longer_macs_are_the_examples_of_rfc_4231() {
        // Test case 2.
        for (algorithm, begin) in [
            (HmacAlgorithm::Hs256, [0x5b, 0xdc, 0xc1, 0x46]),
            (HmacAlgorithm::Hs384, [0xaf, 0x45, 0xd2, 0xe3]),
            (HmacAlgorithm::Hs512, [0x16, 0x4b, 0x7a, 0x7b]),
        ] {
            let mac = authenticate(algorithm, b"Jefe", b"what do ya want for nothing?").unwrap();
            assert_eq!(mac[..4], begin);
        }
    }

    #[test]
    fn numbers_of_an_ecdsa_signature_are_padded() {
        let signature =
            |r: &[u8], s: &[u8]| der::write(der::SEQUENCE, &[der::write_unsigned(r), der::write_unsigned(s)].concat());
        for octets in [32, 48, 66] {
            let joined = side_by_side(&signature(&[0x80], &vec![0x90; octets]), octets).unwrap();
            assert_eq!(joined[..octets - 1], vec![0; octets - 1]);
            assert_eq!(joined[octets - 1], 0x80);
            assert_eq!(joined[octets..], vec![0x90; octets]);
        }
        assert!(side_by_side(&signature(&[1; 33], &[1]), 32).is_none());
        assert!(side_by_side(&[1; 64], 32).is_none());
    }

    #[test]
    fn the_signature_of_rfc_7515_goes_through_der() {
        // Appendix A.3.
        let jose = bytes("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
        let (r, s) = jose.split_at(32);
        let der = der::write(der::SEQUENCE, &[der::write_unsigned(r), der::write_unsigned(s)].concat());
        assert_eq!(to_jose(SignatureAlgorithm::EcdsaP256Sha256, der).unwrap(), jose);
    }

    #[test]
    fn post_as_get_has_an_empty_payload() {
        let url = Url::parse("https://ca.example/order/1").unwrap();
        let protected = Protected {
            alg: "ES256",
            jwk: None,
            kid: Some("https://ca.example/acct/1"),
            nonce: Some("UQI1PoRi5OuXzxuX7V7wL0"),
            url: url.as_str(),
        };
        let jws = SigningInput::new(&protected, b"").unwrap().signed(&[1, 2, 3]);
        assert_eq!(jws.payload, "");
        assert_eq!(
            bytes(&jws.protected),
            br#"{"alg":"ES256","kid":"https://ca.example/acct/1","nonce":"UQI1PoRi5OuXzxuX7V7wL0","url":"https://ca.example/order/1"}"#
        );
    }
}
