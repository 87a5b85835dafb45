//! Certificates before they are signed, and what stands in them.
//!
//! A [`Draft`] is a TBSCertificate (RFC 5280 section 4.1.2) of parts that are copied byte for byte: names, the public key, extensions. [`Draft::sign`]
//! gives the certificate; whoever signs otherwise takes [`Draft::to_be_signed`] and hands the signature to [`ToBeSigned::finish`].

use acme_core::{Error, SignatureAlgorithm, Signer, Timestamp, der};
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};

use crate::name::RawName;

mod constraints;
mod extension;
mod general_name;
mod key_identifier;
mod serial;
mod usages;

pub use constraints::{BasicConstraints, IpRange, NameConstraints, Subtrees};
pub use extension::{Criticality, Extension, Extensions};
pub use general_name::{GeneralName, OtherName};
pub use key_identifier::KeyIdentifier;
pub use serial::SerialNumber;
pub use usages::{ExtendedKeyUsage, KeyUsages, Usages};

/// A certificate that is not signed yet. Finish it with [`sign`](Self::sign).
#[derive(Debug, Clone)]
pub struct Draft<'a> {
    issuer: &'a RawName,
    subject: &'a RawName,
    public_key: &'a SubjectPublicKeyInfoDer<'a>,
    serial: SerialNumber,
    validity: Validity,
    extensions: Extensions,
}

impl<'a> Draft<'a> {
    /// A certificate of `subject` and its key by `issuer`; the names and the key stand in it byte for byte.
    pub fn new(
        issuer: &'a RawName,
        subject: &'a RawName,
        public_key: &'a SubjectPublicKeyInfoDer<'a>,
        serial: SerialNumber,
        validity: Validity,
    ) -> Self {
        Self { issuer, subject, public_key, serial, validity, extensions: Extensions::new() }
    }

    /// With these extensions, in their order.
    #[must_use]
    pub fn with_extensions(mut self, extensions: Extensions) -> Self {
        self.extensions = extensions;
        self
    }

    /// What a signer that signs by `algorithm` signs.
    pub fn to_be_signed(&self, algorithm: SignatureAlgorithm) -> ToBeSigned {
        let names = self.issuer.as_der().len() + self.subject.as_der().len();
        let capacity = names + self.public_key.len() + self.extensions.len_hint() + 160;
        let message = der::build(capacity, |out| {
            out.sequence(|tbs| {
                tbs.raw(VERSION_3);
                tbs.unsigned(self.serial.as_octets());
                tbs.raw(algorithm.x509());
                tbs.raw(self.issuer.as_der());
                tbs.sequence(|it| {
                    it.time(self.validity.not_before);
                    it.time(self.validity.not_after);
                });
                tbs.raw(self.subject.as_der());
                tbs.raw(self.public_key);
                if !self.extensions.is_empty() {
                    tbs.nested(der::context_constructed(3), |it| self.extensions.write(it));
                }
            });
        });
        ToBeSigned { message, algorithm }
    }

    /// Signs it.
    ///
    /// # Errors
    /// What the signer says.
    pub async fn sign(&self, signer: &dyn Signer) -> Result<CertificateDer<'static>, Error> {
        let unsigned = self.to_be_signed(signer.algorithm());
        let signature =
            signer.sign(unsigned.message()).await.map_err(|error| error.while_doing("signing a certificate"))?;
        Ok(unsigned.finish(&signature))
    }
}

/// What is signed of a certificate. Sign [`message`](Self::message), and [`finish`](Self::finish) it.
#[derive(Debug, Clone)]
pub struct ToBeSigned {
    message: Vec<u8>,
    algorithm: SignatureAlgorithm,
}

impl ToBeSigned {
    /// The TBSCertificate in DER.
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// The certificate, with this signature over [`message`](Self::message).
    pub fn finish(self, signature: &[u8]) -> CertificateDer<'static> {
        let capacity = self.message.len() + signature.len() + 40;
        der::build(capacity, |out| out.signed(&self.message, self.algorithm, signature)).into()
    }
}

/// From when to when a certificate is valid, both ends included; to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "complete by definition")]
pub struct Validity {
    /// The first instant.
    pub not_before: Timestamp,
    /// The last instant.
    pub not_after: Timestamp,
}

/// `[0] EXPLICIT INTEGER 2`: version 3.
const VERSION_3: &[u8] = &[0xa0, 3, der::INTEGER, 1, 2];
