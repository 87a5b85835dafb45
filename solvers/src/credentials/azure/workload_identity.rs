//! A token that a platform signed for a workload, exchanged: workload identity on AKS, and any OpenID provider that the app registration trusts.

use std::fmt;
use std::sync::Arc;

use acme_core::{Error, Timestamp, Transport};
use async_trait::async_trait;

use super::Cloud;
use super::client_secret::token_url;
use crate::credentials::{AccessToken, Assertion, Fetch, Fetched, oauth};
use crate::uri::encoded;

/// Logs in with a federated credential.
pub struct WorkloadIdentity {
    cloud: Cloud,
    authority: String,
    tenant: String,
    client: String,
    assertion: Assertion,
    transport: Arc<dyn Transport>,
}

impl WorkloadIdentity {
    /// The app registration or user-assigned identity `client` (its client id) of `tenant`.
    pub fn new(
        cloud: Cloud,
        tenant: impl Into<String>,
        client: impl Into<String>,
        assertion: Assertion,
        transport: Arc<dyn Transport>,
    ) -> Self {
        let (tenant, client) = (tenant.into(), client.into());
        Self { cloud, authority: cloud.authority().to_owned(), tenant, client, assertion, transport }
    }

    /// Asks at `authority` instead.
    #[must_use]
    pub fn at(mut self, authority: impl Into<String>) -> Self {
        self.authority = authority.into();
        self
    }
}

#[async_trait]
impl Fetch<AccessToken> for WorkloadIdentity {
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<AccessToken>, Error> {
        let what = format!("a token of Microsoft Entra for the workload's identity {}", self.client);
        let assertion = self.assertion.text(now).await.map_err(|error| error.while_doing(&what))?;
        let assertion = assertion.expose();
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion),
            ("scope", &self.cloud.scope()),
        ];
        let request = oauth::form(&token_url(&self.authority, &self.tenant), &fields)?;
        oauth::token(&what, request, &[assertion, &encoded(assertion)], self.transport.as_ref(), now).await
    }
}

impl fmt::Debug for WorkloadIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WorkloadIdentity");
        debug.field("tenant", &self.tenant).field("client", &self.client).field("assertion", &self.assertion);
        debug.finish_non_exhaustive()
    }
}
