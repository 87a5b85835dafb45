//! The ACME servers of this process: one directory and one pace for each URL and trust, shared by all accounts there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use acme_core::protocol::Url;
use acme_core::transport::ReqwestTransport;
use acme_core::{Clock, Directory, Error, ErrorKind, Store, hash};
use issuers::Renewal;
use issuers::acme::RenewalQuestions;
use issuers::acme::pace::Pace;

use super::renewals::Renewals;
use crate::crd::acme::AcmeIssuer;
use crate::metrics::Metrics;

/// The ACME servers of this process.
pub(crate) struct Servers {
    clock: Arc<dyn Clock>,
    embargoes: Option<Arc<dyn Store>>,
    metrics: Metrics,
    known: Mutex<HashMap<Trust, Server>>,
}

/// One of them.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) directory: Directory,
    pub(crate) pace: Arc<Pace>,
    pub(crate) renewals: Arc<dyn Renewal>,
}

/// Which server, and who vouches for it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Trust {
    url: String,
    roots: [u8; 32],
    anyone: bool,
}

impl Servers {
    /// None is known yet. Pauses that they ask for are kept in `embargoes`, where there is a store.
    pub(crate) fn new(clock: Arc<dyn Clock>, embargoes: Option<Arc<dyn Store>>) -> Self {
        Self { clock, embargoes, metrics: Metrics::default(), known: Mutex::default() }
    }

    /// Counts requests to them there.
    pub(crate) fn counted_in(mut self, metrics: &Metrics) -> Self {
        self.metrics = metrics.clone();
        self
    }

    /// Where calls to others are counted.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The server that a spec names.
    ///
    /// # Errors
    /// `Malformed` when its URL or its certificates cannot be read.
    pub(crate) fn of(&self, spec: &AcmeIssuer) -> Result<Server, Error> {
        let trust = Trust {
            url: spec.server.clone(),
            roots: hash::sha256(spec.ca_bundle.as_slice()),
            anyone: spec.skip_tls_verify,
        };
        if let Some(server) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&trust) {
            return Ok(server.clone());
        }
        let url = Url::parse(&spec.server)?;
        let pace = match &self.embargoes {
            Some(store) => {
                Pace::kept_in(Arc::clone(store), EMBARGOES, &url, Arc::clone(&self.clock))?.storing_from(DURABLE)
            }
            None => Pace::in_memory(Arc::clone(&self.clock)).knowing(&url),
        };
        let transport = self.metrics.counting(Arc::new(transport(spec)?));
        let directory = Directory::new(url, transport, Arc::clone(&self.clock));
        let (directory, pace) = (directory.with_user_agent(PROGRAM), Arc::new(pace));
        let questions = RenewalQuestions::new(directory.clone(), Arc::clone(&pace), Arc::clone(&self.clock));
        let server = Server { directory, pace, renewals: Arc::new(Renewals(questions)) };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(known.entry(trust).or_insert(server).clone())
    }
}

fn transport(spec: &AcmeIssuer) -> Result<ReqwestTransport, Error> {
    let mut builder = ReqwestTransport::builder().proxy_from_environment();
    if spec.ca_bundle.is_unreadable() {
        return Err(Error::new(ErrorKind::Malformed, "spec.acme.caBundle is no base64"));
    }
    if !spec.ca_bundle.is_empty() {
        let named = |error: Error| error.while_doing("spec.acme.caBundle");
        builder = builder.add_root_pem(spec.ca_bundle.as_slice()).map_err(named)?.only_given_roots();
    }
    if spec.skip_tls_verify {
        builder = builder.dangerously_trust_anyone();
    }
    builder.build()
}

const PROGRAM: &str = concat!("certwright-operator/", env!("CARGO_PKG_VERSION"));

/// Where pauses are kept in the store.
const EMBARGOES: &str = "embargoes";

/// Shorter pauses are forgotten with the process: they are over before another one asks.
const DURABLE: std::time::Duration = std::time::Duration::from_secs(60);
