//! Key identifiers: by which a certificate and its issuer's are told to belong together.

use acme_core::der::{self, Reader};
use acme_core::{Error, ErrorKind, hash};
use rustls_pki_types::SubjectPublicKeyInfoDer;

use super::{Criticality, Extension};

/// A key identifier (RFC 5280 sections 4.2.1.1 and 4.2.1.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyIdentifier(Vec<u8>);

impl KeyIdentifier {
    /// The identifier of a public key: the first 160 bits of SHA-256 over its BIT STRING (RFC 7093 section 2, method 1).
    ///
    /// It is what Go writes; OpenSSL 3 still takes SHA-1 of the same octets. Nobody computes it anew to compare, so that a certificate authority keeps
    /// what its own certificate says: [`of_octets`](Self::of_octets).
    ///
    /// # Errors
    /// `Malformed` when it is not a SubjectPublicKeyInfo.
    pub fn of_key(key: &SubjectPublicKeyInfoDer<'_>) -> Result<Self, Error> {
        let bits = || {
            let mut fields = Reader::only(der::SEQUENCE, key)?;
            fields.value(der::SEQUENCE)?;
            let bits = fields.value(der::BIT_STRING)?;
            fields.end()?;
            bits.get(1..)
        };
        match bits() {
            Some(bits) => Ok(Self(hash::sha256(bits)[..20].to_vec())),
            None => Err(Error::new(ErrorKind::Malformed, "not a public key of X.509 (SubjectPublicKeyInfo)")),
        }
    }

    /// The identifier that stands in a certificate.
    pub fn of_octets(octets: impl Into<Vec<u8>>) -> Self {
        Self(octets.into())
    }

    /// The octets.
    pub fn as_octets(&self) -> &[u8] {
        &self.0
    }

    /// The extension that names the key of the certificate itself.
    pub fn to_subject_extension(&self) -> Extension {
        let value = der::build(24, |out| out.value(der::OCTET_STRING, &self.0));
        Extension::new(Extension::SUBJECT_KEY_IDENTIFIER, Criticality::NotCritical, value)
    }

    /// The extension that names the key of its issuer.
    pub fn to_authority_extension(&self) -> Extension {
        let value = der::build(24, |out| out.sequence(|it| it.value(der::context(0), &self.0)));
        Extension::new(Extension::AUTHORITY_KEY_IDENTIFIER, Criticality::NotCritical, value)
    }
}
