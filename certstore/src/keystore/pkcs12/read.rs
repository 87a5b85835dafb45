//! Reading PKCS #12.

use acme_core::der::{self, Reader};
use acme_core::{Error, ErrorKind, Secret};
use rustls_pki_types::CertificateDer;

use super::derive::Password;
use super::seal::{Rounds, malformed, named, open, unknown};
use super::{BMP_STRING, CONTEXT_0, CONTEXT_0_PRIMITIVE, authentication, names};
use crate::limits;

/// What a key store holds, in the order of the file.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Contents {
    /// The private keys.
    pub keys: Vec<Key>,
    /// The certificates.
    pub certificates: Vec<Certificate>,
}

/// A private key in a key store.
#[derive(Debug)]
#[non_exhaustive]
pub struct Key {
    /// Its friendly name.
    pub alias: Option<String>,
    /// The number that its certificate has too.
    pub id: Option<Vec<u8>>,
    /// The key itself (PKCS #8, DER).
    pub key: Secret<Vec<u8>>,
}

/// A certificate in a key store.
#[derive(Debug)]
#[non_exhaustive]
pub struct Certificate {
    /// Its friendly name.
    pub alias: Option<String>,
    /// The number that its key has too.
    pub id: Option<Vec<u8>>,
    /// Whether Java trusts it as an authority.
    pub trusted: bool,
    /// The certificate itself.
    pub certificate: CertificateDer<'static>,
}

/// Reads a key store of this library, of OpenSSL, Go, Java or whoever else writes DER. Other kinds of entries are left out.
///
/// # Errors
/// `Unauthorized` when the password is wrong or the file was changed; `Malformed` when it is no PKCS #12 in DER; `Unsupported` for
/// ciphers that are not known here, and for a file that is longer, fuller or costlier than [`limits`] allow.
pub fn read(file: &[u8], password: &Secret<String>) -> Result<Contents, Error> {
    if file.len() > limits::KEYSTORE {
        let most = limits::KEYSTORE;
        return Err(Error::new(ErrorKind::Unsupported, format!("a key store of more than {most} octets")));
    }
    let no_file = || malformed("cannot be read: it is not DER of version 3");
    let mut fields = Reader::sequence(file).ok_or_else(no_file)?;
    if fields.unsigned() != Some(&[3]) {
        return Err(no_file());
    }
    let (names::DATA, safe) = content(&mut fields).ok_or_else(no_file)? else {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "a key store that is signed, not authenticated by its password",
        ));
    };
    let safe = octets(safe).ok_or_else(no_file)?;
    let mut opening =
        Opening { password: Password::new(password), rounds: Rounds::new(), parts: 0, contents: Contents::default() };
    let data = fields.value(der::SEQUENCE).ok_or_else(|| malformed("without authentication"))?;
    fields.end().ok_or_else(no_file)?;
    authentication::check(data, &opening.password, safe, &mut opening.rounds)?;

    let mut parts = Reader::sequence(safe).ok_or_else(no_file)?;
    while parts.tag().is_some() {
        let (kind, value) = content(&mut parts).ok_or_else(|| malformed("with a part that cannot be read"))?;
        opening.part(kind, value)?;
    }
    Ok(opening.contents)
}

/// A file that is being read.
struct Opening<'a> {
    password: Password<'a>,
    rounds: Rounds,
    parts: usize,
    contents: Contents,
}

impl Opening<'_> {
    /// A ContentInfo of the authenticated safe.
    fn part(&mut self, kind: &[u8], value: &[u8]) -> Result<(), Error> {
        match kind {
            names::DATA => {
                let bags = octets(value).ok_or_else(|| malformed("with a part that cannot be read"))?;
                self.bags(bags)
            }
            names::ENCRYPTED_DATA => {
                let read = || {
                    let mut fields = Reader::sequence(value)?;
                    fields.unsigned()?;
                    let mut fields = Reader::new(fields.value(der::SEQUENCE)?);
                    fields.value(der::OBJECT_IDENTIFIER)?;
                    Some((fields.value(der::SEQUENCE)?, fields.value(CONTEXT_0_PRIMITIVE)?))
                };
                let (algorithm, sealed) = read().ok_or_else(|| malformed("with a part that cannot be read"))?;
                let bags = self.open(algorithm, sealed)?;
                self.bags(bags.expose())
            }
            other => Err(unknown("part", other)),
        }
    }

    fn open(&mut self, algorithm: &[u8], sealed: &[u8]) -> Result<Secret<Vec<u8>>, Error> {
        self.parts += 1;
        if self.parts > limits::KEYSTORE_PARTS {
            let most = limits::KEYSTORE_PARTS;
            return Err(Error::new(ErrorKind::Unsupported, format!("a key store of more than {most} sealed parts")));
        }
        open(algorithm, &self.password, sealed, &mut self.rounds)
    }

    fn bags(&mut self, bags: &[u8]) -> Result<(), Error> {
        let mut bags = Reader::sequence(bags).ok_or_else(|| malformed("with entries that cannot be read"))?;
        while bags.tag().is_some() {
            let bag = bags.value(der::SEQUENCE).ok_or_else(|| malformed("with an entry that cannot be read"))?;
            self.bag(bag)?;
        }
        Ok(())
    }

    fn bag(&mut self, bag: &[u8]) -> Result<(), Error> {
        let unreadable = || malformed("with an entry that cannot be read");
        let (kind, rest) = named(bag).ok_or_else(unreadable)?;
        let mut fields = Reader::new(rest);
        let value = fields.value(CONTEXT_0).ok_or_else(unreadable)?;
        let attributes = match fields.tag() {
            Some(_) => Attributes::read(fields.value(der::SET).ok_or_else(unreadable)?).ok_or_else(unreadable)?,
            None => Attributes::default(),
        };
        fields.end().ok_or_else(unreadable)?;
        let Attributes { alias, id, trusted } = attributes;
        match kind {
            names::SHROUDED_KEY_BAG => {
                let read = || {
                    let mut fields = Reader::sequence(value)?;
                    Some((fields.value(der::SEQUENCE)?, fields.value(der::OCTET_STRING)?))
                };
                let (algorithm, sealed) = read().ok_or_else(unreadable)?;
                let key = self.open(algorithm, sealed)?;
                self.contents.keys.push(Key { alias, id, key });
            }
            names::KEY_BAG => self.contents.keys.push(Key { alias, id, key: Secret::new(value.to_vec()) }),
            names::CERTIFICATE_BAG => {
                let read = || {
                    let mut fields = Reader::sequence(value)?;
                    fields.value(der::OBJECT_IDENTIFIER)?;
                    let mut fields = Reader::new(fields.value(CONTEXT_0)?);
                    fields.value(der::OCTET_STRING)
                };
                let certificate = CertificateDer::from(read().ok_or_else(unreadable)?.to_vec());
                self.contents.certificates.push(Certificate { alias, id, trusted, certificate });
                super::super::bounded(self.contents.certificates.len())?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// What is said about an entry.
#[derive(Default)]
struct Attributes {
    alias: Option<String>,
    id: Option<Vec<u8>>,
    trusted: bool,
}

impl Attributes {
    fn read(set: &[u8]) -> Option<Self> {
        let mut found = Self::default();
        let mut attributes = Reader::new(set);
        while attributes.tag().is_some() {
            let (name, values) = named(attributes.value(der::SEQUENCE)?)?;
            let mut values = Reader::new(Reader::new(values).value(der::SET)?);
            match name {
                names::FRIENDLY_NAME => {
                    let units = values.value(BMP_STRING)?.chunks_exact(2).map(|it| u16::from_be_bytes([it[0], it[1]]));
                    found.alias = Some(char::decode_utf16(units).map(|it| it.unwrap_or('\u{fffd}')).collect());
                }
                names::LOCAL_KEY_ID => found.id = Some(values.value(der::OCTET_STRING)?.to_vec()),
                names::TRUSTED_KEY_USAGE => found.trusted = true,
                _ => {}
            }
        }
        Some(found)
    }
}

/// The kind (with its tag) and the value of the next ContentInfo.
fn content<'a>(fields: &mut Reader<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let (kind, rest) = named(fields.value(der::SEQUENCE)?)?;
    let mut rest = Reader::new(rest);
    let value = rest.value(CONTEXT_0)?;
    rest.end()?;
    Some((kind, value))
}

/// The octets of a value that is one OCTET STRING.
fn octets(value: &[u8]) -> Option<&[u8]> {
    let mut fields = Reader::new(value);
    let octets = fields.value(der::OCTET_STRING)?;
    fields.end()?;
    Some(octets)
}
