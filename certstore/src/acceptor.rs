//! Accepts TLS connections: answers validators itself, and leaves the rest to the user's configuration.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use acme_core::{Error, ErrorKind};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{Acceptor as RustlsAcceptor, ClientHello};
use solvers::Answers;
use solvers::tls_alpn01::{Responder, is_challenge};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

/// Accepts TLS connections on streams of any kind.
///
/// The configuration is chosen after the client's first message. A validator of TLS-ALPN-01 gets its certificate from the table of answers, under a
/// configuration without client certificates and with no other protocol; it is served and its connection closed. Anybody else gets
/// the user's configuration. Clones share everything.
#[derive(Clone)]
pub struct Acceptor(Arc<Parts>);

struct Parts {
    choose: Box<Choose>,
    challenges: Option<Challenges>,
    limit: Duration,
}

/// Who answers validators, and the configuration with which it does so from a table of this process.
#[derive(Clone)]
struct Challenges(Arc<Responder>, Arc<ServerConfig>);

type Choose = dyn Fn(&ClientHello<'_>) -> Option<Arc<ServerConfig>> + Send + Sync;

/// Who connected.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_enums,
    clippy::large_enum_variant,
    reason = "there is nobody else, and the large one is the rule"
)]
pub enum Accepted<S> {
    /// A client; the handshake is done.
    Client(TlsStream<S>),
    /// A validator, who has seen what it came for; the connection is closed.
    Validator,
}

impl Acceptor {
    /// Serves every client with `config`. Add [`answering`](Self::answering) to prove names on this port.
    pub fn new(config: Arc<ServerConfig>) -> Self {
        Self::choosing(move |_| Some(Arc::clone(&config)))
    }

    /// Serves each client with the configuration that `choose` names after its first message; `None` refuses it with an alert.
    pub fn choosing(choose: impl Fn(&ClientHello<'_>) -> Option<Arc<ServerConfig>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(Parts { choose: Box::new(choose), challenges: None, limit: HANDSHAKE }))
    }

    /// Answers validators of TLS-ALPN-01 from `answers`: give the same table to the solver `TlsAlpn01`.
    ///
    /// # Errors
    /// `Unsupported` when the provider has no usable version of TLS.
    pub fn answering(self, answers: Answers, provider: Arc<CryptoProvider>) -> Result<Self, Error> {
        let responder = Arc::new(Responder::new(answers, provider));
        let config = responder.server_config()?;
        Ok(self.change(|parts| parts.challenges = Some(Challenges(responder, config))))
    }

    /// Gives up on handshakes after `limit`; ten seconds unless told.
    #[must_use]
    pub fn with_time_limit(self, limit: Duration) -> Self {
        self.change(|parts| parts.limit = limit)
    }

    /// Does the handshake.
    ///
    /// # Errors
    /// `Unreachable` when the client went away or took too long, `Refused` when the handshake failed: nobody agreed on a certificate, a version or a protocol.
    pub async fn accept<S>(&self, stream: S) -> Result<Accepted<S>, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        match tokio::time::timeout(self.0.limit, self.handshake(stream)).await {
            Ok(Ok(accepted)) => Ok(accepted),
            Ok(Err(source)) => Err(handshake_error(source)),
            Err(_) => Err(Error::new(
                ErrorKind::Unreachable,
                format!("the client did not finish its handshake within {:?}", self.0.limit),
            )),
        }
    }

    async fn handshake<S>(&self, stream: S) -> io::Result<Accepted<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let start = LazyConfigAcceptor::new(RustlsAcceptor::default(), stream).await?;
        let hello = start.client_hello();
        if let Some(Challenges(responder, config)) = self.0.challenges.as_ref().filter(|_| is_challenge(&hello)) {
            let mut config = Arc::clone(config);
            let name = hello.server_name().filter(|_| responder.is_shared()).map(ToOwned::to_owned);
            if let Some(name) = name
                && let Some(found) = responder.server_config_for(&name).await.map_err(io::Error::other)?
            {
                config = found;
            }
            let mut stream = start.into_stream(config).await?;
            stream.shutdown().await?;
            return Ok(Accepted::Validator);
        }
        match (self.0.choose)(&hello) {
            Some(config) => start.into_stream(config).await.map(Accepted::Client),
            None => {
                // An alert, not silence: a TLS alert record, fatal, unrecognized_name (RFC 6066 section 3).
                let mut stream = start.io;
                stream.write_all(&[21, 3, 3, 0, 2, 2, 112]).await?;
                stream.shutdown().await?;
                Err(io::Error::new(io::ErrorKind::InvalidInput, "no configuration for this client"))
            }
        }
    }

    fn change(self, change: impl FnOnce(&mut Parts)) -> Self {
        let mut parts = match Arc::try_unwrap(self.0) {
            Ok(parts) => parts,
            // Clones go on as they were made.
            Err(shared) => {
                let challenges = shared.challenges.clone();
                let limit = shared.limit;
                Parts { choose: Box::new(move |hello| (shared.choose)(hello)), challenges, limit }
            }
        };
        change(&mut parts);
        Self(Arc::new(parts))
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor")
            .field("answers_validators", &self.0.challenges.is_some())
            .field("limit", &self.0.limit)
            .finish_non_exhaustive()
    }
}

fn handshake_error(source: io::Error) -> Error {
    let refused = matches!(source.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput);
    if refused {
        Error::new(ErrorKind::Refused, "the TLS handshake failed").with_source(source)
    } else {
        Error::new(ErrorKind::Unreachable, "the client went away during the TLS handshake").with_source(source)
    }
}

/// As long as a slow mobile client needs, and no longer.
const HANDSHAKE: Duration = Duration::from_secs(10);
