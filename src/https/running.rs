//! A service with HTTPS, while it runs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::Error;
use certstore::keeper::{Events, Status};
use certstore::{Acceptor, Keeper, Listener, Resolver};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use solvers::Answers;
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::task::AbortHandle;

/// A service with HTTPS, while it runs: made by [`Https::start`](super::Https::start). Clones share it; it ends with [`shutdown`](Self::shutdown), or with the last of them.
#[derive(Clone)]
pub struct Running(Arc<Parts>);

pub(super) struct Parts {
    pub(super) keeper: Keeper,
    pub(super) resolver: Arc<Resolver>,
    pub(super) answers: Answers,
    pub(super) provider: Arc<CryptoProvider>,
    pub(super) certificate: String,
    pub(super) protocols: Vec<Vec<u8>>,
    pub(super) http01: Option<AbortHandle>,
}

impl Running {
    pub(super) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Binds an address and begins to issue. Give the listener to `axum::serve`, or accept from it.
    ///
    /// # Errors
    /// `Conflict` when the port is in use, `Unauthorized` when this user may not bind it.
    pub async fn listen(&self, address: impl ToSocketAddrs + fmt::Debug) -> Result<Listener, Error> {
        let listener = Listener::bind(address, self.assemble()?).await?;
        self.0.keeper.begin();
        Ok(listener)
    }

    /// As [`listen`](Self::listen), on a socket that is bound already.
    ///
    /// # Errors
    /// `Unsupported` when the provider has no usable version of TLS.
    pub fn listen_on(&self, socket: TcpListener) -> Result<Listener, Error> {
        let listener = Listener::over(socket, self.assemble()?);
        self.0.keeper.begin();
        Ok(listener)
    }

    /// What accepts connections for [`listen`](Self::listen): for streams of your own. It answers validators; issuing begins with the first call.
    ///
    /// # Errors
    /// `Unsupported` when the provider has no usable version of TLS.
    pub fn acceptor(&self) -> Result<Acceptor, Error> {
        let acceptor = self.assemble()?;
        self.0.keeper.begin();
        Ok(acceptor)
    }

    /// A configuration for rustls that always serves the newest certificate. It does not answer validators: use it beside
    /// [`listen`](Self::listen), or with HTTP-01 or a solver of your own.
    ///
    /// # Errors
    /// `Unsupported` when the provider has no usable version of TLS.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, Error> {
        let protocols: Vec<&[u8]> = self.0.protocols.iter().map(Vec::as_slice).collect();
        self.0.resolver.server_config(&protocols)
    }

    /// Waits until whoever connects is served the certificate.
    ///
    /// # Errors
    /// As [`Keeper::ready`]: the failure of an attempt that no repetition can mend, or that it cannot be served: somebody must act. Other failures are waited out.
    pub async fn ready(&self) -> Result<(), Error> {
        self.0.keeper.ready(&self.0.certificate).await
    }

    /// How a certificate stands: what is done next, when, and why.
    ///
    /// # Errors
    /// `NotFound` when nothing of this name is kept, and what the store says.
    pub async fn status(&self, name: &str) -> Result<Status, Error> {
        self.0.keeper.status(name).await
    }

    /// What happens from now on.
    pub fn events(&self) -> Events {
        self.0.keeper.events()
    }

    /// The keeper: more certificates, forgetting, renewing now.
    pub fn keeper(&self) -> &Keeper {
        &self.0.keeper
    }

    /// The resolver: what is served under which name.
    pub fn resolver(&self) -> &Arc<Resolver> {
        &self.0.resolver
    }

    /// Stops, and leaves every order resumable. Waits no longer than `limit` for what is under way.
    pub async fn shutdown(&self, limit: Duration) {
        if let Some(listener) = &self.0.http01 {
            listener.abort();
        }
        self.0.keeper.shutdown(limit).await;
    }

    fn assemble(&self) -> Result<Acceptor, Error> {
        Acceptor::new(self.server_config()?).answering(self.0.answers.clone(), Arc::clone(&self.0.provider))
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("certificate", &self.0.certificate).finish_non_exhaustive()
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        if let Some(listener) = &self.http01 {
            listener.abort();
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let keeper = self.keeper.clone();
            runtime.spawn(async move { keeper.shutdown(Duration::ZERO).await });
        }
    }
}
