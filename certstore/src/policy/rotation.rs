//! Which key the next certificate gets, and why the one that is there does not do.

use std::fmt;

use acme_core::key::{Encoding, PublicKey, PublicKeyType};
use acme_core::{Error, ErrorKind};
use rustls_pki_types::SubjectPublicKeyInfoDer;

use crate::Keys;

/// What a key shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wanted {
    /// Its kind and size.
    pub kind: PublicKeyType,
    /// How it is written, where somebody else reads it.
    pub encoding: Option<Encoding>,
}

impl Wanted {
    /// A key of this kind, however it is written.
    pub fn new(kind: impl Into<PublicKeyType>) -> Self {
        Self { kind: kind.into(), encoding: None }
    }

    /// Asks for an encoding too.
    #[must_use]
    pub fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = Some(encoding);
        self
    }
}

/// A key that is there.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Existing<'a> {
    /// Its public half.
    pub public_key: PublicKey<'a>,
    /// How it is written, where that is known.
    pub encoding: Option<Encoding>,
    /// The public key of the certificate beside it, if there is one.
    pub certificate: Option<PublicKey<'a>>,
}

impl<'a> Existing<'a> {
    /// A key by its public half.
    ///
    /// # Errors
    /// As [`PublicKey::read`].
    pub fn new(public_key: &'a SubjectPublicKeyInfoDer<'_>) -> Result<Self, Error> {
        Ok(Self { public_key: PublicKey::read(public_key)?, encoding: None, certificate: None })
    }

    /// Says how it is written.
    #[must_use]
    pub fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = Some(encoding);
        self
    }

    /// Says which key the certificate beside it is for.
    ///
    /// # Errors
    /// As [`PublicKey::read`].
    pub fn with_certificate(mut self, public_key: &'a SubjectPublicKeyInfoDer<'_>) -> Result<Self, Error> {
        self.certificate = Some(PublicKey::read(public_key)?);
        Ok(self)
    }
}

/// In what a key is not what is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mismatch {
    /// It is of another algorithm.
    Algorithm,
    /// It is longer or shorter, or on another curve.
    Size,
    /// Nobody should certify it.
    Weak,
    /// It is written in another structure: writing it again is enough.
    Encoding,
    /// The certificate beside it is for another key: a new certificate is enough.
    Certificate,
}

impl Mismatch {
    /// Whether it takes another key to mend it.
    pub fn needs_another_key(self) -> bool {
        match self {
            Self::Algorithm | Self::Size | Self::Weak => true,
            Self::Encoding | Self::Certificate => false,
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Algorithm => "another algorithm is wanted",
            Self::Size => "another size is wanted",
            Self::Weak => "it is weak",
            Self::Encoding => "another encoding is wanted",
            Self::Certificate => "the certificate is for another key",
        })
    }
}

/// Everything in which `existing` is not what is wanted, in this order: algorithm, size, strength, encoding, certificate.
pub fn mismatches(wanted: &Wanted, existing: &Existing<'_>) -> Vec<Mismatch> {
    let found = existing.public_key.kind();
    let mut mismatches = Vec::new();
    if wanted.kind.algorithm() != found.algorithm() {
        mismatches.push(Mismatch::Algorithm);
    } else if wanted.kind.bits() != found.bits() {
        mismatches.push(Mismatch::Size);
    }
    if existing.public_key.refuse_weak().is_err() {
        mismatches.push(Mismatch::Weak);
    }
    if let (Some(wanted), Some(written)) = (wanted.encoding, existing.encoding)
        && wanted.label(found) != written.label(found)
    {
        mismatches.push(Mismatch::Encoding);
    }
    if existing.certificate.is_some_and(|certificate| certificate != existing.public_key) {
        mismatches.push(Mismatch::Certificate);
    }
    mismatches
}

/// Which key the next certificate gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum NextKey {
    /// A new one.
    New,
    /// The one that is there.
    Existing,
}

/// Which key the next certificate gets. Give `None` where there is no key, or none that can be read.
///
/// # Errors
/// `Refused` when the key shall stay whatever happens ([`Keys::Pinned`]) and is not what is wanted: a human has to say which of both counts.
pub fn next_key(keys: Keys, wanted: &Wanted, existing: Option<&Existing<'_>>) -> Result<NextKey, Error> {
    let Some(existing) = existing else {
        return Ok(NextKey::New);
    };
    let against: Vec<Mismatch> =
        mismatches(wanted, existing).into_iter().filter(|mismatch| mismatch.needs_another_key()).collect();
    match keys {
        Keys::Fresh => Ok(NextKey::New),
        Keys::Reused | Keys::Pinned if against.is_empty() => Ok(NextKey::Existing),
        Keys::Reused => Ok(NextKey::New),
        Keys::Pinned => {
            let reasons: Vec<String> = against.iter().map(Mismatch::to_string).collect();
            Err(Error::new(
                ErrorKind::Refused,
                format!(
                    "the {} key shall never change, and is not the {} that is wanted ({}): want the former kind, let the key change, or take the key away",
                    existing.public_key.kind(),
                    wanted.kind,
                    reasons.join(", "),
                ),
            ))
        }
    }
}
