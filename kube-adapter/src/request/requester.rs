//! Who we are, as the API server sees us: what stands in the requests that we make.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use acme_core::Timestamp;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use crate::api::{Api, Refusal};
use crate::crd::certificate_request::CertificateRequestSpec;

/// Who we are, remembered for a while: tokens change, and what they say of us with them.
#[derive(Debug, Default)]
pub(crate) struct Requester {
    known: Mutex<Option<(Arc<User>, Timestamp)>>,
}

/// What the API server knows of a user.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub(crate) struct User {
    username: String,
    uid: String,
    groups: Vec<String>,
    extra: BTreeMap<String, Vec<String>>,
}

impl Requester {
    /// Who we are. Whoever asks first asks the API server; the others wait for that answer.
    ///
    /// # Errors
    /// What the API server says.
    pub(crate) async fn user(&self, api: &Api, now: Timestamp) -> Result<Arc<User>, Refusal> {
        let mut known = self.known.lock().await;
        if let Some((user, until)) = &*known
            && !until.is_due(now)
        {
            return Ok(Arc::clone(user));
        }
        let user = Arc::new(ask(api).await?);
        *known = Some((Arc::clone(&user), now + LASTS));
        Ok(user)
    }
}

impl User {
    /// Fills in who made a request, as cert-manager's webhook does.
    pub(crate) fn sign(&self, spec: &mut CertificateRequestSpec) {
        spec.username.clone_from(&self.username);
        spec.uid.clone_from(&self.uid);
        spec.groups.clone_from(&self.groups);
        spec.extra.clone_from(&self.extra);
    }
}

async fn ask(api: &Api) -> Result<User, Refusal> {
    #[derive(Deserialize)]
    struct Review {
        status: Status,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Status {
        user_info: User,
    }
    let question = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
    let review: Review = api.ask("/apis/authentication.k8s.io/v1/selfsubjectreviews", &question).await?;
    Ok(review.status.user_info)
}

const LASTS: Duration = Duration::from_secs(600);
