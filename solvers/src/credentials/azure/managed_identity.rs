//! The identity of a machine or of a scale set: Azure's instance metadata service.

use std::fmt;
use std::sync::Arc;

use acme_core::{Error, ErrorKind, Retry, Timestamp, Transport};
use async_trait::async_trait;
use http::header::{HeaderName, HeaderValue};

use super::Cloud;
use crate::credentials::{AccessToken, Fetch, Fetched, oauth};
use crate::uri::encoded;

/// Asks the instance metadata service for a token of an identity that this machine has.
#[derive(Clone)]
pub struct ManagedIdentity {
    cloud: Cloud,
    base: String,
    chosen: Option<Chosen>,
    transport: Arc<dyn Transport>,
}

/// Which of several identities of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Chosen {
    /// By its client id.
    Client(String),
    /// By its resource id (`/subscriptions/…/userAssignedIdentities/…`).
    Resource(String),
}

impl ManagedIdentity {
    /// The machine's own identity, or the one that was `chosen` among those assigned to it.
    pub fn new(cloud: Cloud, chosen: Option<Chosen>, transport: Arc<dyn Transport>) -> Self {
        Self { cloud, base: BASE.to_owned(), chosen, transport }
    }

    /// Asks at `base` instead, which ends before `/metadata`.
    #[must_use]
    pub fn at(mut self, base: impl Into<String>) -> Self {
        self.base = base.into();
        self
    }

    fn url(&self) -> String {
        let (base, audience) = (self.base.trim_end_matches('/'), encoded(self.cloud.audience()));
        let chosen = match &self.chosen {
            None => String::new(),
            Some(Chosen::Client(id)) => format!("&client_id={}", encoded(id)),
            Some(Chosen::Resource(id)) => format!("&msi_res_id={}", encoded(id)),
        };
        format!("{base}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={audience}{chosen}")
    }
}

#[async_trait]
impl Fetch<AccessToken> for ManagedIdentity {
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<AccessToken>, Error> {
        let what = match &self.chosen {
            None => "a token for this machine's managed identity".to_owned(),
            Some(Chosen::Client(id) | Chosen::Resource(id)) => format!("a token for the managed identity {id}"),
        };
        let mut request = oauth::get(&self.url())?;
        // Without it, a request that somebody was talked into would be answered.
        request.headers_mut().insert(METADATA, HeaderValue::from_static("true"));
        let outcome = oauth::token(&what, request, &[], self.transport.as_ref(), now).await;
        outcome.map_err(|error| match advice(error.kind()) {
            Some(advice) => error.while_doing(advice),
            // 404 and 410, while an identity is being assigned or the service is upgraded.
            None => error.with_retry(Retry::Backoff),
        })
    }
}

fn advice(kind: ErrorKind) -> Option<&'static str> {
    if kind == ErrorKind::Unreachable {
        return Some("is this a machine of Azure?");
    }
    (kind == ErrorKind::Unauthorized).then_some("is the identity assigned to this machine?")
}

impl fmt::Debug for ManagedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagedIdentity").field("chosen", &self.chosen).finish_non_exhaustive()
    }
}

const BASE: &str = "http://169.254.169.254";
const METADATA: HeaderName = HeaderName::from_static("metadata");
