//! A keeper and the port it serves on, as a program has them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use acme_core::Store;
use certstore::keeper::{Builder, Events, Happening};
use certstore::{Acceptor, FileStore, Keeper, Listener, Resolver, provider};
use issuers::{Issuer, Timer};
use solvers::tls_alpn01::TlsAlpn01;
use solvers::{Answers, Selector, Solvers};
use testkit::servers::Pebble;
use tokio::io::AsyncWriteExt as _;

use crate::issuer;

/// Where certificates are served, and where validators of TLS-ALPN-01 are answered.
pub(crate) struct Port {
    /// What is served.
    pub(crate) resolver: Arc<Resolver>,
    /// What validators are shown.
    pub(crate) answers: Answers,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Port {
    /// Listens where the validator of `pebble` calls. Clients are told nothing, politely.
    pub(crate) async fn open(pebble: &Pebble) -> Self {
        let (resolver, answers) = (Arc::new(Resolver::new(provider())), Answers::new());
        let config = resolver.server_config(&[]).expect("a configuration");
        let acceptor = Acceptor::new(config).answering(answers.clone(), provider()).expect("an acceptor");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, pebble.tls_port()));
        let mut listener = Listener::bind(address, acceptor).await.expect("the validator's port");
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await;
                tokio::spawn(async move { stream.shutdown().await });
            }
        });
        Self { resolver, answers, address }
    }

    /// An issuer at `pebble` that proves names here, with its account in `store`.
    pub(crate) fn issuer(&self, pebble: &Pebble, store: Arc<dyn Store>) -> Arc<dyn Issuer> {
        let solvers = Solvers::new().with("tls", TlsAlpn01::new(self.answers.clone()), Selector::any());
        Arc::new(issuer::builder(pebble, solvers, store).build().expect("an issuer"))
    }

    /// A keeper over a folder that serves here.
    pub(crate) async fn keeper(&self, pebble: &Pebble, folder: &Path, timer: impl Timer + 'static) -> Builder {
        let store = FileStore::open(folder).await.expect("a store");
        let issuer = self.issuer(pebble, Arc::new(store.clone()));
        Keeper::builder(Arc::new(store), [issuer], Arc::new(timer)).serve(self.resolver.clone()).node("test")
    }
}

/// Waits for something to happen.
pub(crate) async fn until(events: &mut Events, wanted: impl Fn(&Happening) -> bool) -> Happening {
    loop {
        let happened = events.next().await.expect("the keeper runs").event.what;
        if wanted(&happened) {
            return happened;
        }
    }
}
