//! Signing requests (PKCS #10, RFC 2986): made from a key that signs, and read back.
//!
//! [`create`] makes the one that certificate authorities want today: names and addresses as subject alternative names, in the order given,
//! and an empty subject. [`Request`] takes one of any tool apart, to the byte, and verifies it; [`read`] says in short what it asks for.

use std::net::IpAddr;

use acme_core::{DnsName, Error, ErrorKind, Identifier, Signer};
use rustls_pki_types::{CertificateSigningRequestDer, SubjectPublicKeyInfoDer};

use crate::der;

mod request;

pub use request::Request;

pub use crate::x509::{BasicConstraints, RawExtension, RawGeneralName};

/// Makes a signing request for `identifiers`, signed by the certificate's own key.
///
/// # Errors
/// `Malformed` without any identifier; `Unsupported` for one that is neither a DNS name nor an address; what the signer says.
pub async fn create(
    signer: &dyn Signer,
    identifiers: &[Identifier],
) -> Result<CertificateSigningRequestDer<'static>, Error> {
    Draft::new(identifiers)?.sign(signer).await
}

/// A signing request that is not signed yet. Finish it with [`sign`](Self::sign).
#[derive(Debug, Clone)]
pub struct Draft {
    alternative_names: Vec<u8>,
    common_name: Option<DnsName>,
}

impl Draft {
    /// A request for `identifiers`, in this order.
    ///
    /// # Errors
    /// `Malformed` when there is none; `Unsupported` for one that is neither a DNS name nor an address.
    pub fn new(identifiers: &[Identifier]) -> Result<Self, Error> {
        if identifiers.is_empty() {
            return Err(Error::new(ErrorKind::Malformed, "a signing request needs at least one name or address"));
        }
        let mut alternative_names = Vec::new();
        for identifier in identifiers {
            alternative_names.extend(general_name(identifier)?);
        }
        Ok(Self { alternative_names, common_name: None })
    }

    /// Puts `name` into the subject too, for clients that still look there. Public certificate authorities want it to be one of the names, or leave it out.
    ///
    /// # Errors
    /// `Unsupported` when it is longer than the 64 characters that X.509 allows there.
    pub fn with_common_name(mut self, name: &DnsName) -> Result<Self, Error> {
        if name.as_str().len() > COMMON_NAME {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "{name} is longer than the {COMMON_NAME} characters of a common name: leave the common name out"
                ),
            ));
        }
        self.common_name = Some(name.clone());
        Ok(self)
    }

    /// Signs it.
    ///
    /// # Errors
    /// What the signer says.
    pub async fn sign(&self, signer: &dyn Signer) -> Result<CertificateSigningRequestDer<'static>, Error> {
        let info = self.info(signer.public_key());
        let signature = signer.sign(&info).await.map_err(|error| error.while_doing("signing the request"))?;
        Ok(der::value(der::SEQUENCE, &[&info, signer.algorithm().x509(), &der::bit_string(&signature)]).into())
    }

    /// CertificationRequestInfo of RFC 2986 section 4.1, with one attribute: the extensions asked for (RFC 2985 section 5.4.2).
    fn info(&self, key: &SubjectPublicKeyInfoDer<'_>) -> Vec<u8> {
        let names = der::value(der::SEQUENCE, &[&self.alternative_names]);
        let extension =
            der::value(der::SEQUENCE, &[SUBJECT_ALTERNATIVE_NAME, &der::value(der::OCTET_STRING, &[&names])]);
        let extensions = der::value(der::SEQUENCE, &[&extension]);
        let attribute = der::value(der::SEQUENCE, &[EXTENSION_REQUEST, &der::value(der::SET, &[&extensions])]);
        der::value(
            der::SEQUENCE,
            &[&der::INTEGER_ZERO, &self.subject(), key.as_ref(), &der::value(der::CONTEXT_0, &[&attribute])],
        )
    }

    fn subject(&self) -> Vec<u8> {
        let Some(name) = &self.common_name else {
            return der::value(der::SEQUENCE, &[]);
        };
        let attribute =
            der::value(der::SEQUENCE, &[COMMON_NAME_TYPE, &der::value(der::UTF8_STRING, &[name.as_str().as_bytes()])]);
        der::value(der::SEQUENCE, &[&der::value(der::SET, &[&attribute])])
    }
}

/// What a signing request for servers asks for, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asked {
    /// The DNS names and addresses of its subject alternative names, in order.
    pub identifiers: Vec<Identifier>,
    /// The common name of its subject, made printable.
    pub common_name: Option<String>,
    /// The public key.
    pub public_key: SubjectPublicKeyInfoDer<'static>,
}

/// Reads what a signing request asks for, in short. Its signature is not looked at: whoever issues from it reads a [`Request`] and verifies it.
///
/// # Errors
/// `Malformed` when it is not a signing request, or a name in it is no DNS name.
pub fn read(csr: &CertificateSigningRequestDer<'_>) -> Result<Asked, Error> {
    let request = Request::read(csr)?;
    Ok(Asked {
        identifiers: request.identifiers()?,
        common_name: request.common_name(),
        public_key: request.public_key().as_ref().to_vec().into(),
    })
}

fn general_name(identifier: &Identifier) -> Result<Vec<u8>, Error> {
    if let Identifier::Dns(name) = identifier {
        return Ok(der::value(der::DNS_NAME, &[name.as_str().as_bytes()]));
    }
    if let Identifier::Ip(address) = identifier {
        return Ok(match address {
            IpAddr::V4(address) => der::value(der::IP_ADDRESS, &[&address.octets()]),
            IpAddr::V6(address) => der::value(der::IP_ADDRESS, &[&address.octets()]),
        });
    }
    Err(Error::new(ErrorKind::Unsupported, format!("{identifier} has no place in a signing request")))
}

/// ub-common-name of RFC 5280 appendix A.1.
const COMMON_NAME: usize = 64;
/// id-at-commonName, 2.5.4.3.
const COMMON_NAME_TYPE: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];
/// id-ce-subjectAltName, 2.5.29.17.
const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x1d, 0x11];
/// pkcs-9-at-extensionRequest, 1.2.840.113549.1.9.14.
const EXTENSION_REQUEST: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e];
