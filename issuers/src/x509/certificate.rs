//! A certificate (RFC 5280 section 4.1), taken apart and kept to the byte.

use acme_core::Timestamp;
use acme_core::der::{self, Reader};
use rustls_pki_types::SubjectPublicKeyInfoDer;

use super::extension::{self, RawExtension, oid};
use super::time;
use crate::template::BasicConstraints;

/// A certificate as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate<'a> {
    /// What is signed.
    pub(crate) signed: &'a [u8],
    /// The content of its INTEGER.
    pub(crate) serial: &'a [u8],
    pub(crate) issuer: &'a [u8],
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) subject: &'a [u8],
    pub(crate) public_key: SubjectPublicKeyInfoDer<'a>,
    pub(crate) extensions: Vec<RawExtension<'a>>,
    /// The whole AlgorithmIdentifier of the signature.
    pub(crate) algorithm: &'a [u8],
    pub(crate) signature: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Takes `bytes` apart: one certificate, and nothing behind it. `Err` goes on after "it is".
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let not_one = || "not X.509".to_owned();
        let (signed, algorithm, signature) = outer(bytes).ok_or_else(not_one)?;
        let (certificate, list) = Self::inner(signed, algorithm, signature).ok_or_else(not_one)?;
        let mut extensions = Vec::new();
        if let Some(list) = list {
            extension::add_extensions(&mut extensions, list).map_err(|why| format!("not X.509: {why}"))?;
        }
        Ok(Self { extensions, ..certificate })
    }

    fn inner(signed: &'a [u8], algorithm: &'a [u8], signature: &'a [u8]) -> Option<(Self, Option<&'a [u8]>)> {
        let mut fields = Reader::only(der::SEQUENCE, signed)?;
        fields.optional(der::context_constructed(0))?;
        // Serial numbers that are negative or padded are out there, and are compared octet by octet all the same.
        let serial = fields.value(der::INTEGER).filter(|it| !it.is_empty())?;
        if fields.whole(der::SEQUENCE)? != algorithm {
            return None;
        }
        let issuer = fields.whole(der::SEQUENCE)?;
        let mut validity = fields.enter(der::SEQUENCE)?;
        let (not_before, not_after) = (time::read(&mut validity)?, time::read(&mut validity)?);
        validity.end()?;
        let subject = fields.whole(der::SEQUENCE)?;
        let public_key = fields.whole(der::SEQUENCE)?.into();
        // issuerUniqueID and subjectUniqueID: nobody writes them.
        fields.optional(der::context(1))?;
        fields.optional(der::context(2))?;
        let list = match fields.optional(der::context_constructed(3))? {
            Some(wrapped) => {
                let mut inside = Reader::new(wrapped);
                let list = inside.value(der::SEQUENCE)?;
                inside.end()?;
                Some(list)
            }
            None => None,
        };
        fields.end()?;
        let certificate = Self {
            signed,
            serial,
            issuer,
            not_before,
            not_after,
            subject,
            public_key,
            extensions: Vec::new(),
            algorithm,
            signature,
        };
        Some((certificate, list))
    }

    pub(crate) fn extension(&self, oid: &[u8]) -> Option<RawExtension<'a>> {
        extension::extension(&self.extensions, oid)
    }

    /// Its basic constraints; what cannot be read is none.
    pub(crate) fn basic_constraints(&self) -> Option<BasicConstraints> {
        extension::basic_constraints(self.extension(oid::BASIC_CONSTRAINTS)?.value)
    }

    /// May it have signed certificates, as far as its key usage goes? Without one it may.
    pub(crate) fn may_sign_certificates(&self) -> bool {
        self.has_usage(KEY_CERT_SIGN)
    }

    /// May it sign revocation lists, as far as its key usage goes? Without one it may.
    #[cfg(all(feature = "ca", any(feature = "aws-lc-rs", feature = "ring")))]
    pub(crate) fn may_sign_revocation_lists(&self) -> bool {
        self.has_usage(CRL_SIGN)
    }

    fn has_usage(&self, wanted: u16) -> bool {
        self.extension(oid::KEY_USAGE)
            .is_none_or(|it| extension::key_usage(it.value).is_some_and(|usage| usage & wanted != 0))
    }

    pub(crate) fn subject_key_identifier(&self) -> Option<&'a [u8]> {
        let mut value = Reader::new(self.extension(oid::SUBJECT_KEY_IDENTIFIER)?.value);
        let key = value.value(der::OCTET_STRING)?;
        value.end()?;
        Some(key)
    }

    /// The key identifier of its authority key identifier (RFC 5280 section 4.2.1.1).
    pub(crate) fn authority_key_identifier(&self) -> Option<&'a [u8]> {
        Reader::only(der::SEQUENCE, self.extension(oid::AUTHORITY_KEY_IDENTIFIER)?.value)?.optional(der::context(0))?
    }

    /// Does it name itself as its issuer?
    pub(crate) fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }
}

fn outer(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut fields = Reader::only(der::SEQUENCE, bytes)?;
    let signed = fields.whole(der::SEQUENCE)?;
    let algorithm = fields.whole(der::SEQUENCE)?;
    let signature = fields.bit_string()?;
    fields.end()?;
    Some((signed, algorithm, signature))
}

/// keyCertSign of RFC 5280 section 4.2.1.3: bit 5.
const KEY_CERT_SIGN: u16 = 1 << 5;
/// cRLSign: bit 6.
#[cfg(all(feature = "ca", any(feature = "aws-lc-rs", feature = "ring")))]
const CRL_SIGN: u16 = 1 << 6;
