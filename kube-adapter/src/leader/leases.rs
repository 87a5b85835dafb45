//! Reading and writing one Lease: the port of the election to the API server.

use acme_core::{Clock, Error, ErrorKind, Retry, text};
use async_trait::async_trait;
use issuers::TokioTimer;
use k8s_openapi::api::coordination::v1 as api;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use super::lease::{Change, Lease, Record};
use crate::limits;

/// One Lease, wherever it is kept.
///
/// # Contract
/// 1. `create` makes it only where there is none, `patch` changes it only where it still has the version; otherwise `Conflict`, and nothing happened.
/// 2. Every other error may hide a success.
/// 3. Fields that a [`Change`] does not name stay as they are.
#[async_trait]
pub trait Leases: Send + Sync {
    /// The Lease as it stands; `None` when there is none.
    ///
    /// # Errors
    /// What the server says.
    async fn read(&self) -> Result<Option<Lease>, Error>;

    /// Makes it.
    ///
    /// # Errors
    /// `Conflict` when it exists; otherwise what the server says.
    async fn create(&self, change: &Change) -> Result<Lease, Error>;

    /// Changes it.
    ///
    /// # Errors
    /// `Conflict` when its version is another or it is gone; otherwise what the server says.
    async fn patch(&self, version: &str, change: &Change) -> Result<Lease, Error>;
}

/// A Lease of `coordination.k8s.io/v1`.
#[derive(Clone)]
pub struct KubeLease {
    leases: Api<api::Lease>,
    namespace: String,
    name: String,
}

impl KubeLease {
    /// The Lease called `name` in `namespace`.
    pub fn new(client: Client, namespace: &str, name: &str) -> Self {
        Self { leases: Api::namespaced(client, namespace), namespace: namespace.to_owned(), name: name.to_owned() }
    }

    fn read_out(&self, lease: &api::Lease) -> Result<Lease, Error> {
        let version = lease.metadata.resource_version.clone().ok_or_else(|| {
            Error::new(
                ErrorKind::Malformed,
                format!("the lease {}/{} has no resourceVersion", self.namespace, self.name),
            )
        })?;
        Ok(Lease { version, record: lease.spec.as_ref().map(Record::read).unwrap_or_default() })
    }

    fn explain(&self, doing: &str, error: kube::Error) -> Error {
        let lease = format!("{doing} the lease {}/{}", self.namespace, self.name);
        let kube::Error::Api(status) = error else {
            let what = format!("{lease}: no answer of the API server");
            return Error::new(ErrorKind::Unreachable, what).with_source(error);
        };
        let (kind, hint) = match status.code {
            401 | 403 => (ErrorKind::Unauthorized, "; leases need get, create and patch in that namespace"),
            404 => (ErrorKind::NotFound, "; make the namespace, or name another with --leader-election-namespace"),
            409 => (ErrorKind::Conflict, ""),
            429 | 500..=599 => (ErrorKind::Busy, ""),
            _ => (ErrorKind::Refused, ""),
        };
        let said = text::printable(&status.message, limits::TEXT);
        Error::new(kind, format!("{lease}: {said}{hint}")).with_retry(Retry::Backoff)
    }
}

#[async_trait]
impl Leases for KubeLease {
    async fn read(&self) -> Result<Option<Lease>, Error> {
        let found = self.leases.get_opt(&self.name).await.map_err(|error| self.explain("reading", error))?;
        found.map(|lease| self.read_out(&lease)).transpose()
    }

    async fn create(&self, change: &Change) -> Result<Lease, Error> {
        let body = json!({ "metadata": { "name": self.name }, "spec": change.spec(TokioTimer.now()) });
        let lease: api::Lease = serde_json::from_value(body).map_err(|source| {
            Error::new(ErrorKind::Internal, "a lease could not be put into words").with_source(source)
        })?;
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let made = self.leases.create(&params, &lease).await.map_err(|error| self.explain("making", error))?;
        self.read_out(&made)
    }

    async fn patch(&self, version: &str, change: &Change) -> Result<Lease, Error> {
        let body = json!({ "metadata": { "resourceVersion": version }, "spec": change.spec(TokioTimer.now()) });
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        match self.leases.patch(&self.name, &params, &Patch::Merge(body)).await {
            Ok(lease) => self.read_out(&lease),
            Err(kube::Error::Api(status)) if status.code == 404 => {
                Err(Error::new(ErrorKind::Conflict, format!("the lease {}/{} is gone", self.namespace, self.name)))
            }
            Err(error) => Err(self.explain("patching", error)),
        }
    }
}

/// The name that stands at the Lease's fields; cert-manager's own is that of its binary.
const FIELD_MANAGER: &str = "cert-manager-leader-election";
