//! A TCP port that hands out finished TLS connections only.

use std::io;
use std::net::SocketAddr;

use acme_core::{Error, ErrorKind};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::task::JoinSet;
use tokio_rustls::server::TlsStream;

use crate::acceptor::{Accepted, Acceptor};

/// Accepts connections and does their handshakes side by side, so that a client that says nothing keeps nobody waiting.
///
/// [`accept`](Self::accept) hands out connections whose handshake is done; validators are served and never handed out. At most
/// [`with_limit`](Self::with_limit) handshakes are under way at once, each under the acceptor's time limit; more clients wait in the kernel's queue. With feature `axum`
/// it can be given to `axum::serve`; for hyper, call [`accept`](Self::accept) in a loop.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    acceptor: Acceptor,
    handshakes: JoinSet<Finished>,
    limit: usize,
}

type Finished = (Result<Accepted<TcpStream>, Error>, SocketAddr);

impl Listener {
    /// Binds an address.
    ///
    /// # Errors
    /// `Conflict` when the port is in use, `Unauthorized` when this user may not bind it, `Unsupported` when the address is none of this machine's.
    pub async fn bind(address: impl ToSocketAddrs + std::fmt::Debug, acceptor: Acceptor) -> Result<Self, Error> {
        match TcpListener::bind(&address).await {
            Ok(tcp) => Ok(Self::over(tcp, acceptor)),
            Err(source) => Err(bind_error(&address, source)),
        }
    }

    /// Accepts on a socket that is bound already.
    pub fn over(tcp: TcpListener, acceptor: Acceptor) -> Self {
        Self { tcp, acceptor, handshakes: JoinSet::new(), limit: HANDSHAKES }
    }

    /// Bounds the handshakes that are under way at once; 1,024 unless told.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit.max(1);
        self
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// The next connection whose handshake is done. It may be dropped and called again at any time; nothing is lost.
    pub async fn accept(&mut self) -> (TlsStream<TcpStream>, SocketAddr) {
        loop {
            tokio::select! {
                biased;
                Some(finished) = self.handshakes.join_next() => {
                    if let Some(accepted) = admit(finished) {
                        return accepted;
                    }
                }
                accepted = self.tcp.accept(), if self.handshakes.len() < self.limit => match accepted {
                    Ok((stream, peer)) => self.begin(stream, peer),
                    Err(error) if is_about_one_connection(&error) => {}
                    Err(error) => {
                        tracing::error!(%error, "no connection can be accepted for now");
                        pause().await;
                    }
                },
            }
        }
    }

    fn begin(&mut self, stream: TcpStream, peer: SocketAddr) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY is not set");
        }
        let acceptor = self.acceptor.clone();
        self.handshakes.spawn(async move { (acceptor.accept(stream).await, peer) });
    }
}

#[cfg(feature = "axum")]
impl axum::serve::Listener for Listener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        Self::accept(self).await
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Self::local_addr(self)
    }
}

fn admit(finished: Result<Finished, tokio::task::JoinError>) -> Option<(TlsStream<TcpStream>, SocketAddr)> {
    match finished {
        Ok((Ok(Accepted::Client(stream)), peer)) => Some((stream, peer)),
        Ok((Ok(Accepted::Validator), peer)) => {
            tracing::debug!(%peer, "a validator was answered");
            None
        }
        Ok((Err(error), peer)) => {
            tracing::debug!(%peer, %error, "a handshake failed");
            None
        }
        Err(error) => {
            tracing::error!(%error, "a handshake panicked");
            None
        }
    }
}

/// Errors of `accept` that say nothing about the next one (accept(2)).
fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Too many open files, as a rule: some will be closed.
#[expect(clippy::disallowed_methods, reason = "the edge to the operating system, which names no time")]
async fn pause() {
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
}

fn bind_error(address: &dyn std::fmt::Debug, source: io::Error) -> Error {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the kinds of std are open, and most say nothing about who must act"
    )]
    let (kind, advice) = match source.kind() {
        io::ErrorKind::AddrInUse => {
            (ErrorKind::Conflict, ": the port is in use; stop the other process or choose another port")
        }
        io::ErrorKind::PermissionDenied => {
            (ErrorKind::Unauthorized, ": this user may not; ports below 1024 need CAP_NET_BIND_SERVICE")
        }
        io::ErrorKind::AddrNotAvailable => (ErrorKind::Unsupported, ": no interface of this machine has the address"),
        _ => (ErrorKind::Internal, ""),
    };
    Error::new(kind, format!("could not listen on {address:?}{advice}")).with_source(source)
}

const HANDSHAKES: usize = 1024;
