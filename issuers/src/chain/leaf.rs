//! What is known of a certificate without trusting it.

use std::fmt::Write as _;

use acme_core::protocol::CertificateId;
use acme_core::{Error, ErrorKind, Identifier, Timestamp, hash, text};
use rustls_pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;

use crate::csr;

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
        match super::parse(certificate) {
            Ok(parsed) => Ok(Self::of(&parsed)),
            Err(()) => Err(Error::new(ErrorKind::Malformed, "not a certificate of X.509")),
        }
    }

    /// Is `identifier` one of its names, or does a wildcard of it stand for it?
    pub fn covers(&self, identifier: &Identifier) -> bool {
        self.names.iter().any(|name| match (name, identifier) {
            (Identifier::Dns(name), Identifier::Dns(wanted)) => name.covers(wanted),
            (name, wanted) => name == wanted,
        })
    }

    pub(super) fn of(certificate: &X509Certificate<'_>) -> Self {
        let raw_serial = certificate.raw_serial();
        let serial = raw_serial.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let issuer = match super::common_name(certificate.issuer()) {
            Some(name) => text::printable(name, 200),
            None => text::printable(&certificate.issuer().to_string(), 200),
        };
        let validity = certificate.validity();
        Self {
            not_before: Timestamp::from_unix_seconds(validity.not_before.timestamp()),
            not_after: Timestamp::from_unix_seconds(validity.not_after.timestamp()),
            serial,
            issuer,
            names: names(certificate),
            id: super::authority_key_id(certificate).map(|key| CertificateId::from_parts(key, raw_serial)),
            spki_sha256: hash::sha256(certificate.public_key().raw),
        }
    }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<Identifier> {
    let mut names = Vec::new();
    for extension in certificate.iter_extensions() {
        if let ParsedExtension::SubjectAlternativeName(alternatives) = extension.parsed_extension() {
            names.extend(alternatives.general_names.iter().filter_map(|name| csr::identifier(name).ok().flatten()));
        }
    }
    names
}
