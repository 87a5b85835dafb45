//! Sizes of RSA keys beside the usual ones.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::KeyType;
use crate::{Error, ErrorKind};

/// How many bits the modulus of an RSA key has, where it is none of the sizes that [`KeyType`] names; [`KeyType::rsa`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct RsaSize(u16);

impl RsaSize {
    /// The bits.
    pub fn bits(self) -> u16 {
        self.0
    }
}

impl KeyType {
    /// RSA with a modulus of so many bits, 2048 to 8192.
    ///
    /// Keys of other sizes than 2048, 3072, 4096 and 8192 are made where feature `rsa-sizes` is on, and read, signed with and checked with aws-lc-rs wherever
    /// they come from.
    ///
    /// # Errors
    /// `Malformed` when that is too few or too many.
    pub fn rsa(bits: u16) -> Result<Self, Error> {
        match bits {
            2048 => Ok(Self::Rsa2048),
            3072 => Ok(Self::Rsa3072),
            4096 => Ok(Self::Rsa4096),
            8192 => Ok(Self::Rsa8192),
            2049..8192 => Ok(Self::RsaOf(RsaSize(bits))),
            _ => {
                Err(Error::new(ErrorKind::Malformed, format!("an RSA key has 2048 to 8192 bits here, and not {bits}")))
            }
        }
    }
}

impl TryFrom<u16> for RsaSize {
    type Error = Error;

    fn try_from(bits: u16) -> Result<Self, Error> {
        match KeyType::rsa(bits)? {
            KeyType::RsaOf(size) => Ok(size),
            usual @ (KeyType::EcdsaP256
            | KeyType::EcdsaP384
            | KeyType::EcdsaP521
            | KeyType::Rsa2048
            | KeyType::Rsa3072
            | KeyType::Rsa4096
            | KeyType::Rsa8192
            | KeyType::Ed25519) => Err(Error::new(ErrorKind::Malformed, format!("{usual} has a name of its own"))),
        }
    }
}

impl From<RsaSize> for u16 {
    fn from(size: RsaSize) -> Self {
        size.0
    }
}

impl fmt::Display for RsaSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
