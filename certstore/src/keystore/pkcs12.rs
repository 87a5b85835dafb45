//! PKCS #12 (RFC 7292): written in four profiles, and read back.

mod authentication;
mod derive;
mod names;
mod pbkdf2;
mod read;
mod seal;

use acme_core::{Error, Secret, der};
use rustls_pki_types::CertificateDer;
use sha1::{Digest as _, Sha1};

use self::derive::Password;
use self::seal::{Scheme, Sealed};
use super::{KeyStore, Keyed, Seed, authority_alias};

pub use self::read::{Certificate, Contents, Key, read};

/// How a key store is protected. The names and the parameters are those of cert-manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Profile {
    /// AES-256 and HMAC with SHA-256: for everything from OpenSSL 1.1.0, Java 8u301 and Windows Server 2019 on.
    #[default]
    Modern2023,
    /// The same ciphers, and PBMAC1 (RFC 9579) with SHA-256: for OpenSSL from 3.4 and Java from 26 on. Take it where nothing older reads the file.
    Modern2026,
    /// Triple DES and HMAC with SHA-1, for older programs. It protects little: treat the file as if it had no password.
    LegacyDes,
    /// RC2 with 40 bits for certificates, triple DES for the key, HMAC with SHA-1, for the oldest. It protects little: treat the file as if it had no password.
    LegacyRc2,
}

impl KeyStore<'_> {
    /// Writes it as PKCS #12.
    ///
    /// Authorities of a file without a key are marked as trusted for everything, in the way that Java asks for. An empty password is
    /// written as the empty text, as OpenSSL and Go do. Java takes no password outside ASCII for PKCS #12, whoever wrote the file.
    ///
    /// # Errors
    /// `Internal` when the ciphers fail.
    pub fn to_pkcs12(
        &self,
        profile: Profile,
        password: &Secret<String>,
        seed: &Seed,
    ) -> Result<Secret<Vec<u8>>, Error> {
        let password = Password::new(password);
        let (for_certificates, for_key) = match profile {
            Profile::Modern2023 | Profile::Modern2026 => (Scheme::Aes256, Scheme::Aes256),
            Profile::LegacyDes => (Scheme::TripleDes, Scheme::TripleDes),
            Profile::LegacyRc2 => (Scheme::Rc2, Scheme::TripleDes),
        };
        let sealed =
            Sealed::new(for_certificates, &password, &sequence(&[&self.certificates()]), seed, "certificates")?;
        let sealed = sequence(&[
            &der::write_unsigned(&[0]),
            &sequence(&[names::DATA, &sealed.algorithm, &der::write(CONTEXT_0_PRIMITIVE, &sealed.octets)]),
        ]);
        let mut parts = content(names::ENCRYPTED_DATA, &sealed);
        if let Some(keyed) = &self.keyed {
            let bag = key_bag(keyed, for_key, &password, seed)?;
            parts.extend(content(names::DATA, &der::write(der::OCTET_STRING, &sequence(&[&bag]))));
        }
        let safe = sequence(&[&parts]);
        let file = sequence(&[
            &der::write_unsigned(&[3]),
            &content(names::DATA, &der::write(der::OCTET_STRING, &safe)),
            &authentication::write(profile, &password, &safe, seed)?,
        ]);
        Ok(Secret::new(file))
    }

    /// A bag for each certificate.
    fn certificates(&self) -> Vec<u8> {
        let mut bags = Vec::new();
        if let Some(keyed) = &self.keyed {
            for (number, certificate) in keyed.chain.iter().enumerate() {
                let attributes = if number == 0 { of_key(keyed) } else { Vec::new() };
                bags.extend(certificate_bag(certificate, attributes));
            }
        }
        for (number, certificate) in self.authorities.iter().enumerate() {
            let attributes = match &self.keyed {
                Some(_) => Vec::new(),
                None => vec![
                    friendly_name(&authority_alias(number)),
                    attribute(names::TRUSTED_KEY_USAGE, names::ANY_EXTENDED_KEY_USAGE),
                ],
            };
            bags.extend(certificate_bag(certificate, attributes));
        }
        bags
    }
}

fn key_bag(keyed: &Keyed<'_>, scheme: Scheme, password: &Password<'_>, seed: &Seed) -> Result<Vec<u8>, Error> {
    let Sealed { algorithm, octets } = Sealed::new(scheme, password, keyed.key.expose(), seed, "key")?;
    let sealed = sequence(&[&algorithm, &der::write(der::OCTET_STRING, &octets)]);
    Ok(bag(names::SHROUDED_KEY_BAG, &sealed, of_key(keyed)))
}

fn certificate_bag(certificate: &CertificateDer<'_>, attributes: Vec<Vec<u8>>) -> Vec<u8> {
    let octets = der::write(der::OCTET_STRING, certificate);
    let value = sequence(&[names::X509_CERTIFICATE, &der::write(CONTEXT_0, &octets)]);
    bag(names::CERTIFICATE_BAG, &value, attributes)
}

/// What key and leaf have in common: the name, and the number by which they find each other.
fn of_key(keyed: &Keyed<'_>) -> Vec<Vec<u8>> {
    let id = keyed.chain.first().map(Sha1::digest).unwrap_or_default();
    let id = attribute(names::LOCAL_KEY_ID, &der::write(der::OCTET_STRING, &id));
    keyed.alias.map(friendly_name).into_iter().chain([id]).collect()
}

fn friendly_name(name: &str) -> Vec<u8> {
    let octets: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
    attribute(names::FRIENDLY_NAME, &der::write(BMP_STRING, &octets))
}

fn attribute(name: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[name, &der::write(der::SET, value)])
}

fn bag(kind: &[u8], value: &[u8], mut attributes: Vec<Vec<u8>>) -> Vec<u8> {
    // DER wants the elements of a set in ascending order.
    attributes.sort();
    let attributes = if attributes.is_empty() { Vec::new() } else { der::write(der::SET, &attributes.concat()) };
    sequence(&[kind, &der::write(CONTEXT_0, value), &attributes])
}

/// ContentInfo.
fn content(kind: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[kind, &der::write(CONTEXT_0, value)])
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    der::write(der::SEQUENCE, &parts.concat())
}

/// Rounds of key derivation, as OpenSSL and cert-manager take.
const ROUNDS: u32 = 2048;
/// `[0]`, constructed.
const CONTEXT_0: u8 = 0xa0;
/// `[0]` in place of an OCTET STRING.
const CONTEXT_0_PRIMITIVE: u8 = 0x80;
const BMP_STRING: u8 = 0x1e;
