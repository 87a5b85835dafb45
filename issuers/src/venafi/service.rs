//! What the three services have in common.

use std::fmt;
use std::sync::Arc;

use acme_core::protocol::RevocationReason;
use acme_core::{Clock, Error, ErrorKind, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use rustls_pki_types::CertificateDer;

use super::cloud::{self, Cloud};
use super::ngts::Ngts;
use super::order::Order;
use super::state::Fingerprint;
use super::tpp::{self, Tpp};
use super::zone::Zone;

/// One of the services.
#[derive(Debug)]
#[non_exhaustive]
pub enum Service {
    /// Trust Protection Platform.
    Tpp(Tpp),
    /// TLS Protect Cloud.
    Cloud(Cloud),
    /// Next-Gen Trust Security.
    Ngts(Ngts),
}

impl Service {
    pub(super) fn connect(
        self,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<dyn Platform>, Error> {
        Ok(match self {
            Self::Tpp(settings) => Arc::new(tpp::Folder::new(settings, transport, clock)?),
            Self::Cloud(settings) => Arc::new(cloud::Tenant::cloud(settings, transport, clock)?),
            Self::Ngts(settings) => Arc::new(cloud::Tenant::ngts(settings, transport, clock)?),
        })
    }
}

impl From<Tpp> for Service {
    fn from(settings: Tpp) -> Self {
        Self::Tpp(settings)
    }
}

impl From<Cloud> for Service {
    fn from(settings: Cloud) -> Self {
        Self::Cloud(settings)
    }
}

impl From<Ngts> for Service {
    fn from(settings: Ngts) -> Self {
        Self::Ngts(settings)
    }
}

/// A service, reached.
#[async_trait]
pub(super) trait Platform: fmt::Debug + Send + Sync {
    /// Does everything that comes before the request itself: nothing of it is irreversible.
    async fn prepare(&self, order: &Order<'_>) -> Result<Bytes, Error>;

    /// Hands the request in. Answers the name under which the certificate is picked up.
    async fn submit(&self, request: &Bytes) -> Result<String, Error>;

    /// The certificate for the same key that a renewal may be confused with: the one that is there before the request is handed in.
    /// Asked for after [`prepare`](Self::prepare), as a failure that lies on an object hides its certificate.
    async fn present(&self, _: &Order<'_>) -> Result<Option<Fingerprint>, Error> {
        Ok(None)
    }

    /// Whether the service can be asked for a request whose answer did not come.
    fn can_find(&self) -> bool {
        false
    }

    /// Looks for a request that may have been handed in. `old` is what was there before.
    async fn find(&self, _: &Order<'_>, _old: Option<&Fingerprint>) -> Result<Found, Error> {
        Ok(Found::Nothing)
    }

    /// Asks once what became of a request.
    async fn look(&self, pickup: &str) -> Result<Look, Error>;

    /// Starts a request again that got stuck.
    async fn restart(&self, pickup: &str) -> Result<(), Error>;

    async fn zone(&self) -> Result<Zone, Error>;

    fn can_revoke(&self) -> bool {
        false
    }

    async fn revoke(&self, _: &CertificateDer<'_>, _: Option<RevocationReason>) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Unsupported, "this service does not revoke over the interface that is used here"))
    }
}

/// Whether a request was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// It was. The name under which the certificate is picked up.
    Request(String),
    /// The service shows the certificate from before, as it does for a moment after a request too.
    Old,
    /// Not that the service knew.
    Nothing,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    /// The certificate and its chain, in PEM.
    Issued(Vec<u8>),
    /// Not yet, and what the service says of it.
    Pending(String),
    /// Not before it is started again, and what the service says of it.
    Stuck(String),
    /// Never, and what the service says of it.
    Failed(String),
}
