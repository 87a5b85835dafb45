//! The certificate that a client shows.

use std::fmt;
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::{Error, ErrorKind, Secret};

/// A chain and its key, ready to sign.
#[derive(Clone)]
pub(super) struct Identity(Arc<SingleCertAndKey>);

impl Identity {
    pub(super) fn from_pem(
        chain_pem: &[u8],
        key_pem: &Secret<String>,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        let malformed = |what: &'static str| Error::new(ErrorKind::Malformed, what);
        let chain = CertificateDer::pem_slice_iter(chain_pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| malformed("the client certificate in PEM is cut off or damaged").with_source(source))?;
        if chain.is_empty() {
            return Err(malformed("the text given as client certificate holds no certificate in PEM"));
        }
        // What the parser says of a key could quote it.
        let key = PrivateKeyDer::from_pem_slice(key_pem.expose().as_bytes()).map_err(|_| {
            malformed("the key of the client certificate is not in PEM, or encrypted: decrypt it first (openssl pkey)")
        })?;
        let key = provider
            .key_provider
            .load_private_key(key)
            .map_err(|_| malformed("the key of the client certificate is none that this build can sign with"))?;
        let pair = CertifiedKey::new(chain, key);
        match pair.keys_match() {
            // What cannot be compared is the server's to judge.
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
                Ok(Self(Arc::new(SingleCertAndKey::from(pair))))
            }
            Err(source) => {
                Err(malformed("the key of the client certificate is not the one that it is for").with_source(source))
            }
        }
    }

    pub(super) fn resolver(self) -> Arc<dyn ResolvesClientCert> {
        self.0
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(..)")
    }
}
