//! Credentials for a role, by those of somebody who may assume it.

use std::fmt;
use std::sync::Arc;

use acme_core::{Error, Timestamp, Transport};
use async_trait::async_trait;

use super::sts::{self, Role};
use super::{Credentials, Endpoint};
use crate::credentials::{CredentialSource, Fetch, Fetched};

/// Assumes a role with the credentials of another source.
pub struct AssumeRole {
    role: Role,
    source: Arc<dyn CredentialSource<Credentials>>,
    sts: Endpoint,
    transport: Arc<dyn Transport>,
}

impl AssumeRole {
    /// Assumes `role` at `sts` ([`sts::endpoint`]) with the credentials of `source`.
    pub fn new(
        role: Role,
        source: Arc<dyn CredentialSource<Credentials>>,
        sts: Endpoint,
        transport: Arc<dyn Transport>,
    ) -> Self {
        Self { role, source, sts, transport }
    }
}

#[async_trait]
impl Fetch<Credentials> for AssumeRole {
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<Credentials>, Error> {
        sts::assume(&self.sts, &self.role, self.source.as_ref(), self.transport.as_ref(), now).await
    }
}

impl fmt::Debug for AssumeRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumeRole").field("role", &self.role).field("sts", &self.sts).finish_non_exhaustive()
    }
}
