//! What a platform says of its identities in variables.

use std::collections::BTreeMap;
use std::sync::Arc;

use acme_core::{Error, ErrorKind, Retry, Timestamp, Transport};
use async_trait::async_trait;

use super::{Chosen, Cloud, ManagedIdentity, WorkloadIdentity};
use crate::credentials::{AccessToken, Assertion, Fetch, Fetched};

/// The variables `AZURE_FEDERATED_TOKEN_FILE`, `AZURE_CLIENT_ID`, `AZURE_TENANT_ID` and `AZURE_AUTHORITY_HOST`, none of which is secret. Empty ones count
/// as absent.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// These variables and no others.
    pub fn new<N: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into().trim().to_owned()));
        Self(variables.filter(|(name, value)| KNOWN.contains(&name.as_str()) && !value.is_empty()).collect())
    }

    /// The variables of this process. Call it where the program begins.
    pub fn from_environment() -> Self {
        Self::new(
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// The identity that the platform gives: a workload's where it has put a token into a file, else a machine's. `chosen` and `tenant` come before the
    /// variables.
    ///
    /// # Errors
    /// `Malformed` when there is a token file and no client or no tenant.
    pub fn identity(
        &self,
        cloud: Cloud,
        chosen: Option<Chosen>,
        tenant: Option<&str>,
        transport: Arc<dyn Transport>,
    ) -> Result<Identity, Error> {
        let Some(file) = self.get(TOKEN_FILE) else {
            return Ok(Identity::Managed(ManagedIdentity::new(cloud, chosen, transport)));
        };
        let client = match chosen {
            Some(Chosen::Client(id)) => Some(id),
            Some(Chosen::Resource(_)) | None => self.get(CLIENT),
        };
        let (Some(client), Some(tenant)) = (client, tenant.map(ToOwned::to_owned).or_else(|| self.get(TENANT))) else {
            let what = format!(
                "{TOKEN_FILE} is set and {CLIENT} or {TENANT} is not: set them, or name both with the identity"
            );
            return Err(Error::new(ErrorKind::Malformed, what).with_retry(Retry::Never));
        };
        let identity = WorkloadIdentity::new(cloud, tenant, client, Assertion::file(file), transport);
        Ok(Identity::Workload(match self.get(AUTHORITY) {
            Some(authority) => identity.at(authority),
            None => identity,
        }))
    }

    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

/// An identity that a platform gives.
#[derive(Debug)]
#[non_exhaustive]
pub enum Identity {
    /// A workload's.
    Workload(WorkloadIdentity),
    /// A machine's.
    Managed(ManagedIdentity),
}

#[async_trait]
impl Fetch<AccessToken> for Identity {
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<AccessToken>, Error> {
        match self {
            Self::Workload(identity) => identity.fetch(now).await,
            Self::Managed(identity) => identity.fetch(now).await,
        }
    }
}

const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
const CLIENT: &str = "AZURE_CLIENT_ID";
const TENANT: &str = "AZURE_TENANT_ID";
const AUTHORITY: &str = "AZURE_AUTHORITY_HOST";
const KNOWN: &[&str] = &[TOKEN_FILE, CLIENT, TENANT, AUTHORITY];
