//! Tokens of ServiceAccounts, asked of the API server whenever one is needed.

use std::sync::Arc;

use acme_core::{Error, ErrorKind, Secret, Timestamp};
use async_trait::async_trait;
use issuers::vault::auth::CredentialSource;
use serde::Deserialize;
use serde_json::json;

use crate::api::Api;
use crate::key::Name;

/// Asks for a token of a ServiceAccount, for these audiences and ten minutes.
pub(crate) struct ServiceAccountToken {
    pub(crate) api: Api,
    pub(crate) account: Name,
    pub(crate) audiences: Vec<String>,
}

#[async_trait]
impl CredentialSource<Secret<String>> for ServiceAccountToken {
    async fn credential(&self, _: Timestamp) -> Result<Arc<Secret<String>>, Error> {
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
            "spec": { "audiences": self.audiences, "expirationSeconds": 600 },
        });
        let answer: Answer = self.api.ask(&path, &question).await.map_err(|refusal| {
            // Somebody may give the right, or make the account, while we ask again.
            Error::new(ErrorKind::Unreachable, format!("no token of service account {}: {refusal}", self.account))
        })?;
        Ok(Arc::new(Secret::new(answer.status.token)))
    }

    fn rejected(&self) {}
}

/// For whom the token of a ServiceAccount is that AWS shall take.
pub(crate) const AWS_AUDIENCE: &str = "sts.amazonaws.com";
