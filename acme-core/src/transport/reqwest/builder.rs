//! A transport to be set up.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use ::reqwest::{Client, redirect};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use rustls_platform_verifier::Verifier;

use super::ReqwestTransport;
use super::identity::Identity;
use crate::{Error, ErrorKind, Secret};

/// A [`ReqwestTransport`] to be set up.
#[derive(Debug, Clone)]
pub struct ReqwestTransportBuilder {
    roots: Vec<CertificateDer<'static>>,
    trust: Trust,
    identity: Option<Identity>,
    proxy: Proxy,
    connect_within: Duration,
    answer_within: Duration,
}

#[derive(Debug, Clone, Copy)]
enum Trust {
    System,
    Given,
}

#[derive(Debug, Clone, Copy)]
enum Proxy {
    Never,
    Environment,
}

impl ReqwestTransportBuilder {
    /// Also trusts the certificates of a PEM text: the roots of a private certificate authority.
    ///
    /// # Errors
    /// `Malformed` when the text holds no certificate, or a damaged one.
    pub fn add_root_pem(mut self, pem: &[u8]) -> Result<Self, Error> {
        let before = self.roots.len();
        for root in CertificateDer::pem_slice_iter(pem) {
            self.roots.push(root.map_err(|source| {
                Error::new(ErrorKind::Malformed, "a root certificate in PEM is cut off or damaged").with_source(source)
            })?);
        }
        if self.roots.len() == before {
            return Err(Error::new(
                ErrorKind::Malformed,
                "the text given as root certificates holds no certificate in PEM",
            ));
        }
        Ok(self)
    }

    /// Trusts nothing but the roots that were added.
    #[must_use]
    pub fn only_given_roots(mut self) -> Self {
        self.trust = Trust::Given;
        self
    }

    /// Shows this certificate to servers that ask for one (mutual TLS): a chain in PEM, the leaf first, and the leaf's key in PEM.
    ///
    /// It is read once: for a renewed certificate make a new transport.
    ///
    /// # Errors
    /// `Malformed` when either is not PEM or damaged, or the key is not the certificate's.
    pub fn client_certificate(mut self, chain_pem: &[u8], key_pem: &Secret<String>) -> Result<Self, Error> {
        self.identity = Some(Identity::from_pem(chain_pem, key_pem, &provider())?);
        Ok(self)
    }

    /// Goes through the proxy that `HTTPS_PROXY` and its like name; unless asked, none is used.
    #[must_use]
    pub fn proxy_from_environment(mut self) -> Self {
        self.proxy = Proxy::Environment;
        self
    }

    /// How long a connection may take to be made (10 seconds).
    #[must_use]
    pub fn connect_within(mut self, limit: Duration) -> Self {
        self.connect_within = limit;
        self
    }

    /// How long a request may take in all (60 seconds, which is also the most that [`Transport`] allows).
    #[must_use]
    pub fn answer_within(mut self, limit: Duration) -> Self {
        self.answer_within = limit.min(Duration::from_secs(60));
        self
    }

    /// The transport.
    ///
    /// # Errors
    /// `Malformed` when a root cannot be used, `Internal` when the system's trust store cannot be read.
    pub fn build(self) -> Result<ReqwestTransport, Error> {
        let provider = provider();
        let unusable =
            |source: rustls::Error| Error::new(ErrorKind::Internal, "TLS cannot be set up").with_source(source);
        let verifier = self.verifier(&provider)?;
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut tls = match self.identity {
            Some(identity) => tls.with_client_cert_resolver(identity.resolver()),
            None => tls.with_no_client_auth(),
        };
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .retry(::reqwest::retry::never())
            .referer(false)
            .tcp_nodelay(true)
            .connect_timeout(self.connect_within)
            .timeout(self.answer_within);
        let client = match self.proxy {
            Proxy::Never => client.no_proxy(),
            Proxy::Environment => client,
        };
        let client = client.build().map_err(|source| {
            Error::new(ErrorKind::Internal, "the HTTP client cannot be set up").with_source(source)
        })?;
        Ok(ReqwestTransport { client })
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Error> {
        match self.trust {
            Trust::System => {
                let verifier = Verifier::new_with_extra_roots(self.roots.iter().cloned(), Arc::clone(provider))
                    .map_err(|source| {
                        Error::new(
                            ErrorKind::Internal,
                            "the system's root certificates cannot be used (is ca-certificates installed?)",
                        )
                        .with_source(source)
                    })?;
                Ok(Arc::new(verifier))
            }
            Trust::Given => {
                let refused = |source: Box<dyn StdError + Send + Sync>| {
                    Error::new(ErrorKind::Malformed, "the given root certificates cannot be used").with_source(source)
                };
                let mut roots = RootCertStore::empty();
                for root in &self.roots {
                    roots.add(root.clone()).map_err(|source| refused(source.into()))?;
                }
                let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
                    .build()
                    .map_err(|source| refused(source.into()))?;
                Ok(verifier)
            }
        }
    }
}

impl Default for ReqwestTransportBuilder {
    fn default() -> Self {
        Self {
            roots: Vec::new(),
            trust: Trust::System,
            identity: None,
            proxy: Proxy::Never,
            connect_within: Duration::from_secs(10),
            answer_within: Duration::from_secs(60),
        }
    }
}

/// The one place that chooses: never the process default, which belongs to the binary.
fn provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "aws-lc-rs")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "aws-lc-rs"))]
    let provider = rustls::crypto::ring::default_provider();
    Arc::new(provider)
}
