//! One installed certificate.

use std::sync::{Arc, OnceLock};

use acme_core::{Error, ErrorKind, Identifier, Secret};
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::Credential;

/// A leaf and its key as bytes, and parsed once somebody asked.
pub(super) struct Entry {
    names: Box<[Box<str>]>,
    leaf: Box<[u8]>,
    above: Arc<[CertificateDer<'static>]>,
    key: Secret<Vec<u8>>,
    parsed: OnceLock<Option<Arc<CertifiedKey>>>,
}

impl Entry {
    pub(super) fn new(
        names: &[Identifier],
        credential: &Credential,
        above: Arc<[CertificateDer<'static>]>,
    ) -> Result<Self, Error> {
        let Some(leaf) = credential.chain.leaf() else {
            return Err(Error::new(ErrorKind::Malformed, "a chain without certificates cannot be served"));
        };
        Ok(Self {
            names: names.iter().map(|name| name.to_string().into_boxed_str()).collect(),
            leaf: leaf.as_ref().into(),
            above,
            key: Secret::new(credential.key.expose().as_slice().to_vec()),
            parsed: OnceLock::new(),
        })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(AsRef::as_ref)
    }

    /// The chain and the key as rustls wants them; `None` when the provider does not take the key.
    pub(super) fn certified_key(&self, provider: &CryptoProvider) -> Option<Arc<CertifiedKey>> {
        self.parsed
            .get_or_init(|| match self.parse(provider) {
                Ok(parsed) => Some(Arc::new(parsed)),
                Err(error) => {
                    tracing::error!(%error, "a certificate cannot be served: the provider does not take its key");
                    None
                }
            })
            .clone()
    }

    fn parse(&self, provider: &CryptoProvider) -> Result<CertifiedKey, rustls::Error> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.expose().clone()));
        let mut chain = Vec::with_capacity(1 + self.above.len());
        chain.push(CertificateDer::from(self.leaf.to_vec()));
        chain.extend(self.above.iter().cloned());
        Ok(CertifiedKey::new(chain, provider.key_provider.load_private_key(key)?))
    }
}
