//! The keys of transaction signatures, and how they sign.

use std::fmt;
use std::str::FromStr;

use acme_core::{Secret, text};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use crate::{Error, ErrorKind};

/// A key that a name server knows by name.
pub struct TsigKey {
    name: String,
    algorithm: TsigAlgorithm,
    secret: Secret<Vec<u8>>,
}

impl TsigKey {
    /// A key with its secret as bytes.
    ///
    /// # Errors
    /// `Malformed` when the name is no domain name or the secret is empty.
    pub fn new(name: &str, algorithm: TsigAlgorithm, secret: Secret<Vec<u8>>) -> Result<Self, Error> {
        let bare = name.trim().trim_end_matches('.').to_ascii_lowercase();
        let sound = bare.len() <= 253
            && bare
                .split('.')
                .all(|label| (1..=63).contains(&label.len()) && label.bytes().all(|it| it.is_ascii_graphic()));
        if !sound {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!(
                    "{:?} is no name of a TSIG key: write it as the name server's configuration does",
                    text::printable(name, 260)
                ),
            ));
        }
        if secret.expose().is_empty() {
            return Err(Error::new(ErrorKind::Malformed, format!("the secret of the TSIG key {bare} is empty")));
        }
        Ok(Self { name: bare, algorithm, secret })
    }

    /// A key with its secret in base64, as `tsig-keygen` prints it; white space around it does not matter.
    ///
    /// # Errors
    /// `Malformed` when the name is no domain name or the secret is not base64.
    pub fn from_base64(name: &str, algorithm: TsigAlgorithm, secret: &Secret<String>) -> Result<Self, Error> {
        let bytes = BASE64_STANDARD.decode(secret.expose().trim()).map_err(|_| {
            Error::new(
                ErrorKind::Malformed,
                format!("the secret of the TSIG key {} is not base64", text::printable(name, 260)),
            )
        })?;
        Self::new(name, algorithm, Secret::new(bytes))
    }

    /// The name, lower case, without the final dot.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The algorithm.
    pub fn algorithm(&self) -> TsigAlgorithm {
        self.algorithm
    }

    pub(super) fn mac(&self, message: &[u8]) -> Vec<u8> {
        self.algorithm.mac(self.secret.expose(), message)
    }
}

impl fmt::Display for TsigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the TSIG key `{}` ({})", self.name, self.algorithm)
    }
}

impl fmt::Debug for TsigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TsigKey").field("name", &self.name).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// How a transaction is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TsigAlgorithm {
    /// HMAC-MD5: cert-manager's default, and the oldest servers' only one. Prefer any other.
    HmacMd5,
    /// HMAC-SHA-1.
    HmacSha1,
    /// HMAC-SHA-224.
    HmacSha224,
    /// HMAC-SHA-256: the default of `tsig-keygen`.
    HmacSha256,
    /// HMAC-SHA-384.
    HmacSha384,
    /// HMAC-SHA-512.
    HmacSha512,
}

impl TsigAlgorithm {
    /// The name on the wire, without its final dot; also what `Display` prints.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HmacMd5 => "hmac-md5.sig-alg.reg.int",
            Self::HmacSha1 => "hmac-sha1",
            Self::HmacSha224 => "hmac-sha224",
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha384 => "hmac-sha384",
            Self::HmacSha512 => "hmac-sha512",
        }
    }

    fn mac(self, secret: &[u8], message: &[u8]) -> Vec<u8> {
        macro_rules! mac {
            ($hash:ty) => {{
                // HMAC takes a key of any length.
                match Hmac::<$hash>::new_from_slice(secret) {
                    Ok(mac) => mac.chain_update(message).finalize().into_bytes().to_vec(),
                    Err(_) => Vec::new(),
                }
            }};
        }
        match self {
            Self::HmacMd5 => mac!(Md5),
            Self::HmacSha1 => mac!(Sha1),
            Self::HmacSha224 => mac!(Sha224),
            Self::HmacSha256 => mac!(Sha256),
            Self::HmacSha384 => mac!(Sha384),
            Self::HmacSha512 => mac!(Sha512),
        }
    }
}

impl FromStr for TsigAlgorithm {
    type Err = Error;

    /// Reads the names of the wire, of BIND (`hmac-sha256`) and of cert-manager (`HMACSHA256`), in any case.
    fn from_str(name: &str) -> Result<Self, Error> {
        let bare = name.trim().trim_end_matches('.').to_ascii_lowercase();
        match bare.replace('-', "").as_str() {
            "hmacmd5" | "hmacmd5.sigalg.reg.int" => Ok(Self::HmacMd5),
            "hmacsha1" => Ok(Self::HmacSha1),
            "hmacsha224" => Ok(Self::HmacSha224),
            "hmacsha256" => Ok(Self::HmacSha256),
            "hmacsha384" => Ok(Self::HmacSha384),
            "hmacsha512" => Ok(Self::HmacSha512),
            _ => Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "{:?} is no TSIG algorithm: use hmac-md5, hmac-sha1, hmac-sha224, hmac-sha256, hmac-sha384 or hmac-sha512",
                    text::printable(name, 80)
                ),
            )),
        }
    }
}

impl fmt::Display for TsigAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_are_read_by_all_their_names() {
        for (name, algorithm) in [
            ("HMACMD5", TsigAlgorithm::HmacMd5),
            ("hmac-md5.sig-alg.reg.int.", TsigAlgorithm::HmacMd5),
            ("HmacSha1", TsigAlgorithm::HmacSha1),
            ("hmac-sha256", TsigAlgorithm::HmacSha256),
            ("hmac-sha384.", TsigAlgorithm::HmacSha384),
            ("HMACSHA512", TsigAlgorithm::HmacSha512),
        ] {
            assert_eq!(name.parse::<TsigAlgorithm>().unwrap(), algorithm);
        }
        assert!("sha256".parse::<TsigAlgorithm>().is_err());
    }

    #[test]
    fn a_key_shows_its_name_and_never_its_secret() {
        let shown = format!("{:?} {}", key(), key());
        assert!(shown.contains("acme-key"), "{shown}");
        assert!(!shown.contains("MDEy") && !shown.contains("48, 49"), "{shown}");
    }

    fn key() -> TsigKey {
        let secret = Secret::new("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".to_owned());
        TsigKey::from_base64("acme-key.", TsigAlgorithm::HmacSha256, &secret).unwrap()
    }
}
