//! Whom a certificate is for, or a signing request asks for one.

use std::collections::BTreeSet;
use std::net::IpAddr;

use acme_core::der::{self, Reader};
use acme_core::{Error, ErrorKind};
use rustls_pki_types::CertificateDer;

use crate::ObjectIdentifier;
use crate::csr::Request;
use crate::name::{AttributeType, DistinguishedName, RawName};
use crate::x509::{Certificate, RawGeneralName, oid};

/// Whom a certificate is for, or a signing request asks for one: the subject, and the alternative names sorted by kind, each once.
///
/// It is read as it stands there and tells what is written, not whether that is sound: compare it with what is wanted. Names of other kinds than these
/// (directory names, registered identifiers) are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Holder {
    /// The subject.
    pub subject: DistinguishedName,
    /// DNS names, lower case.
    pub dns_names: BTreeSet<String>,
    /// Addresses; an IPv4 address in IPv6's clothes is one of IPv4.
    pub addresses: BTreeSet<IpAddr>,
    /// E-mail addresses.
    pub emails: BTreeSet<String>,
    /// URIs.
    pub uris: BTreeSet<String>,
    /// Names of a form of their own that are text: the form, and the text.
    pub other_names: BTreeSet<(ObjectIdentifier, String)>,
}

impl Holder {
    /// That of a certificate.
    ///
    /// # Errors
    /// `Malformed` when it is not an X.509 certificate, or its subject or its alternative names cannot be read.
    pub fn of_certificate(certificate: &CertificateDer<'_>) -> Result<Self, Error> {
        with_names(certificate, Self::read)
    }

    /// That of a signing request.
    ///
    /// # Errors
    /// `Malformed` when its subject or its alternative names cannot be read.
    pub fn of_request(request: &Request<'_>) -> Result<Self, Error> {
        Self::read(request.subject(), &request.alternative_names()?)
    }

    /// The alternative names of a certificate in their order, each as it stands there; names of other kinds than DNS names, addresses, e-mail addresses
    /// and URIs are left out.
    ///
    /// # Errors
    /// As [`of_certificate`](Self::of_certificate).
    pub fn listed(certificate: &CertificateDer<'_>) -> Result<Listed, Error> {
        let mut listed = Listed::default();
        with_names(certificate, |_, names| {
            for name in names {
                listed.add(name);
            }
            Ok(())
        })?;
        Ok(listed)
    }

    /// The values of this type in the subject, in order.
    pub fn values(&self, kind: &AttributeType) -> Vec<String> {
        let attributes = self.subject.parts().iter().flat_map(|it| it.attributes());
        attributes.filter(|it| it.kind() == kind).filter_map(|it| it.text().map(|text| text.into_owned())).collect()
    }

    /// The common name: the last of the subject.
    pub fn common_name(&self) -> Option<String> {
        self.values(&AttributeType::COMMON_NAME).pop()
    }

    fn read(subject: &[u8], names: &[RawGeneralName<'_>]) -> Result<Self, Error> {
        let mut holder = Self { subject: DistinguishedName::read(&RawName::new(subject)?)?, ..Self::default() };
        for name in names {
            holder.add(name);
        }
        Ok(holder)
    }

    fn add(&mut self, name: &RawGeneralName<'_>) {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        match name {
            RawGeneralName::Dns(name) => drop(self.dns_names.insert(text(name).to_ascii_lowercase())),
            RawGeneralName::Email(address) => drop(self.emails.insert(text(address))),
            RawGeneralName::Uri(uri) => drop(self.uris.insert(text(uri))),
            RawGeneralName::Ip(octets) => self.addresses.extend(address(octets)),
            RawGeneralName::Other { form, value } => {
                let mut inside = Reader::new(value);
                let written = inside.value(der::UTF8_STRING).and_then(|it| str::from_utf8(it).ok());
                if let (Ok(form), Some(written)) = (ObjectIdentifier::from_der(form), written) {
                    self.other_names.insert((form, written.to_owned()));
                }
            }
            RawGeneralName::X400(_)
            | RawGeneralName::Directory(_)
            | RawGeneralName::EdiParty(_)
            | RawGeneralName::Registered(_) => {}
        }
    }
}

/// The alternative names of a certificate by kind, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Listed {
    /// DNS names.
    pub dns_names: Vec<String>,
    /// Addresses.
    pub addresses: Vec<IpAddr>,
    /// E-mail addresses.
    pub emails: Vec<String>,
    /// URIs.
    pub uris: Vec<String>,
}

impl Listed {
    fn add(&mut self, name: &RawGeneralName<'_>) {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        match name {
            RawGeneralName::Dns(name) => self.dns_names.push(text(name)),
            RawGeneralName::Email(address) => self.emails.push(text(address)),
            RawGeneralName::Uri(uri) => self.uris.push(text(uri)),
            RawGeneralName::Ip(octets) => self.addresses.extend(address(octets)),
            RawGeneralName::Other { .. }
            | RawGeneralName::X400(_)
            | RawGeneralName::Directory(_)
            | RawGeneralName::EdiParty(_)
            | RawGeneralName::Registered(_) => {}
        }
    }
}

/// Reads subject and alternative names of a certificate.
fn with_names<T>(
    certificate: &CertificateDer<'_>,
    read: impl FnOnce(&[u8], &[RawGeneralName<'_>]) -> Result<T, Error>,
) -> Result<T, Error> {
    let malformed = |why: &str| Error::new(ErrorKind::Malformed, format!("a certificate is {why}"));
    let certificate = Certificate::read(certificate).map_err(|why| malformed(&why))?;
    let names = match certificate.extension(oid::SUBJECT_ALTERNATIVE_NAME) {
        None => Vec::new(),
        Some(extension) => RawGeneralName::list(extension.value)
            .ok_or_else(|| malformed("not X.509: its alternative names cannot be read"))?,
    };
    read(certificate.subject, &names)
}

/// An address as it stands in a name; an IPv4 address in IPv6's clothes is one of IPv4.
fn address(octets: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    let address = four.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from));
    address.ok().map(|it| it.to_canonical())
}
