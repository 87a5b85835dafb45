//! HTTPS over reqwest and rustls.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ::reqwest::{Client, redirect};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use rustls_platform_verifier::Verifier;

use self::identity::Identity;
use super::Transport;
use crate::{Error, ErrorKind, Secret, limits};

mod identity;

/// A [`Transport`] for HTTP/1.1 and HTTP/2 over TCP and TLS. It needs a tokio runtime; make one per process and share it.
///
/// Certificates are checked with aws-lc-rs where that is compiled in, else with ring.
#[derive(Clone)]
pub struct ReqwestTransport {
    client: Client,
}

impl ReqwestTransport {
    /// A transport that trusts what the system trusts.
    ///
    /// # Errors
    /// As [`ReqwestTransportBuilder::build`].
    pub fn new() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// A transport to be set up.
    pub fn builder() -> ReqwestTransportBuilder {
        ReqwestTransportBuilder {
            roots: Vec::new(),
            trust: Trust::System,
            identity: None,
            proxy: Proxy::Never,
            connect_within: Duration::from_secs(10),
            answer_within: Duration::from_secs(60),
        }
    }
}

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

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Error> {
        let host = request.uri().authority().map_or_else(String::new, |it| it.as_str().to_owned());
        let request = ::reqwest::Request::try_from(request).map_err(|source| {
            Error::new(ErrorKind::Malformed, format!("a request to {host} is not one of HTTP")).with_source(source)
        })?;
        let mut response = self.client.execute(request).await.map_err(|source| unreachable(&host, source))?;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|source| unreachable(&host, source))? {
            if body.len() + chunk.len() > limits::BODY {
                return Err(Error::new(
                    ErrorKind::Malformed,
                    format!("the answer of {host} is longer than {} bytes", limits::BODY),
                ));
            }
            body.extend_from_slice(&chunk);
        }
        let mut out = http::Response::new(body.freeze());
        *out.status_mut() = response.status();
        *out.version_mut() = response.version();
        *out.headers_mut() = std::mem::take(response.headers_mut());
        Ok(out)
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReqwestTransport")
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

/// What is in the way, in a sentence.
fn unreachable(host: &str, source: ::reqwest::Error) -> Error {
    let what = match (certificate_fault(&source), io_fault(&source)) {
        (Some(CertificateError::UnknownIssuer), _) => format!(
            "the certificate of {host} is not trusted: if it is a private certificate authority, add its root to the transport"
        ),
        (Some(CertificateError::BadSignature), _) => format!(
            "the certificate of {host} is not trusted: its issuer has the name of a trusted root, but another key; add the root that is in use now to the transport"
        ),
        (Some(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }), _) => {
            format!("the certificate of {host} is for another name")
        }
        (
            Some(
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. },
            ),
            _,
        ) => format!(
            "the certificate of {host} is expired or not valid yet: check this machine's clock, then the server"
        ),
        (Some(_), _) => format!("the certificate of {host} is not valid"),
        (None, _) if source.is_timeout() => format!("{host} did not answer in time"),
        (None, Some(io::ErrorKind::ConnectionRefused)) => format!("{host} refuses connections"),
        (None, _) if says(&source, "dns error") => format!("the name of {host} cannot be resolved"),
        (None, _) if says_tls(&source) => format!("TLS with {host} failed"),
        (None, _) if source.is_connect() => format!("no connection to {host}"),
        (None, _) => format!("the connection to {host} ended before its answer did"),
    };
    Error::new(ErrorKind::Unreachable, what).with_source(source.without_url())
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn StdError + 'static) = *error;
        // An io::Error that wraps another hides the wrapped one behind `get_ref`.
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
    .take(16)
}

fn certificate_fault(error: &::reqwest::Error) -> Option<&CertificateError> {
    causes(error).find_map(|it| match it.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::InvalidCertificate(fault)) => Some(fault),
        _ => None,
    })
}

fn io_fault(error: &::reqwest::Error) -> Option<io::ErrorKind> {
    causes(error).find_map(|it| it.downcast_ref::<io::Error>().map(io::Error::kind))
}

fn says_tls(error: &::reqwest::Error) -> bool {
    causes(error).any(|it| it.is::<rustls::Error>())
}

fn says(error: &::reqwest::Error, words: &str) -> bool {
    causes(error).any(|it| it.to_string().contains(words))
}
