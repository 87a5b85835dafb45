//! What an endpoint serves with: a pair in files, or certificates by an authority in a Secret.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use kube_adapter::serving::{ServingAuthority, ServingPair};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use crate::{Error, usage};

/// Certificates that change while they are served.
pub trait Certificates: Send + Sync {
    /// What the next connection is accepted with; `None` while there is nothing yet.
    fn acceptor(&self) -> Option<TlsAcceptor>;
}

/// A certificate and key in files, read again when the certificate's changes.
pub struct Files {
    certificate: PathBuf,
    key: PathBuf,
    current: Mutex<(Option<SystemTime>, TlsAcceptor)>,
}

impl Files {
    /// Reads both.
    ///
    /// # Errors
    /// `Malformed` when they cannot be used.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, Error> {
        let current = Mutex::new((changed(certificate), from_files(certificate, key)?));
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), current })
    }
}

impl Certificates for Files {
    fn acceptor(&self) -> Option<TlsAcceptor> {
        let now = changed(&self.certificate);
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if now != current.0 {
            // Half a pair is read again at the next connection; until then the old one serves.
            match from_files(&self.certificate, &self.key) {
                Ok(fresh) => *current = (now, fresh),
                Err(error) => tracing::warn!(%error, "the old certificate goes on being served"),
            }
        }
        Some(current.1.clone())
    }
}

/// Certificates by an authority that all replicas share.
pub struct Dynamic {
    authority: ServingAuthority,
    current: Mutex<Option<Arc<(ServingPair, TlsAcceptor)>>>,
}

impl Dynamic {
    /// Nothing yet: [`keep`](Self::keep) brings it.
    pub fn new(authority: ServingAuthority) -> Self {
        Self { authority, current: Mutex::new(None) }
    }

    /// Looks after the certificate for as long as it is polled.
    pub async fn keep(self: Arc<Self>) {
        loop {
            let again = match self.renew().await {
                Ok(()) => LOOK,
                Err(error) => {
                    tracing::warn!(%error, "no fresh certificate to serve with");
                    SOON
                }
            };
            pause(again).await;
        }
    }

    async fn renew(&self) -> Result<(), Error> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let current = current.as_deref().map(|(pair, _)| pair);
        if let Some(fresh) = self.authority.renew(current).await? {
            let key = PrivatePkcs8KeyDer::from(fresh.key.to_pkcs8_der().expose().clone());
            let acceptor = acceptor(fresh.chain.clone(), key.into()).map_err(|source| {
                usage("the certificate to serve with does not go with its key").with_source(source)
            })?;
            *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new((fresh, acceptor)));
        }
        Ok(())
    }
}

impl Certificates for Dynamic {
    fn acceptor(&self) -> Option<TlsAcceptor> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_deref().map(|(_, acceptor)| acceptor.clone())
    }
}

fn from_files(certificate: &Path, key: &Path) -> Result<TlsAcceptor, Error> {
    let unusable = |path: &Path, what: &str| usage(format!("{}: {what}", path.display()));
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|source| unusable(certificate, "no certificates in PEM").with_source(source))?;
    let signer =
        PrivateKeyDer::from_pem_file(key).map_err(|source| unusable(key, "no key in PEM").with_source(source))?;
    acceptor(chain, signer).map_err(|source| unusable(certificate, "not a pair with its key").with_source(source))
}

fn acceptor(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<TlsAcceptor, rustls::Error> {
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|it| it.with_no_client_auth().with_single_cert(chain, key))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn changed(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|it| it.modified()).ok()
}

#[expect(clippy::disallowed_methods, reason = "the edge to the operating system, which names no time")]
async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}

/// How often the authority's Secret is looked at: one read.
const LOOK: Duration = Duration::from_secs(60);
/// The same after a failure.
const SOON: Duration = Duration::from_secs(5);
