//! What is to be certified.

#[cfg(feature = "ca")]
use std::borrow::Cow;

#[cfg(feature = "ca")]
use acme_core::DnsName;
use acme_core::key::PublicKey;
use acme_core::{Error, ErrorKind};
use rustls_pki_types::{CertificateSigningRequestDer, SubjectPublicKeyInfoDer};

#[cfg(feature = "ca")]
use crate::chain::Constraints;
use crate::csr::{Draft, RawGeneralName, Request};
use crate::name::RawName;
use crate::template::{Extension, Extensions};
#[cfg(feature = "ca")]
use crate::x509::name;
use crate::{CertificateRequest, Maker};

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

    /// Whether the authorities above permit its names, as the strictest of those who verify see it: OpenSSL takes a common name that looks like a DNS name for
    /// one where there is no other, and looks at the e-mail addresses of the subject in any case.
    #[cfg(feature = "ca")]
    pub(crate) fn permitted(&self, constraints: &Constraints) -> Result<(), Error> {
        let mut names = match self.names() {
            None => Vec::new(),
            Some(names) => RawGeneralName::list(names).ok_or_else(|| {
                Error::new(ErrorKind::Malformed, "the subject alternative names asked for are no list of names")
            })?,
        };
        let texts_of = |kind: &[u8]| -> Vec<String> {
            let parts = name::parts(self.subject.as_der()).unwrap_or_default();
            let attributes = parts.iter().flatten().filter(|it| it.kind == kind);
            attributes.filter_map(|it| it.text().map(Cow::into_owned)).collect()
        };
        let (common_names, addresses) = (texts_of(name::COMMON_NAME), texts_of(name::EMAIL_ADDRESS));
        if !names.iter().any(|it| matches!(it, RawGeneralName::Dns(_))) {
            let hosts = common_names.iter().filter(|it| it.contains('.') && DnsName::parse(it).is_ok());
            names.extend(hosts.map(|it| RawGeneralName::Dns(it.as_bytes())));
        }
        names.extend(addresses.iter().map(|it| RawGeneralName::Email(it.as_bytes())));
        constraints.permit(self.subject.as_der(), &names)
    }

    /// What an issuer is asked for. Unless the asker made the signing request, its signature says that it is the word of the key's holder.
    pub(crate) fn of(request: &CertificateRequest<'a>) -> Result<Self, Error> {
        request.refuse_other_names()?;
        match request.maker {
            Maker::Anybody => Self::read(request.csr),
            Maker::Asker => Self::read_own(request.csr),
        }
    }

    fn taken(request: &Request<'a>) -> Result<Self, Error> {
        let mut extensions = Extensions::new();
        for asked in request.extensions() {
            extensions.set(Extension::copied(asked)?);
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
        if let Some(names) = extensions.find(&Extension::SUBJECT_ALTERNATIVE_NAME)
            && !RawGeneralName::list(names.value()).is_some_and(|it| it.iter().all(is_sound))
        {
            return Err(Error::new(
                ErrorKind::Malformed,
                "among the subject alternative names asked for is one that no certificate can carry: an address of 4 or 16 octets, or text of ASCII, is due",
            ));
        }
        if subject.is_empty() && extensions.find(&Extension::SUBJECT_ALTERNATIVE_NAME).is_none() {
            return Err(Error::new(ErrorKind::Malformed, "there is neither a name nor a subject to certify"));
        }
        Ok(Self { subject, extensions, public_key })
    }
}

/// Is it of a form that others can read (RFC 5280 section 4.2.1.6)? They refuse the whole certificate otherwise.
fn is_sound(name: &RawGeneralName<'_>) -> bool {
    match name {
        RawGeneralName::Dns(text) | RawGeneralName::Email(text) | RawGeneralName::Uri(text) => {
            !text.is_empty() && text.iter().all(u8::is_ascii_graphic)
        }
        RawGeneralName::Ip(octets) => matches!(octets.len(), 4 | 16),
        RawGeneralName::Other { .. }
        | RawGeneralName::X400(_)
        | RawGeneralName::Directory(_)
        | RawGeneralName::EdiParty(_)
        | RawGeneralName::Registered(_) => true,
    }
}
