//! A request as a service needs it.

use std::time::Duration;

use acme_core::{Error, ErrorKind, Timestamp, pem, text};
use rustls_pki_types::SubjectPublicKeyInfoDer;

use super::custom_field::CustomField;
use crate::CertificateRequest;
use crate::csr::{RawGeneralName, Request};

/// What is asked for, and under which name.
pub(super) struct Order<'a> {
    /// The signing request in PEM.
    pub(super) csr_pem: String,
    /// The name of the object in a policy folder.
    pub(super) object_name: String,
    pub(super) public_key: SubjectPublicKeyInfoDer<'static>,
    pub(super) fields: &'a [CustomField],
    pub(super) duration: Option<Duration>,
    pub(super) now: Timestamp,
}

impl<'a> Order<'a> {
    pub(super) fn new(
        request: &CertificateRequest<'_>,
        fields: &'a [CustomField],
        now: Timestamp,
    ) -> Result<Self, Error> {
        let csr = Request::read(request.csr)?;
        Ok(Self {
            csr_pem: pem::encode("CERTIFICATE REQUEST", request.csr),
            object_name: object_name(&csr)?,
            public_key: csr.public_key().as_ref().to_vec().into(),
            fields,
            duration: request.duration,
            now,
        })
    }
}

/// The common name, else the first DNS name, URI, e-mail address or address: the order in which cert-manager looks for it.
fn object_name(csr: &Request<'_>) -> Result<String, Error> {
    let names = csr.alternative_names()?;
    let of_kind = |kind: fn(&RawGeneralName<'_>) -> bool| names.iter().find(|name| kind(name));
    let first = of_kind(|it| matches!(it, RawGeneralName::Dns(_)))
        .or_else(|| of_kind(|it| matches!(it, RawGeneralName::Uri(_))))
        .or_else(|| of_kind(|it| matches!(it, RawGeneralName::Email(_))));
    let written = first.and_then(|name| match name {
        RawGeneralName::Dns(octets) | RawGeneralName::Uri(octets) | RawGeneralName::Email(octets) => {
            std::str::from_utf8(octets).ok().map(ToOwned::to_owned)
        }
        RawGeneralName::Other { .. }
        | RawGeneralName::X400(_)
        | RawGeneralName::Directory(_)
        | RawGeneralName::EdiParty(_)
        | RawGeneralName::Ip(_)
        | RawGeneralName::Registered(_) => None,
    });
    let address = || csr.identifiers().ok().and_then(|all| all.first().map(ToString::to_string));
    let name = csr.common_name().or(written).or_else(address).ok_or_else(|| {
        Error::new(
            ErrorKind::Malformed,
            "the signing request names nothing: it needs a common name or a name of another kind",
        )
    })?;
    // A backslash parts the folders of a policy.
    if name.contains('\\') || name.is_empty() {
        let shown = text::printable(&name, 80);
        return Err(Error::new(ErrorKind::Malformed, format!("{shown:?} cannot be the name of a certificate object")));
    }
    Ok(name)
}
