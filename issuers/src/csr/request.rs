//! A signing request that somebody made, kept to the byte.

use acme_core::der::{self, Reader};
use acme_core::{Error, ErrorKind, Identifier, text};
use rustls_pki_types::{CertificateSigningRequestDer, SubjectPublicKeyInfoDer};

use crate::template::BasicConstraints;
use crate::template::{ExtendedKeyUsage, KeyUsages};
use crate::x509::{self, RawExtension, RawGeneralName, name, oid};
use crate::{ObjectIdentifier, limits};

/// A signing request of any tool, taken apart and kept to the byte.
///
/// Read it with [`read`](Self::read), and [`verify`](Self::verify) that its key signed it before anything is issued from it. Subject, key and extensions are what stands
/// there; the views ([`alternative_names`](Self::alternative_names) and the others) say what the common extensions mean. A
/// challenge password and other attributes that ask for nothing are passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    info: &'a [u8],
    subject: &'a [u8],
    public_key: SubjectPublicKeyInfoDer<'a>,
    extensions: Vec<RawExtension<'a>>,
    algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Request<'a> {
    /// Takes a signing request apart (RFC 2986 section 4). Its signature is not looked at.
    ///
    /// # Errors
    /// `Malformed` when it is not a signing request in DER, longer than [`limits::CSR`], has an extension twice, or more than [`limits::EXTENSIONS`].
    pub fn read(csr: &'a CertificateSigningRequestDer<'_>) -> Result<Self, Error> {
        let bytes = csr.as_ref();
        if bytes.len() > limits::CSR {
            return Err(malformed(format!("it is longer than {} octets", limits::CSR)));
        }
        let Some((info, algorithm, signature)) = outer(bytes) else { return Err(not_one()) };
        let Some(Info { subject, public_key, attributes }) = Info::read(info) else { return Err(not_one()) };
        let extensions = requested(attributes).map_err(malformed)?;
        Ok(Self { info, subject, public_key: public_key.into(), extensions, algorithm, signature })
    }

    /// Checks that the key of this request signed it: RSA with PKCS #1 or PSS, ECDSA over P-256, P-384 or P-521, with any SHA-2, or Ed25519.
    ///
    /// # Errors
    /// `Refused` when it did not; `Unsupported` for an algorithm, or a kind of key, that this build does not verify.
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    pub fn verify(&self) -> Result<(), Error> {
        acme_core::key::verify_x509(self.algorithm, &self.public_key, self.info, self.signature)
            .map_err(|error| error.while_doing("the signing request's own signature"))
    }

    /// The subject: the whole Name, empty (`30 00`) more often than not.
    pub fn subject(&self) -> &'a [u8] {
        self.subject
    }

    /// The first common name of the subject, made printable.
    pub fn common_name(&self) -> Option<String> {
        // ub-common-name of RFC 5280 appendix A.1.
        name::common_name(self.subject).map(|name| text::printable(&name, 64))
    }

    /// The public key: the whole SubjectPublicKeyInfo.
    pub fn public_key(&self) -> &SubjectPublicKeyInfoDer<'a> {
        &self.public_key
    }

    /// The extensions asked for, in order.
    pub fn extensions(&self) -> &[RawExtension<'a>] {
        &self.extensions
    }

    /// The extension of this object identifier (its content octets).
    pub fn extension(&self, oid: &[u8]) -> Option<RawExtension<'a>> {
        x509::extension(&self.extensions, oid)
    }

    /// The subject alternative names, of every kind, in order.
    ///
    /// # Errors
    /// `Malformed` when the extension is not a list of names.
    pub fn alternative_names(&self) -> Result<Vec<RawGeneralName<'a>>, Error> {
        let names = self.view(oid::SUBJECT_ALTERNATIVE_NAME, "subject alternative names", RawGeneralName::list)?;
        Ok(names.unwrap_or_default())
    }

    /// The DNS names and addresses among the subject alternative names, in order.
    ///
    /// # Errors
    /// `Malformed` when one of them is none, or the extension is not a list of names.
    pub fn identifiers(&self) -> Result<Vec<Identifier>, Error> {
        let mut identifiers = Vec::new();
        for name in self.alternative_names()? {
            identifiers.extend(name.identifier()?);
        }
        Ok(identifiers)
    }

    /// The basic constraints asked for.
    ///
    /// # Errors
    /// `Malformed` when the extension is none.
    pub fn basic_constraints(&self) -> Result<Option<BasicConstraints>, Error> {
        self.view(oid::BASIC_CONSTRAINTS, "basic constraints", x509::basic_constraints)
    }

    /// The key usages asked for.
    ///
    /// # Errors
    /// `Malformed` when the extension is none.
    pub fn key_usages(&self) -> Result<Option<KeyUsages>, Error> {
        self.view(oid::KEY_USAGE, "key usage", |value| x509::key_usage(value).map(KeyUsages::from_bits))
    }

    /// The extended key usages asked for, in order.
    ///
    /// # Errors
    /// `Malformed` when the extension is none.
    pub fn extended_key_usages(&self) -> Result<Option<Vec<ExtendedKeyUsage>>, Error> {
        self.view(oid::EXTENDED_KEY_USAGE, "extended key usage", |value| {
            let usages = x509::extended_key_usage(value)?;
            usages.into_iter().map(|it| ObjectIdentifier::from_der(it).map(ExtendedKeyUsage::of).ok()).collect()
        })
    }

    fn view<T>(&self, oid: &[u8], what: &str, read: fn(&'a [u8]) -> Option<T>) -> Result<Option<T>, Error> {
        match self.extension(oid) {
            None => Ok(None),
            Some(extension) => match read(extension.value) {
                Some(view) => Ok(Some(view)),
                None => Err(malformed(format!("its extension of {what} cannot be read"))),
            },
        }
    }
}

/// CertificationRequest: what is signed, the whole AlgorithmIdentifier, the signature.
fn outer(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut fields = Reader::only(der::SEQUENCE, bytes)?;
    let info = fields.whole(der::SEQUENCE)?;
    let algorithm = fields.whole(der::SEQUENCE)?;
    let signature = fields.bit_string()?;
    fields.end()?;
    Some((info, algorithm, signature))
}

/// CertificationRequestInfo (RFC 2986 section 4.1).
struct Info<'a> {
    subject: &'a [u8],
    public_key: &'a [u8],
    /// Empty too where a tool leaves them out with their tag.
    attributes: &'a [u8],
}

impl<'a> Info<'a> {
    fn read(info: &'a [u8]) -> Option<Self> {
        let mut fields = Reader::only(der::SEQUENCE, info)?;
        fields.integer()?;
        let subject = fields.whole(der::SEQUENCE)?;
        let public_key = fields.whole(der::SEQUENCE)?;
        let attributes = fields.optional(der::context_constructed(0))?.unwrap_or_default();
        fields.end()?;
        Some(Self { subject, public_key, attributes })
    }
}

/// The extensions that the attributes ask for, in order. `Err` names what is wrong with them.
fn requested(attributes: &[u8]) -> Result<Vec<RawExtension<'_>>, String> {
    let mut found = Vec::new();
    let mut attributes = Reader::new(attributes);
    while !attributes.is_empty() {
        let Some((kind, mut values)) = attributes.enter(der::SEQUENCE).and_then(attribute) else {
            return Err("an attribute of it is not DER".to_owned());
        };
        if kind != EXTENSION_REQUEST && kind != MICROSOFT_EXTENSIONS {
            continue;
        }
        while !values.is_empty() {
            let Some(list) = values.value(der::SEQUENCE) else {
                return Err("the extensions it asks for are no list".to_owned());
            };
            x509::add_extensions(&mut found, list)?;
        }
    }
    Ok(found)
}

fn attribute(mut fields: Reader<'_>) -> Option<(&[u8], Reader<'_>)> {
    let kind = fields.value(der::OBJECT_IDENTIFIER)?;
    let values = fields.enter(der::SET)?;
    fields.end()?;
    Some((kind, values))
}

fn not_one() -> Error {
    Error::new(ErrorKind::Malformed, "not a signing request of PKCS #10")
}

fn malformed(why: String) -> Error {
    Error::new(ErrorKind::Malformed, format!("a signing request cannot be read: {why}"))
}

/// pkcs-9-at-extensionRequest, 1.2.840.113549.1.9.14 (RFC 2985 section 5.4.2).
const EXTENSION_REQUEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e];
/// szOID_CERT_EXTENSIONS, 1.3.6.1.4.1.311.2.1.14: the same, before there was a standard.
const MICROSOFT_EXTENSIONS: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x0e];
