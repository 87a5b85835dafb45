//! Signing requests (PKCS #10, RFC 2986): made from a key that signs, and read back.
//!
//! [`create`] makes the one that certificate authorities want today: names and addresses as subject alternative names, in the order given,
//! and an empty subject. A [`Draft`] holds all that can be asked for: any kind of name, a subject, usages, constraints. [`Request`] takes
//! one of any tool apart, to the byte, and verifies it; [`read`] says in short what it asks for.

use acme_core::{Error, Identifier, Signer};
use rustls_pki_types::{CertificateSigningRequestDer, SubjectPublicKeyInfoDer};

mod draft;
mod request;

pub use draft::Draft;
pub use request::Request;

pub use crate::x509::{RawExtension, RawGeneralName};

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
