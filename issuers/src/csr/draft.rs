//! Signing requests before they are signed.

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
use acme_core::PrivateKey;
use acme_core::{DnsName, Error, ErrorKind, Identifier, SignatureAlgorithm, Signer, der};
use rustls_pki_types::{CertificateSigningRequestDer, SubjectPublicKeyInfoDer};

use crate::name::{AttributeType, DistinguishedName, RawName};
use crate::template::{BasicConstraints, Extension, Extensions, GeneralName, NameConstraints, Usages};
use crate::{ObjectIdentifier, limits};

/// A signing request that is not signed yet. Finish it with [`sign`](Self::sign).
///
/// What is not asked for is not in it: usages and constraints that an issuer decides on anyhow can be left out.
#[derive(Debug, Clone)]
pub struct Draft {
    names: Vec<GeneralName>,
    subject: RawName,
    usages: Usages,
    basic_constraints: Option<Extension>,
    name_constraints: Option<Extension>,
    others: Extensions,
}

impl Draft {
    /// A request for `identifiers`, in this order, with an empty subject.
    ///
    /// # Errors
    /// `Malformed` when there is none; `Unsupported` for one that is neither a DNS name nor an address, and where they are more than fit in [`limits::CSR`].
    pub fn new(identifiers: &[Identifier]) -> Result<Self, Error> {
        if identifiers.is_empty() {
            return Err(Error::new(ErrorKind::Malformed, "a signing request needs at least one name or address"));
        }
        let names: Result<Vec<_>, _> = identifiers.iter().map(GeneralName::of).collect();
        Self::with(names?, RawName::empty())
    }

    /// A request for subject alternative names of any kind, in this order, and a subject.
    ///
    /// # Errors
    /// `Malformed` when there is no name and no common name either: nobody could tell whom the certificate is for. `Unsupported` where names and subject are
    /// more than fit in [`limits::CSR`].
    pub fn of(names: Vec<GeneralName>, subject: &DistinguishedName) -> Result<Self, Error> {
        if names.is_empty() && subject.common_name().is_none() {
            return Err(Error::new(
                ErrorKind::Malformed,
                "the request is empty: at least one DNS name, e-mail address, IP address, URI, other name or common name must be set",
            ));
        }
        Self::with(names, subject.to_raw())
    }

    /// Puts `name` into the subject, alone, for clients that still look there. Public certificate authorities want it to be one of the names, or leave it out.
    ///
    /// # Errors
    /// `Unsupported` when it is longer than the 64 characters that X.509 allows there.
    pub fn with_common_name(mut self, name: &DnsName) -> Result<Self, Error> {
        if name.as_str().len() > limits::COMMON_NAME {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "{name} is longer than the {} characters of a common name: leave the common name out",
                    limits::COMMON_NAME
                ),
            ));
        }
        self.subject = DistinguishedName::new().with(AttributeType::COMMON_NAME, name.as_str())?.to_raw();
        Ok(self)
    }

    /// Asks for usages. cert-manager's `encodeUsagesInRequest: false` is not to call this.
    #[must_use]
    pub fn with_usages(mut self, usages: Usages) -> Self {
        self.usages = usages;
        self
    }

    /// Asks to be an authority, or says that it is none. cert-manager leaves this out of its requests unless told otherwise.
    #[must_use]
    pub fn with_basic_constraints(mut self, constraints: BasicConstraints) -> Self {
        self.basic_constraints = Some(constraints.to_extension());
        self
    }

    /// Asks for name constraints.
    ///
    /// # Errors
    /// `Malformed` when there is nothing in them, or a name in them is none.
    pub fn with_name_constraints(mut self, constraints: &NameConstraints) -> Result<Self, Error> {
        self.name_constraints = Some(constraints.to_extension()?);
        Ok(self)
    }

    /// Asks for any other extension; it takes the place of one that is called the same.
    #[must_use]
    pub fn with_extension(mut self, extension: Extension) -> Self {
        self.others.set(extension);
        self
    }

    /// The subject.
    pub fn subject(&self) -> &RawName {
        &self.subject
    }

    /// The extensions asked for, in cert-manager's order: subject alternative names, key usage, extended key usage, basic constraints, name
    /// constraints, others.
    pub fn extensions(&self) -> Extensions {
        let mut extensions = Extensions::new();
        if !self.names.is_empty() {
            extensions.set(Extension::alternative_names(&self.names, &self.subject));
        }
        let constraints = self.basic_constraints.iter().chain(&self.name_constraints).cloned();
        let others = self.others.iter().cloned();
        self.usages.to_extensions().into_iter().chain(constraints).chain(others).for_each(|it| extensions.set(it));
        extensions
    }

    /// Signs it.
    ///
    /// # Errors
    /// What the signer says.
    pub async fn sign(&self, signer: &dyn Signer) -> Result<CertificateSigningRequestDer<'static>, Error> {
        let info = self.info(signer.public_key());
        let signature = signer.sign(&info).await.map_err(|error| error.while_doing("signing the request"))?;
        Ok(finish(&info, signer.algorithm(), &signature))
    }

    /// Signs it without waiting for anything, with a key at hand.
    ///
    /// # Errors
    /// `Internal` when the provider fails.
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    pub fn sign_now(&self, key: &PrivateKey) -> Result<CertificateSigningRequestDer<'static>, Error> {
        let info = self.info(key.public_key());
        let signature = key.sign_now(&info).map_err(|error| error.while_doing("signing the request"))?;
        Ok(finish(&info, key.algorithm(), &signature))
    }

    fn with(names: Vec<GeneralName>, subject: RawName) -> Result<Self, Error> {
        let length = Extension::alternative_names(&names, &subject).value().len() + subject.as_der().len();
        if length > limits::CSR - BESIDE_NAMES {
            let what = format!(
                "the request is too large: {} names take {length} octets, and no signing request of more than {} is read: part the names among several certificates",
                names.len(),
                limits::CSR
            );
            return Err(Error::new(ErrorKind::Unsupported, what));
        }
        let (usages, others) = (Usages::default(), Extensions::new());
        Ok(Self { names, subject, usages, basic_constraints: None, name_constraints: None, others })
    }

    /// CertificationRequestInfo of RFC 2986 section 4.1, with one attribute at most: the extensions asked for (RFC 2985 section 5.4.2).
    fn info(&self, key: &SubjectPublicKeyInfoDer<'_>) -> Vec<u8> {
        let extensions = self.extensions();
        let capacity = self.subject.as_der().len() + key.len() + extensions.len_hint() + 64;
        der::build(capacity, |out| {
            out.sequence(|info| {
                info.unsigned(&[]);
                info.raw(self.subject.as_der());
                info.raw(key);
                info.nested(der::context_constructed(0), |attributes| {
                    if !extensions.is_empty() {
                        attributes.sequence(|attribute| {
                            attribute.object_identifier(&EXTENSION_REQUEST);
                            attribute.nested(der::SET, |it| extensions.write(it));
                        });
                    }
                });
            });
        })
    }
}

fn finish(info: &[u8], algorithm: SignatureAlgorithm, signature: &[u8]) -> CertificateSigningRequestDer<'static> {
    let capacity = info.len() + signature.len() + 40;
    der::build(capacity, |out| out.signed(info, algorithm, signature)).into()
}

/// What a signing request holds beside names: a key and a signature of RSA with 8192 bits, and constraints and usages.
const BESIDE_NAMES: usize = 8 * 1024;

/// pkcs-9-at-extensionRequest, 1.2.840.113549.1.9.14.
const EXTENSION_REQUEST: ObjectIdentifier =
    ObjectIdentifier::known(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e]);
