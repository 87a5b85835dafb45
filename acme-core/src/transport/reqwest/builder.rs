//! A transport to be set up.

use std::error::Error as StdError;
use std::fmt;
use std::net::IpAddr;
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
use super::anyone::Anyone;
use super::identity::Identity;
use super::route::{Alias, Route};
use crate::transport::Lookup;
use crate::{DnsName, Error, ErrorKind, Secret};

/// A [`ReqwestTransport`] to be set up.
#[derive(Debug, Clone)]
pub struct ReqwestTransportBuilder {
    roots: Vec<CertificateDer<'static>>,
    trust: Trust,
    identity: Option<Identity>,
    proxy: Proxy,
    route: Route,
    connections: Connections,
    connect_within: Duration,
    answer_within: Duration,
}

#[derive(Debug, Clone, Copy)]
enum Trust {
    System,
    Given,
    Anyone,
}

#[derive(Clone)]
enum Proxy {
    Never,
    Environment,
    Given(Box<::reqwest::Proxy>),
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Never => "Never",
            Self::Environment => "Environment",
            // Its URL may hold a password.
            Self::Given(_) => "Given(..)",
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connections {
    Reused,
    Fresh,
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

    /// Trusts whoever answers, with any certificate: **everybody on the way can read and change what is said**.
    ///
    /// This is for looking whether a server answers at all, and for those who were asked to by somebody who knows. What is secret must not be sent.
    #[must_use]
    pub fn dangerously_trust_anyone(mut self) -> Self {
        self.trust = Trust::Anyone;
        self
    }

    /// Asks `host`, a name or an address, for the certificate of `name`: for a server that is reached under another name than it has (cert-manager's
    /// `spec.vault.serverName`).
    ///
    /// The server sees `host` in the request and `name` in the handshake, over HTTP/1.1. One host of a transport can be named; it is not for proxies, which
    /// would be asked for `name`.
    ///
    /// # Errors
    /// `Malformed` when `name` is not a DNS name.
    pub fn server_name(mut self, host: impl Into<String>, name: &str) -> Result<Self, Error> {
        let name = DnsName::parse(name).map_err(|error| error.while_doing("the name of a server"))?;
        self.route.alias = Some(Alias { host: host.into(), name });
        Ok(self)
    }

    /// Finds the addresses of servers with `lookup`, not with the system's resolver.
    #[must_use]
    pub fn lookup(mut self, lookup: Arc<dyn Lookup>) -> Self {
        self.route.lookup = Some(lookup);
        self
    }

    /// Goes to no address but those for which `allows` is true: for URLs that somebody else wrote. IPv4 addresses in IPv6's clothes are undressed first.
    ///
    /// What a proxy connects to is the proxy's decision.
    #[must_use]
    pub fn only_addresses(mut self, allows: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        self.route.allows = Some(Arc::new(allows));
        self
    }

    /// Makes a connection for every request, as somebody would who asks for the first time.
    #[must_use]
    pub fn fresh_connections(mut self) -> Self {
        self.connections = Connections::Fresh;
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

    /// Goes through this proxy (`http://` or `https://`), except to the hosts that `direct` names in the form of `NO_PROXY`: names, which stand for what is
    /// below them too, addresses and networks, parted by commas.
    ///
    /// # Errors
    /// `Malformed` when `url` is not the URL of a proxy.
    pub fn proxy(mut self, url: &str, direct: &str) -> Result<Self, Error> {
        // A URL may hold a password: neither it nor what the parser says of it is repeated.
        let refused = || Error::new(ErrorKind::Malformed, "the proxy is not named by a URL of HTTP");
        let is_http = url.starts_with("http://") || url.starts_with("https://");
        let proxy = ::reqwest::Proxy::all(url).ok().filter(|_| is_http).ok_or_else(refused)?;
        self.proxy = Proxy::Given(Box::new(proxy.no_proxy(::reqwest::NoProxy::from_string(direct))));
        Ok(self)
    }

    /// How long a connection may take to be made (10 seconds).
    #[must_use]
    pub fn connect_within(mut self, limit: Duration) -> Self {
        self.connect_within = limit;
        self
    }

    /// How long a request may take in all (60 seconds, which is also the most that [`Transport`](crate::Transport) allows).
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
        tls.alpn_protocols = match self.route.alias {
            // In HTTP/2 there is no `Host` beside the name that is asked for.
            Some(_) => vec![b"http/1.1".to_vec()],
            None => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        };
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
            Proxy::Given(proxy) => client.no_proxy().proxy(*proxy),
        };
        let client = match self.connections {
            Connections::Reused => client,
            Connections::Fresh => client.pool_max_idle_per_host(0),
        };
        let client = if self.route.is_open() { client } else { client.dns_resolver(Arc::new(self.route.clone())) };
        let client = client.build().map_err(|source| {
            Error::new(ErrorKind::Internal, "the HTTP client cannot be set up").with_source(source)
        })?;
        Ok(ReqwestTransport { client, route: self.route })
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Error> {
        match self.trust {
            Trust::Anyone => Ok(Arc::new(Anyone(Arc::clone(provider)))),
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
            route: Route::default(),
            connections: Connections::Reused,
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
