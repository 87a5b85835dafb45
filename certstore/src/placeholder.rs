//! Something to show until the first certificate is there.

use std::sync::Arc;

use acme_core::{Error, ErrorKind};
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// A self-signed certificate for `names`, with a key that lives as long as the process. No client trusts it; give it to `Resolver::with_placeholder`
/// where a handshake that ends in a warning is better than one that fails.
///
/// # Errors
/// `Malformed` for a name that is not ASCII, `Internal` when no key can be made.
pub fn placeholder(names: &[&str], provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, Error> {
    let failed = |source: rcgen::Error| {
        Error::new(ErrorKind::Internal, "a self-signed placeholder could not be made").with_source(source)
    };
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).map_err(failed)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let key = provider.key_provider.load_private_key(key).map_err(|source| {
        Error::new(ErrorKind::Internal, "the rustls provider takes no P-256 key").with_source(source)
    })?;
    Ok(Arc::new(CertifiedKey::new(vec![made.cert.der().clone()], key)))
}
