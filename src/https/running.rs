//! A service with HTTPS, while it runs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::{Error, Retry};
use certstore::keeper::{Events, Happening, Status};
use certstore::{Acceptor, Keeper, Listener, Resolver, Spec};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use solvers::Answers;
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::task::AbortHandle;

use super::gate::Gate;

/// A service with HTTPS, while it runs: made by [`Https::start`](super::Https::start). Clones share it; it ends with [`shutdown`](Self::shutdown), or with the last of them.
#[derive(Clone)]
pub struct Running(Arc<Parts>);

pub(super) struct Parts {
    pub(super) keeper: Keeper,
    pub(super) resolver: Arc<Resolver>,
    pub(super) answers: Answers,
    pub(super) gate: Gate,
    pub(super) provider: Arc<CryptoProvider>,
    pub(super) spec: Spec,
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
    /// `Conflict` when the port is in use, `Unauthorized` when this user may not bind it, and what the store says.
    pub async fn listen(&self, address: impl ToSocketAddrs + fmt::Debug) -> Result<Listener, Error> {
        let listener = Listener::bind(address, self.acceptor()?).await?;
        self.served().await?;
        Ok(listener)
    }

    /// As [`listen`](Self::listen), on a socket that is bound already.
    ///
    /// # Errors
    /// What the store says.
    pub async fn listen_on(&self, socket: TcpListener) -> Result<Listener, Error> {
        let listener = Listener::over(socket, self.acceptor()?);
        self.served().await?;
        Ok(listener)
    }

    /// What accepts connections for [`listen`](Self::listen): for streams of your own. Issuing begins with the first call.
    ///
    /// # Errors
    /// What the store says.
    pub async fn accept_with(&self) -> Result<Acceptor, Error> {
        let acceptor = self.acceptor()?;
        self.served().await?;
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

    /// Waits until the certificate is there.
    ///
    /// # Errors
    /// The failure of an attempt that no repetition can mend: somebody must act. Other failures are waited out.
    pub async fn ready(&self) -> Result<(), Error> {
        let mut events = self.events();
        loop {
            let status = self.status(&self.0.spec.name).await?;
            if status.is_some_and(|it| it.serving.is_some()) {
                return Ok(());
            }
            match events.next().await.map(|notice| notice.event) {
                Some(event) if event.name == self.0.spec.name => {
                    if let Happening::Failed { fault, .. } = event.what
                        && fault.retry == Retry::Never
                    {
                        return Err(fault.to_error());
                    }
                }
                Some(_) => {}
                None => return Err(Error::new(acme_core::ErrorKind::Internal, "the keeper was shut down")),
            }
        }
    }

    /// How a certificate stands: what is done next, when, and why.
    ///
    /// # Errors
    /// What the store says.
    pub async fn status(&self, name: &str) -> Result<Option<Status>, Error> {
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

    pub(super) async fn ensure(&self) -> Result<(), Error> {
        self.0.keeper.ensure(self.0.spec.clone()).await
    }

    fn acceptor(&self) -> Result<Acceptor, Error> {
        Acceptor::new(self.server_config()?).answering(self.0.answers.clone(), Arc::clone(&self.0.provider))
    }

    async fn served(&self) -> Result<(), Error> {
        self.0.gate.open();
        self.ensure().await
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("certificate", &self.0.spec.name).finish_non_exhaustive()
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        if let Some(listener) = &self.http01 {
            listener.abort();
        }
    }
}
