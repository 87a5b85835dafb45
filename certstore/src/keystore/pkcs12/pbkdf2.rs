//! PBKDF2 (RFC 8018 section 5.2): from a password to a key, as PBES2 and PBMAC1 do it.

use ::pbkdf2::pbkdf2_hmac;
use acme_core::der::{self, Reader};
use acme_core::{Error, Secret};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

use super::derive::Password;
use super::seal::{Rounds, malformed, named, unknown};
use super::{ROUNDS, names, sequence};

/// The parameters of one derivation.
pub(super) struct Pbkdf2<'a> {
    salt: &'a [u8],
    count: &'a [u8],
    length: Option<usize>,
    hash: &'a [u8],
}

impl<'a> Pbkdf2<'a> {
    /// The one that is written here: with HMAC and SHA-256.
    pub(super) fn new(salt: &'a [u8]) -> Self {
        Self { salt, count: &COUNT, length: None, hash: names::HMAC_SHA256 }
    }

    /// Says the length of the key, of less than 256 octets.
    pub(super) fn with_length(mut self, octets: u8) -> Self {
        self.length = Some(usize::from(octets));
        self
    }

    /// Reads name and parameters of an AlgorithmIdentifier.
    pub(super) fn read((name, parameters): (&'a [u8], &'a [u8])) -> Result<Self, Error> {
        if name != names::PBKDF2 {
            return Err(unknown("key derivation", name));
        }
        let read = || {
            let mut fields = Reader::sequence(parameters)?;
            let salt = fields.value(der::OCTET_STRING)?;
            let count = fields.unsigned()?;
            let length = if fields.tag() == Some(der::INTEGER) { Some(number(fields.unsigned()?)) } else { None };
            let hash = match fields.tag() {
                Some(_) => named(fields.value(der::SEQUENCE)?)?.0,
                None => names::HMAC_SHA1,
            };
            Some(Self { salt, count, length, hash })
        };
        read().ok_or_else(|| malformed("whose key derivation (PBKDF2) cannot be read"))
    }

    /// How long it says that the key is, in octets.
    pub(super) fn length(&self) -> Option<usize> {
        self.length
    }

    /// The AlgorithmIdentifier.
    pub(super) fn algorithm(&self) -> Vec<u8> {
        let length = self.length.map(|it| der::write_unsigned(&it.to_be_bytes())).unwrap_or_default();
        let parameters = sequence(&[
            &der::write(der::OCTET_STRING, self.salt),
            &der::write_unsigned(self.count),
            &length,
            &sequence(&[self.hash, names::NULL]),
        ]);
        sequence(&[names::PBKDF2, &parameters])
    }

    /// A key of `length` octets, paid for in rounds.
    pub(super) fn key(
        &self,
        password: &Password<'_>,
        length: usize,
        rounds: &mut Rounds,
    ) -> Result<Secret<Vec<u8>>, Error> {
        let block = match self.hash {
            names::HMAC_SHA1 => 20,
            names::HMAC_SHA256 => 32,
            names::HMAC_SHA384 => 48,
            names::HMAC_SHA512 => 64,
            other => return Err(unknown("hash of a key derivation", other)),
        };
        // Each block of the key takes all rounds anew.
        let blocks = u32::try_from(length.div_ceil(block)).unwrap_or(u32::MAX);
        let count = rounds.spend(self.count, blocks)?;
        let mut key = vec![0; length];
        match block {
            20 => pbkdf2_hmac::<Sha1>(password.utf8(), self.salt, count, &mut key),
            32 => pbkdf2_hmac::<Sha256>(password.utf8(), self.salt, count, &mut key),
            48 => pbkdf2_hmac::<Sha384>(password.utf8(), self.salt, count, &mut key),
            _ => pbkdf2_hmac::<Sha512>(password.utf8(), self.salt, count, &mut key),
        }
        Ok(Secret::new(key))
    }
}

fn number(octets: &[u8]) -> usize {
    octets.iter().fold(0, |all: usize, octet| all.saturating_mul(256).saturating_add(usize::from(*octet)))
}

const COUNT: [u8; 4] = ROUNDS.to_be_bytes();
