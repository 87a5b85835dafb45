//! Signing requests as they come in.

use std::collections::BTreeSet;
use std::net::IpAddr;

use acme_core::{DnsName, Identifier};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer as _;

use super::keys::PublicKey;

/// What is asked for, by whom who holds the key.
#[derive(Debug, Clone)]
pub(crate) struct Csr {
    pub(crate) key: PublicKey,
    pub(crate) key_bits: Vec<u8>,
    pub(crate) spki: Vec<u8>,
    pub(crate) identifiers: BTreeSet<Identifier>,
}

impl Csr {
    /// Reads a PKCS #10 request (DER) and checks its signature.
    pub(crate) fn read(der: &[u8]) -> Result<Self, String> {
        let (rest, request) = X509CertificationRequest::from_der(der)
            .map_err(|error| format!("the signing request is not DER: {error}"))?;
        if !rest.is_empty() {
            return Err("something follows the signing request".to_owned());
        }
        let info = &request.certification_request_info;
        let key = PublicKey::from_parsed(&info.subject_pki)?;
        let algorithm = request.signature_algorithm.algorithm.to_id_string();
        if !key.verifies_x509(&algorithm, info.raw, &request.signature_value.data) {
            return Err("the signature of the signing request is wrong".to_owned());
        }
        let mut identifiers = BTreeSet::new();
        for name in info.subject.iter_common_name() {
            let name = name.as_str().map_err(|_| "the common name is not text".to_owned())?;
            identifiers.insert(Identifier::parse(name).map_err(|error| error.to_string())?);
        }
        for extension in request.requested_extensions().into_iter().flatten() {
            if let ParsedExtension::SubjectAlternativeName(names) = extension {
                for name in &names.general_names {
                    identifiers.insert(identifier(name)?);
                }
            }
        }
        Ok(Self {
            key,
            key_bits: info.subject_pki.subject_public_key.as_ref().to_vec(),
            spki: info.subject_pki.raw.to_vec(),
            identifiers,
        })
    }
}

/// The identifier that a name of a subjectAltName stands for.
pub(crate) fn identifier(name: &GeneralName<'_>) -> Result<Identifier, String> {
    match name {
        GeneralName::DNSName(name) => DnsName::parse(name).map(Identifier::Dns).map_err(|error| error.to_string()),
        GeneralName::IPAddress(octets) => {
            let address = <[u8; 4]>::try_from(*octets)
                .map(IpAddr::from)
                .or_else(|_| <[u8; 16]>::try_from(*octets).map(IpAddr::from))
                .map_err(|_| "an address has the wrong length".to_owned())?;
            Ok(Identifier::Ip(address))
        }
        GeneralName::OtherName(..)
        | GeneralName::RFC822Name(_)
        | GeneralName::X400Address(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EDIPartyName(_)
        | GeneralName::URI(_)
        | GeneralName::RegisteredID(_)
        | GeneralName::Invalid(..) => Err(format!("the name {name} is of another type")),
    }
}
