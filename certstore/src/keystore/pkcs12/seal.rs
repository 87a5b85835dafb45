//! What lies in a key store under its password: encrypted, and opened again.

use acme_core::der::{self, Reader};
use acme_core::{Error, ErrorKind, Secret};
use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt as _, BlockModeEncrypt as _, KeyInit, KeyIvInit as _,
};
use cbc::{Decryptor, Encryptor};
use des::TdesEde3;
use rc2::Rc2;
use sha1::Sha1;

use super::derive::{Password, Purpose, derive};
use super::pbkdf2::Pbkdf2;
use super::{ROUNDS, Seed, names, sequence};
use crate::limits;

/// How something is encrypted.
#[derive(Clone, Copy)]
pub(super) enum Scheme {
    /// PBES2: PBKDF2 with HMAC and SHA-256, AES-256.
    Aes256,
    /// Triple DES of PKCS #12 itself.
    TripleDes,
    /// RC2 of PKCS #12 itself, with 40 bits.
    Rc2,
}

/// Something encrypted, and the AlgorithmIdentifier that says how.
pub(super) struct Sealed {
    pub(super) algorithm: Vec<u8>,
    pub(super) octets: Vec<u8>,
}

impl Sealed {
    pub(super) fn new(
        scheme: Scheme,
        password: &Password<'_>,
        plain: &[u8],
        seed: &Seed,
        purpose: &str,
    ) -> Result<Self, Error> {
        let old_salt: [u8; 8] = seed.octets(purpose);
        let old_parameters =
            || sequence(&[&der::write(der::OCTET_STRING, &old_salt), &der::write_unsigned(&ROUNDS.to_be_bytes())]);
        match scheme {
            Scheme::Aes256 => {
                let salt: [u8; 16] = seed.octets(purpose);
                let vector: [u8; 16] = seed.octets(&format!("{purpose} vector"));
                let derivation = Pbkdf2::new(&salt);
                let key = derivation.key(password, 32, &mut Rounds::new())?;
                let octets = encrypt::<Aes256>(&key, &vector, plain)?;
                let algorithm = sequence(&[
                    names::PBES2,
                    &sequence(&[
                        &derivation.algorithm(),
                        &sequence(&[names::AES256, &der::write(der::OCTET_STRING, &vector)]),
                    ]),
                ]);
                Ok(Self { algorithm, octets })
            }
            Scheme::TripleDes => {
                let (key, vector) = old_keys(password, &old_salt, ROUNDS, 24);
                let octets = encrypt::<TdesEde3>(&key, vector.expose(), plain)?;
                Ok(Self { algorithm: sequence(&[names::PBE_TRIPLE_DES, &old_parameters()]), octets })
            }
            Scheme::Rc2 => {
                let (key, vector) = old_keys(password, &old_salt, ROUNDS, 5);
                let octets = encrypt::<Rc2>(&key, vector.expose(), plain)?;
                Ok(Self { algorithm: sequence(&[names::PBE_RC2, &old_parameters()]), octets })
            }
        }
    }
}

/// How many rounds of key derivation may still be spent on one file.
pub(super) struct Rounds(u32);

impl Rounds {
    pub(super) fn new() -> Self {
        Self(limits::KEYSTORE_ROUNDS)
    }

    /// Takes `count`, an INTEGER, `times` over.
    pub(super) fn spend(&mut self, count: &[u8], times: u32) -> Result<u32, Error> {
        let count = match count {
            [] => None,
            short @ ([_] | [_, _] | [_, _, _] | [_, _, _, _]) => {
                Some(short.iter().fold(0_u32, |all, octet| all << 8 | u32::from(*octet)))
            }
            _ => Some(u32::MAX),
        };
        let count = count.ok_or_else(|| malformed("without a round of key derivation"))?;
        match count.checked_mul(times).and_then(|all| self.0.checked_sub(all)) {
            Some(left) => {
                self.0 = left;
                Ok(count)
            }
            None => {
                let most = limits::KEYSTORE_ROUNDS;
                let what = format!("a key store that takes more than {most} rounds of key derivation");
                Err(Error::new(ErrorKind::Unsupported, what))
            }
        }
    }
}

/// Opens what `algorithm` (the content of an AlgorithmIdentifier) has sealed.
pub(super) fn open(
    algorithm: &[u8],
    password: &Password<'_>,
    octets: &[u8],
    rounds: &mut Rounds,
) -> Result<Secret<Vec<u8>>, Error> {
    let (name, parameters) = named(algorithm).ok_or_else(|| malformed("whose encryption cannot be read"))?;
    match name {
        names::PBES2 => open_pbes2(parameters, password, octets, rounds),
        names::PBE_TRIPLE_DES | names::PBE_RC2 => {
            let read = || {
                let mut fields = Reader::sequence(parameters)?;
                let found = (fields.value(der::OCTET_STRING)?, fields.unsigned()?);
                fields.end()?;
                Some(found)
            };
            let (salt, count) = read().ok_or_else(|| malformed("whose encryption cannot be read"))?;
            let count = rounds.spend(count, 3)?;
            if name == names::PBE_RC2 {
                let (key, vector) = old_keys(password, salt, count, 5);
                decrypt::<Rc2>(&key, vector.expose(), octets)
            } else {
                let (key, vector) = old_keys(password, salt, count, 24);
                decrypt::<TdesEde3>(&key, vector.expose(), octets)
            }
        }
        other => Err(unknown("encryption", other)),
    }
}

fn open_pbes2(
    parameters: &[u8],
    password: &Password<'_>,
    octets: &[u8],
    rounds: &mut Rounds,
) -> Result<Secret<Vec<u8>>, Error> {
    let unreadable = || malformed("whose encryption (PBES2) cannot be read");
    let mut fields = Reader::sequence(parameters).ok_or_else(unreadable)?;
    let derivation = fields.value(der::SEQUENCE).and_then(named).ok_or_else(unreadable)?;
    let cipher = fields.value(der::SEQUENCE).and_then(named).ok_or_else(unreadable)?;
    fields.end().ok_or_else(unreadable)?;
    let derivation = Pbkdf2::read(derivation)?;
    let mut vector = Reader::new(cipher.1);
    let vector = vector.value(der::OCTET_STRING).ok_or_else(unreadable)?;
    let length = match cipher.0 {
        names::AES128 => 16,
        names::AES192 => 24,
        names::AES256 => 32,
        other => return Err(unknown("encryption", other)),
    };
    if derivation.length().is_some_and(|said| said != length) {
        return Err(unreadable());
    }
    let key = derivation.key(password, length, rounds)?;
    match length {
        16 => decrypt::<Aes128>(&key, vector, octets),
        24 => decrypt::<Aes192>(&key, vector, octets),
        _ => decrypt::<Aes256>(&key, vector, octets),
    }
}

/// Key and initialization vector of the ciphers that PKCS #12 brought itself (RFC 7292 appendix C).
fn old_keys(password: &Password<'_>, salt: &[u8], rounds: u32, length: usize) -> (Secret<Vec<u8>>, Secret<Vec<u8>>) {
    let password = password.terminated();
    (
        derive::<Sha1>(Purpose::Key, password, salt, rounds, length),
        derive::<Sha1>(Purpose::InitializationVector, password, salt, rounds, 8),
    )
}

fn encrypt<C: BlockCipherEncrypt + KeyInit>(
    key: &Secret<Vec<u8>>,
    vector: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, Error> {
    let cipher = Encryptor::<C>::new_from_slices(key.expose(), vector)
        .map_err(|_| Error::new(ErrorKind::Internal, "a key of the wrong length for a key store"))?;
    Ok(cipher.encrypt_padded_vec::<Pkcs7>(plain))
}

fn decrypt<C: BlockCipherDecrypt + KeyInit>(
    key: &Secret<Vec<u8>>,
    vector: &[u8],
    octets: &[u8],
) -> Result<Secret<Vec<u8>>, Error> {
    let cipher = Decryptor::<C>::new_from_slices(key.expose(), vector)
        .map_err(|_| malformed("whose initialization vector has another length than its cipher"))?;
    let plain = cipher.decrypt_padded_vec::<Pkcs7>(octets);
    plain.map(Secret::new).map_err(|_| malformed("that holds what its password does not open"))
}

/// The name (with its tag) and the parameters in the content of an AlgorithmIdentifier.
pub(super) fn named(algorithm: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = Reader::new(algorithm);
    fields.value(der::OBJECT_IDENTIFIER)?;
    Some(algorithm.split_at(algorithm.len() - fields.rest().len()))
}

pub(super) fn unknown(what: &str, name: &[u8]) -> Error {
    let name = der::dotted(name.get(2..).unwrap_or_default());
    Error::new(ErrorKind::Unsupported, format!("a key store with the {what} {name}, which is not known here"))
}

pub(super) fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("a key store (PKCS #12) {what}"))
}
