//! JKS, the key store of Java before version 9.
//!
//! Its protection is that of 1997: SHA-1 over password and salt. Whoever may choose takes PKCS #12.

use acme_core::{Error, ErrorKind, Secret, Timestamp, der};
use rustls_pki_types::CertificateDer;
use sha1::{Digest as _, Sha1};
use zeroize::Zeroize as _;

use super::{KeyStore, Keyed, Seed, authority_alias};
use crate::limits;

impl KeyStore<'_> {
    /// Writes it as JKS. `password` protects both the file and the key; `now` becomes the time of its entries.
    ///
    /// Names are written in lower case, as Java looks them up.
    ///
    /// # Errors
    /// `Unsupported` for a name, a key or a certificate that is longer than the format can say; `Malformed` when two entries have the same name.
    pub fn to_jks(&self, password: &Secret<String>, now: Timestamp, seed: &Seed) -> Result<Secret<Vec<u8>>, Error> {
        let password = utf16(password);
        let mut out = Vec::with_capacity(self.size());
        out.extend(MAGIC);
        out.extend(VERSION);
        out.extend(length(self.authorities.len() + usize::from(self.keyed.is_some()))?);
        if let Some(keyed) = &self.keyed {
            let alias = keyed.alias.unwrap_or(ALIAS).to_lowercase();
            if (0..self.authorities.len()).any(|number| authority_alias(number) == alias) {
                let what = format!("the key cannot be called {alias} beside an authority of that name");
                return Err(Error::new(ErrorKind::Malformed, what));
            }
            out.extend(KEY_ENTRY);
            head(&mut out, &alias, now)?;
            let sealed = seal(keyed, &password, seed);
            out.extend(length(sealed.len())?);
            out.extend(sealed);
            out.extend(length(keyed.chain.len())?);
            for certificate in keyed.chain {
                write_certificate(&mut out, certificate)?;
            }
        }
        for (number, certificate) in self.authorities.iter().enumerate() {
            out.extend(TRUSTED_ENTRY);
            head(&mut out, &authority_alias(number), now)?;
            write_certificate(&mut out, certificate)?;
        }
        let digest = Sha1::new().chain_update(password.expose()).chain_update(WHITENER).chain_update(&out).finalize();
        out.extend(digest);
        Ok(Secret::new(out))
    }

    /// Enough for everything, so that no copy is left behind by a buffer that grows.
    fn size(&self) -> usize {
        let keyed = self.keyed.as_ref().map_or(0, |it| {
            let chain: usize = it.chain.iter().map(|certificate| certificate.len() + 32).sum();
            it.key.expose().len() + 3 * it.alias.map_or(0, str::len) + chain + 256
        });
        keyed + self.authorities.iter().map(|certificate| certificate.len() + 64).sum::<usize>() + 64
    }
}

/// The key under the password: EncryptedPrivateKeyInfo with the algorithm of Sun, a stream of chained SHA-1.
fn seal(keyed: &Keyed<'_>, password: &Secret<Vec<u8>>, seed: &Seed) -> Vec<u8> {
    let plain = keyed.key.expose();
    let salt: [u8; 20] = seed.octets("jks");
    let mut sealed = Vec::with_capacity(plain.len() + 40);
    sealed.extend(salt);
    let mut pad = salt;
    for block in plain.chunks(pad.len()) {
        pad = Sha1::new().chain_update(password.expose()).chain_update(pad).finalize().into();
        sealed.extend(block.iter().zip(pad).map(|(octet, pad)| octet ^ pad));
    }
    pad.zeroize();
    sealed.extend(Sha1::new().chain_update(password.expose()).chain_update(plain).finalize());
    let algorithm = der::write(der::SEQUENCE, KEY_PROTECTOR);
    der::write(der::SEQUENCE, &[algorithm, der::write(der::OCTET_STRING, &sealed)].concat())
}

fn head(out: &mut Vec<u8>, alias: &str, now: Timestamp) -> Result<(), Error> {
    text(out, alias)?;
    out.extend(now.unix_millis().to_be_bytes());
    Ok(())
}

fn write_certificate(out: &mut Vec<u8>, certificate: &CertificateDer<'_>) -> Result<(), Error> {
    text(out, "X.509")?;
    out.extend(length(certificate.len())?);
    out.extend_from_slice(certificate);
    Ok(())
}

/// A text in Java's own UTF-8: zero takes two octets, and what lies beyond the first plane is two surrogates of three octets each.
fn text(out: &mut Vec<u8>, text: &str) -> Result<(), Error> {
    let mut octets = Vec::with_capacity(text.len());
    for unit in text.encode_utf16() {
        let low = |shift: u16| 0x80 | (unit >> shift & 0x3f).to_be_bytes()[1];
        match unit {
            0x01..=0x7f => octets.push(unit.to_be_bytes()[1]),
            0 | 0x80..=0x7ff => octets.extend([0xc0 | (unit >> 6).to_be_bytes()[1], low(0)]),
            _ => octets.extend([0xe0 | (unit >> 12).to_be_bytes()[1], low(6), low(0)]),
        }
    }
    match u16::try_from(octets.len()) {
        Ok(length) => out.extend(length.to_be_bytes()),
        Err(_) => {
            let most = limits::KEYSTORE_ALIAS;
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("a name of more than {most} octets in a key store"),
            ));
        }
    }
    out.extend(octets);
    Ok(())
}

fn length(length: usize) -> Result<[u8; 4], Error> {
    match i32::try_from(length) {
        Ok(length) => Ok(length.to_be_bytes()),
        Err(_) => Err(Error::new(ErrorKind::Unsupported, "a key or a certificate is too long for a key store")),
    }
}

/// Passwords are hashed as Java's characters are.
fn utf16(password: &Secret<String>) -> Secret<Vec<u8>> {
    let mut octets = Vec::with_capacity(2 * password.expose().len());
    octets.extend(password.expose().encode_utf16().flat_map(u16::to_be_bytes));
    Secret::new(octets)
}

/// What the key is called unless it was given a name.
const ALIAS: &str = "certificate";
const MAGIC: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];
const VERSION: [u8; 4] = [0, 0, 0, 2];
const KEY_ENTRY: [u8; 4] = [0, 0, 0, 1];
const TRUSTED_ENTRY: [u8; 4] = [0, 0, 0, 2];
/// What goes into the digest of every JKS between the password and the content.
const WHITENER: &[u8] = b"Mighty Aphrodite";
/// The content of an AlgorithmIdentifier: 1.3.6.1.4.1.42.2.17.1.1 and NULL.
const KEY_PROTECTOR: &[u8] = b"\x06\x0a\x2b\x06\x01\x04\x01\x2a\x02\x11\x01\x01\x05\x00";
