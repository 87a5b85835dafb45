//! A private key and its chain in the files that other programs read.

use acme_core::client::Chain;
use acme_core::key::Encoding;
use acme_core::{PrivateKey, Secret};
use issuers::chain;
use rustls_pki_types::CertificateDer;

#[cfg(any(feature = "pkcs12", feature = "jks"))]
use crate::keystore::KeyStore;

/// A private key, its chain and the root above: what the files are made of.
///
/// The names of cert-manager's keys of a Secret are said with each.
#[derive(Debug)]
pub struct Output<'a> {
    key: &'a PrivateKey,
    encoding: Encoding,
    chain: &'a Chain,
    root: Option<&'a CertificateDer<'static>>,
}

impl<'a> Output<'a> {
    /// A key in PKCS #8, and its chain, the leaf first.
    pub fn new(key: &'a PrivateKey, chain: &'a Chain) -> Self {
        Self { key, encoding: Encoding::default(), chain, root: None }
    }

    /// Writes the key in this structure, wherever it stands by itself.
    #[must_use]
    pub fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Says who is above the chain.
    #[must_use]
    pub fn with_root(mut self, root: &'a CertificateDer<'static>) -> Self {
        self.root = Some(root);
        self
    }

    /// The chain in PEM, the leaf first (`tls.crt`).
    pub fn chain_pem(&self) -> String {
        chain::to_pem(self.chain)
    }

    /// The root in PEM (`ca.crt`), when it is known.
    pub fn root_pem(&self) -> Option<String> {
        self.root.map(|root| chain::to_pem(&Chain::new(vec![root.clone()])))
    }

    /// The key in PEM (`tls.key`).
    pub fn key_pem(&self) -> Secret<String> {
        self.key.to_pem_as(self.encoding)
    }

    /// The key in DER (`key.der`): the same structure as in PEM.
    pub fn key_der(&self) -> Secret<Vec<u8>> {
        self.key.to_der_as(self.encoding)
    }

    /// Key and chain in one PEM file (`tls-combined.pem`), an empty line between them.
    pub fn combined_pem(&self) -> Secret<String> {
        let (key, chain) = (self.key_pem(), self.chain_pem());
        // Sized ahead: a string that grows leaves copies behind.
        let mut combined = String::with_capacity(key.expose().len() + chain.len() + 1);
        for part in [key.expose(), "\n", &chain] {
            combined.push_str(part);
        }
        Secret::new(combined)
    }

    /// Key, chain and root as a key store: `keystore.p12` and `keystore.jks`.
    ///
    /// # Errors
    /// As [`KeyStore::keyed`].
    #[cfg(any(feature = "pkcs12", feature = "jks"))]
    pub fn keystore(&self) -> Result<KeyStore<'a>, acme_core::Error> {
        KeyStore::keyed(self.key.to_pkcs8_der(), self.chain.certificates())?.with_authorities(self.root)
    }

    /// The root as a key store of what to trust: `truststore.p12` and `truststore.jks`; `None` when it is not known.
    ///
    /// # Errors
    /// As [`KeyStore::trusting`].
    #[cfg(any(feature = "pkcs12", feature = "jks"))]
    pub fn truststore(&self) -> Result<Option<KeyStore<'a>>, acme_core::Error> {
        self.root.map(|root| KeyStore::trusting([root])).transpose()
    }
}
