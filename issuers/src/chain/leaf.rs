//! What is known of a certificate without trusting it.

use std::fmt::Write as _;

use acme_core::protocol::CertificateId;
use acme_core::{Error, ErrorKind, Identifier, Timestamp, hash};
use rustls_pki_types::CertificateDer;

use crate::template::BasicConstraints;
use crate::x509::{Certificate, RawGeneralName, name, oid};

/// The facts of a leaf certificate. Read them with [`Leaf::read`], or take what [`check`](super::check) answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leaf {
    /// The first instant of its validity.
    pub not_before: Timestamp,
    /// The last instant of its validity.
    pub not_after: Timestamp,
    /// Its serial number, lower-case hexadecimal, as it stands in the certificate.
    pub serial: String,
    /// Who issued it: the common name, or the whole name where there is none; made printable.
    pub issuer: String,
    /// The DNS names and addresses it is for, in its order. Names that are none are left out.
    pub names: Vec<Identifier>,
    /// Whether it is a certificate authority (RFC 5280 section 4.2.1.9).
    pub is_ca: bool,
    /// Its name in renewal information; `None` without an authority key identifier.
    pub id: Option<CertificateId>,
    /// SHA-256 of its public key (SubjectPublicKeyInfo).
    pub spki_sha256: [u8; 32],
}

impl Leaf {
    /// Reads the facts of a certificate.
    ///
    /// # Errors
    /// `Malformed` when it is not an X.509 certificate.
    pub fn read(certificate: &CertificateDer<'_>) -> Result<Self, Error> {
        match Certificate::read(certificate) {
            Ok(certificate) => Ok(Self::of(&certificate)),
            Err(why) => Err(Error::new(ErrorKind::Malformed, format!("a certificate is {why}"))),
        }
    }

    /// Is `identifier` one of its names, or does a wildcard of it stand for it?
    pub fn covers(&self, identifier: &Identifier) -> bool {
        self.names.iter().any(|name| match (name, identifier) {
            (Identifier::Dns(name), Identifier::Dns(wanted)) => name.covers(wanted),
            (name, wanted) => name == wanted,
        })
    }

    pub(super) fn of(certificate: &Certificate<'_>) -> Self {
        let serial = certificate.serial.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Self {
            not_before: certificate.not_before,
            not_after: certificate.not_after,
            serial,
            issuer: name::readable(certificate.issuer),
            names: names(certificate),
            is_ca: certificate.basic_constraints().is_some_and(BasicConstraints::is_authority),
            id: certificate.authority_key_identifier().map(|key| CertificateId::from_parts(key, certificate.serial)),
            spki_sha256: hash::sha256(&certificate.public_key),
        }
    }
}

fn names(certificate: &Certificate<'_>) -> Vec<Identifier> {
    let names = certificate.extension(oid::SUBJECT_ALTERNATIVE_NAME).and_then(|it| RawGeneralName::list(it.value));
    names.unwrap_or_default().iter().filter_map(|name| name.identifier().ok().flatten()).collect()
}
