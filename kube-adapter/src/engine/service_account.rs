//! Tokens of ServiceAccounts, asked of the API server whenever one is needed.

use std::sync::Arc;
use std::time::Duration;

use acme_core::{Error, ErrorKind, Secret, Timestamp};
use async_trait::async_trait;
use issuers::vault::auth::CredentialSource;
use serde::Deserialize;
use serde_json::json;

use crate::api::{Api, Refusal};
use crate::key::Name;

/// Asks for a token of a ServiceAccount, for these audiences and ten minutes.
pub(crate) struct ServiceAccountToken {
    pub(crate) api: Api,
    pub(crate) account: Name,
    pub(crate) audiences: Vec<String>,
}

impl ServiceAccountToken {
    /// Asks for a token now.
    ///
    /// # Errors
    /// What the API server says.
    pub(crate) async fn ask(&self) -> Result<Secret<String>, Refusal> {
        #[derive(Deserialize)]
        struct Answer {
            status: Status,
        }
        #[derive(Deserialize)]
        struct Status {
            token: String,
        }
        let (namespace, name) = (self.account.namespace(), self.account.object());
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
        let question = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": { "audiences": self.audiences, "expirationSeconds": Self::LIFE.as_secs() },
        });
        let answer: Answer = self.api.ask(&path, &question).await?;
        Ok(Secret::new(answer.status.token))
    }

    /// How long a token lives: as long as those that cert-manager asks for.
    pub(crate) const LIFE: Duration = Duration::from_secs(600);
}

#[async_trait]
impl CredentialSource<Secret<String>> for ServiceAccountToken {
    async fn credential(&self, _: Timestamp) -> Result<Arc<Secret<String>>, Error> {
        let token = self.ask().await.map_err(|refusal| {
            let what = format!("while requesting a token for the service account {}: {refusal}", self.account);
            // Somebody may give the right, or make the account, while we ask again.
            Error::new(ErrorKind::Unreachable, what)
        })?;
        Ok(Arc::new(token))
    }

    fn rejected(&self) {}
}

/// For whom the token of a ServiceAccount is that AWS shall take.
pub(crate) const AWS_AUDIENCE: &str = "sts.amazonaws.com";
