//! MacData: who knows the password has written this, and nobody else has changed it.
//!
//! Either with the key derivation of PKCS #12 itself (RFC 7292 section 4), or with PBMAC1 (RFC 9579).

use acme_core::der::{self, Reader};
use acme_core::{Error, ErrorKind, Secret};
use hmac::digest::block_api::EagerHash;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha1::digest::Digest;
use sha1::digest::common::BlockSizeUser;
use sha2::{Sha256, Sha384, Sha512};

use super::derive::{Password, Purpose, derive};
use super::pbkdf2::Pbkdf2;
use super::seal::{Rounds, malformed, named, unknown};
use super::{Profile, ROUNDS, Seed, names, sequence};
use crate::limits;

/// Vouches for `safe`.
pub(super) fn write(profile: Profile, password: &Password<'_>, safe: &[u8], seed: &Seed) -> Result<Vec<u8>, Error> {
    let salt: [u8; 16] = seed.octets(PURPOSE);
    match profile {
        Profile::Modern2026 => {
            let derivation = Pbkdf2::new(&salt).with_length(32);
            let key = derivation.key(password, 32, &mut Rounds::new())?;
            let parameters = sequence(&[&derivation.algorithm(), &sequence(&[names::HMAC_SHA256, names::NULL])]);
            let digest = hmac::<Sha256>(&key, safe)?.finalize().into_bytes();
            Ok(sequence(&[
                &sequence(&[&sequence(&[names::PBMAC1, &parameters]), &der::write(der::OCTET_STRING, &digest)]),
                &der::write(der::OCTET_STRING, UNUSED_SALT),
            ]))
        }
        Profile::Modern2023 => {
            let digest = own::<Sha256>(password.terminated(), &salt, ROUNDS, safe)?.finalize().into_bytes();
            Ok(write_own(names::SHA256, &digest, &salt))
        }
        Profile::LegacyDes | Profile::LegacyRc2 => {
            let salt: [u8; 8] = seed.octets(PURPOSE);
            let digest = own::<Sha1>(password.terminated(), &salt, ROUNDS, safe)?.finalize().into_bytes();
            Ok(write_own(names::SHA1, &digest, &salt))
        }
    }
}

/// Whether `data` (the content of MacData) vouches for `safe`.
pub(super) fn check(data: &[u8], password: &Password<'_>, safe: &[u8], rounds: &mut Rounds) -> Result<(), Error> {
    let unreadable = || malformed("whose authentication cannot be read");
    let read = || {
        let mut fields = Reader::new(data);
        let mut digest = Reader::new(fields.value(der::SEQUENCE)?);
        let algorithm = named(digest.value(der::SEQUENCE)?)?;
        let digest = digest.value(der::OCTET_STRING)?;
        let salt = fields.value(der::OCTET_STRING)?;
        let count = if fields.tag().is_some() { fields.unsigned()? } else { &[1] };
        fields.end()?;
        Some((algorithm, digest, salt, count))
    };
    let ((hash, parameters), digest, salt, count) = read().ok_or_else(unreadable)?;
    let genuine = match hash {
        names::PBMAC1 => return check_pbmac1(parameters, password, safe, digest, rounds),
        names::SHA1 => genuine::<Sha1>,
        names::SHA256 => genuine::<Sha256>,
        names::SHA384 => genuine::<Sha384>,
        names::SHA512 => genuine::<Sha512>,
        other => return Err(unknown("authentication", other)),
    };
    let count = rounds.spend(count, 1)?;
    if genuine(password.terminated(), salt, count, safe, digest)? {
        return Ok(());
    }
    // Some write the empty password as no octets at all.
    if password.is_empty() && genuine(&[], salt, rounds.spend(&count.to_be_bytes(), 1)?, safe, digest)? {
        return Ok(());
    }
    Err(refused())
}

/// PBMAC1 brings salt and rounds of its own: those of MacData mean nothing.
fn check_pbmac1(
    parameters: &[u8],
    password: &Password<'_>,
    safe: &[u8],
    digest: &[u8],
    rounds: &mut Rounds,
) -> Result<(), Error> {
    let read = || {
        let mut fields = Reader::sequence(parameters)?;
        let found = (named(fields.value(der::SEQUENCE)?)?, named(fields.value(der::SEQUENCE)?)?.0);
        fields.end()?;
        Some(found)
    };
    let (derivation, scheme) = read().ok_or_else(|| malformed("whose authentication (PBMAC1) cannot be read"))?;
    let verify = match scheme {
        names::HMAC_SHA1 => verify::<Sha1>,
        names::HMAC_SHA256 => verify::<Sha256>,
        names::HMAC_SHA384 => verify::<Sha384>,
        names::HMAC_SHA512 => verify::<Sha512>,
        other => return Err(unknown("authentication", other)),
    };
    let derivation = Pbkdf2::read(derivation)?;
    let length =
        derivation.length().ok_or_else(|| malformed("whose authentication (PBMAC1) says no length of its key"))?;
    if !(SHORTEST_KEY..=limits::KEYSTORE_AUTHENTICATION_KEY).contains(&length) {
        let most = limits::KEYSTORE_AUTHENTICATION_KEY;
        let what = format!("a key store authenticated by a key of {length} octets: {SHORTEST_KEY} to {most} are taken");
        return Err(Error::new(ErrorKind::Unsupported, what));
    }
    let key = derivation.key(password, length, rounds)?;
    if verify(&key, safe, digest)? { Ok(()) } else { Err(refused()) }
}

/// Whether `digest` was made by somebody who knows the password.
fn genuine<D: Digest + BlockSizeUser + EagerHash>(
    password: &[u8],
    salt: &[u8],
    rounds: u32,
    safe: &[u8],
    digest: &[u8],
) -> Result<bool, Error> {
    Ok(own::<D>(password, salt, rounds, safe)?.verify_slice(digest).is_ok())
}

fn verify<D: EagerHash>(key: &Secret<Vec<u8>>, safe: &[u8], digest: &[u8]) -> Result<bool, Error> {
    Ok(hmac::<D>(key, safe)?.verify_slice(digest).is_ok())
}

/// HMAC with a key that PKCS #12 itself derives.
fn own<D: Digest + BlockSizeUser + EagerHash>(
    password: &[u8],
    salt: &[u8],
    rounds: u32,
    safe: &[u8],
) -> Result<Hmac<D>, Error> {
    let length = <D as Digest>::output_size();
    hmac(&derive::<D>(Purpose::Authentication, password, salt, rounds, length), safe)
}

fn hmac<D: EagerHash>(key: &Secret<Vec<u8>>, safe: &[u8]) -> Result<Hmac<D>, Error> {
    let mut mac = Hmac::<D>::new_from_slice(key.expose())
        .map_err(|_| Error::new(ErrorKind::Internal, "no HMAC over a key store"))?;
    mac.update(safe);
    Ok(mac)
}

fn write_own(hash: &[u8], digest: &[u8], salt: &[u8]) -> Vec<u8> {
    sequence(&[
        &sequence(&[&sequence(&[hash, names::NULL]), &der::write(der::OCTET_STRING, digest)]),
        &der::write(der::OCTET_STRING, salt),
        &der::write_unsigned(&ROUNDS.to_be_bytes()),
    ])
}

fn refused() -> Error {
    Error::new(ErrorKind::Unauthorized, "the password of the key store is wrong, or the file was changed")
}

const PURPOSE: &str = "authentication";
/// What OpenSSL writes too where the format wants a salt that PBMAC1 does not use.
const UNUSED_SALT: &[u8] = b"NOT USED";
/// Shortest key of PBMAC1, in octets: whoever may ask for a shorter one guesses it without the password (RFC 9579).
const SHORTEST_KEY: usize = 20;
