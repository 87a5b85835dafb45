//! A key and a chain as somebody keeps them, and what may be wrong with the two.

use std::fmt;

use acme_core::client::Chain;
use acme_core::key::PublicKey;
use acme_core::{Error, ErrorKind, PrivateKey, Signer as _};
use issuers::chain::Leaf;
use issuers::{Holder, csr};
use rustls_pki_types::SubjectPublicKeyInfoDer;

/// A key and the chain for it, as they are kept in PEM: in a folder, or in a Secret of Kubernetes.
///
/// What is held is sound when it can be read. Whether it is what is wanted say [`rotation::mismatches`](crate::policy::rotation::mismatches) of the key,
/// [`fields_of_request`](super::fields_of_request) of the signing request that led to it, or for want of one
/// [`fields_of_certificate`](super::fields_of_certificate) of the leaf.
#[derive(Debug)]
#[non_exhaustive]
pub struct Held {
    /// The key.
    pub key: PrivateKey,
    /// The chain, leaf first.
    pub chain: Chain,
    /// What is known of the leaf.
    pub leaf: Leaf,
    /// Whom the leaf is for.
    pub holder: Holder,
}

impl Held {
    /// Reads a key and a chain, both in PEM; empty is not there.
    ///
    /// # Errors
    /// The first of these flaws, in the order of [`Flaw`].
    pub fn read(key: &[u8], chain: &[u8]) -> Result<Self, Flaw> {
        match (key.is_empty(), chain.is_empty()) {
            (true, true) => return Err(Flaw::Nothing),
            (true, false) => return Err(Flaw::NoKey),
            (false, true) => return Err(Flaw::NoCertificate),
            (false, false) => {}
        }
        let text = str::from_utf8(key).map_err(|_| Flaw::Key(Error::new(ErrorKind::Malformed, "it is not text")));
        let key = PrivateKey::from_pem(text?).map_err(Flaw::Key)?;
        let chain = Chain::from_pem(chain).map_err(Flaw::Certificate)?;
        let Some(first) = chain.leaf() else { return Err(Flaw::NoCertificate) };
        let leaf = Leaf::read(first).map_err(Flaw::Certificate)?;
        let holder = Holder::of_certificate(first).map_err(Flaw::Certificate)?;
        let public_key = issuers::chain::public_key(first).map_err(Flaw::Certificate)?;
        if !PublicKey::same(key.public_key(), &public_key) {
            return Err(Flaw::Mismatch);
        }
        Ok(Self { key, chain, leaf, holder })
    }

    /// Whether the key is the one that this signing request is for.
    pub fn is_for(&self, request: &csr::Request<'_>) -> bool {
        self.has_key(request.public_key())
    }

    /// Whether this is the public half of the key.
    pub fn has_key(&self, public_key: &SubjectPublicKeyInfoDer<'_>) -> bool {
        PublicKey::same(self.key.public_key(), public_key)
    }
}

/// What is wrong with a key and a chain as they are kept.
#[derive(Debug)]
#[non_exhaustive]
pub enum Flaw {
    /// Neither is there.
    Nothing,
    /// The key is not there.
    NoKey,
    /// The chain is not there.
    NoCertificate,
    /// The key cannot be read.
    Key(Error),
    /// The chain cannot be read.
    Certificate(Error),
    /// The leaf is for another key.
    Mismatch,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("there is neither a key nor a certificate"),
            Self::NoKey => f.write_str("there is no key"),
            Self::NoCertificate => f.write_str("there is no certificate"),
            Self::Key(_) => f.write_str("the key cannot be read"),
            Self::Certificate(_) => f.write_str("the certificate cannot be read"),
            Self::Mismatch => f.write_str("the certificate is for another key"),
        }
    }
}

impl std::error::Error for Flaw {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Key(error) | Self::Certificate(error) => Some(error),
            Self::Nothing | Self::NoKey | Self::NoCertificate | Self::Mismatch => None,
        }
    }
}
