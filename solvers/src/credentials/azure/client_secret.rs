//! A service principal with a secret.

use std::fmt;
use std::sync::Arc;

use acme_core::{Error, ErrorKind, Secret, Timestamp, Transport};
use async_trait::async_trait;

use super::Cloud;
use crate::credentials::{AccessToken, CredentialSource, Fetch, Fetched, oauth};
use crate::uri::encoded;

/// Logs in with the secret of an app registration. A secret that was refused is asked for once more, so that a rotated one is picked up.
pub struct ClientSecret {
    cloud: Cloud,
    authority: String,
    tenant: String,
    client: String,
    secret: Arc<dyn CredentialSource<Secret<String>>>,
    transport: Arc<dyn Transport>,
}

impl ClientSecret {
    /// The app registration `client` (its application id) of `tenant`.
    pub fn new(
        cloud: Cloud,
        tenant: impl Into<String>,
        client: impl Into<String>,
        secret: Arc<dyn CredentialSource<Secret<String>>>,
        transport: Arc<dyn Transport>,
    ) -> Self {
        let (tenant, client) = (tenant.into(), client.into());
        Self { cloud, authority: cloud.authority().to_owned(), tenant, client, secret, transport }
    }

    /// Asks at `authority` instead.
    #[must_use]
    pub fn at(mut self, authority: impl Into<String>) -> Self {
        self.authority = authority.into();
        self
    }
}

#[async_trait]
impl Fetch<AccessToken> for ClientSecret {
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<AccessToken>, Error> {
        let url = token_url(&self.authority, &self.tenant);
        let what = format!("a token of Microsoft Entra for the client {}", self.client);
        let mut has_second_try = true;
        loop {
            let secret = self.secret.credential(now).await.map_err(|error| error.while_doing(&what))?;
            let secret = secret.expose().trim();
            let fields = [
                ("grant_type", "client_credentials"),
                ("client_id", &self.client),
                ("client_secret", secret),
                ("scope", &self.cloud.scope()),
            ];
            let request = oauth::form(&url, &fields)?;
            let secrets = [secret, &encoded(secret)];
            match oauth::token(&what, request, &secrets, self.transport.as_ref(), now).await {
                Err(error) if error.kind() == ErrorKind::Unauthorized => {
                    self.secret.rejected();
                    if !std::mem::take(&mut has_second_try) {
                        return Err(error);
                    }
                }
                outcome => return outcome,
            }
        }
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ClientSecret");
        debug.field("tenant", &self.tenant).field("client", &self.client).finish_non_exhaustive()
    }
}

/// Where a tenant gives tokens.
pub(super) fn token_url(authority: &str, tenant: &str) -> String {
    format!("{}/{}/oauth2/v2.0/token", authority.trim_end_matches('/'), encoded(tenant))
}
