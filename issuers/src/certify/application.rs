//! What is to be certified.

use acme_core::key::PublicKey;
use acme_core::{Error, ErrorKind};
use rustls_pki_types::{CertificateSigningRequestDer, SubjectPublicKeyInfoDer};

#[cfg(feature = "ca")]
use crate::chain::Constraints;
#[cfg(feature = "ca")]
use crate::csr::RawGeneralName;
use crate::csr::{Draft, Request};
use crate::name::RawName;
use crate::template::{Criticality, Extension, Extensions};
use crate::{CertificateRequest, ObjectIdentifier};

/// A key, a subject and extensions that somebody asks to have certified.
///
/// Take one from a signing request with [`read`](Self::read), which has it prove that its key is at hand, or without a proof from one that this process made.
#[derive(Debug, Clone)]
pub struct Application<'a> {
    pub(super) subject: RawName,
    pub(super) extensions: Extensions,
    public_key: SubjectPublicKeyInfoDer<'a>,
}

impl<'a> Application<'a> {
    /// What a signing request asks for, when its key signed it.
    ///
    /// # Errors
    /// `Refused` when its signature is not its key's, or the key is weak; `Malformed` when it cannot be read; `Unsupported` for an algorithm that this
    /// build does not verify.
    pub fn read(csr: &'a CertificateSigningRequestDer<'_>) -> Result<Self, Error> {
        let request = Request::read(csr)?;
        request.verify()?;
        Self::taken(&request)
    }

    /// What a signing request asks for that this process made itself, with a key at hand: its signature is not looked at.
    ///
    /// # Errors
    /// `Refused` when the key is weak, `Malformed` when it cannot be read.
    pub fn read_own(csr: &'a CertificateSigningRequestDer<'_>) -> Result<Self, Error> {
        Self::taken(&Request::read(csr)?)
    }

    /// What a signing request would ask for, for a key at hand: it need not be written at all.
    ///
    /// # Errors
    /// `Refused` when the key is weak, `Malformed` when it is none.
    pub fn new(draft: &Draft, public_key: &'a SubjectPublicKeyInfoDer<'_>) -> Result<Self, Error> {
        Self::checked(draft.subject().clone(), draft.extensions(), public_key.as_ref().into())
    }

    /// The key.
    pub fn public_key(&self) -> &SubjectPublicKeyInfoDer<'a> {
        &self.public_key
    }

    /// The subject.
    pub fn subject(&self) -> &RawName {
        &self.subject
    }

    /// Its subject alternative names, as they stand.
    pub(crate) fn names(&self) -> Option<&[u8]> {
        self.extensions.find(&Extension::SUBJECT_ALTERNATIVE_NAME).map(Extension::value)
    }

    /// Whether the authorities above permit its names.
    #[cfg(feature = "ca")]
    pub(crate) fn permitted(&self, constraints: &Constraints) -> Result<(), Error> {
        let names = match self.names() {
            None => Vec::new(),
            Some(names) => RawGeneralName::list(names).ok_or_else(|| {
                Error::new(ErrorKind::Malformed, "the subject alternative names asked for are no list of names")
            })?,
        };
        constraints.permit(self.subject.as_der(), &names)
    }

    /// What an issuer is asked for. The key is at hand when the request lends it, or its signature says so.
    pub(crate) fn of(request: &CertificateRequest<'a>) -> Result<Self, Error> {
        let asked = Request::read(request.csr)?;
        let is_lent = request.signer.is_some_and(|signer| signer.public_key() == asked.public_key());
        if !is_lent {
            asked.verify()?;
        }
        Self::taken(&asked)
    }

    fn taken(request: &Request<'a>) -> Result<Self, Error> {
        let mut extensions = Extensions::new();
        for asked in request.extensions() {
            let criticality = if asked.critical { Criticality::Critical } else { Criticality::NotCritical };
            extensions.set(Extension::new(ObjectIdentifier::from_der(asked.oid)?, criticality, asked.value));
        }
        if extensions.find(&Extension::SUBJECT_ALTERNATIVE_NAME).is_some() && request.alternative_names()?.is_empty() {
            return Err(Error::new(
                ErrorKind::Malformed,
                "the list of names that the signing request asks for is empty",
            ));
        }
        Self::checked(RawName::new(request.subject())?, extensions, request.public_key().clone())
    }

    fn checked(
        subject: RawName,
        extensions: Extensions,
        public_key: SubjectPublicKeyInfoDer<'a>,
    ) -> Result<Self, Error> {
        PublicKey::read(&public_key)?.refuse_weak()?;
        if subject.is_empty() && extensions.find(&Extension::SUBJECT_ALTERNATIVE_NAME).is_none() {
            return Err(Error::new(ErrorKind::Malformed, "there is neither a name nor a subject to certify"));
        }
        Ok(Self { subject, extensions, public_key })
    }
}
