//! The metadata server: of machines, of Cloud Run, and of GKE, where it answers for the workload's service account.

use std::fmt;
use std::sync::Arc;

use acme_core::{Error, ErrorKind, Timestamp, Transport};
use async_trait::async_trait;
use http::header::{HeaderName, HeaderValue};

use super::Scope;
use crate::credentials::{AccessToken, Fetch, Fetched, oauth};
use crate::uri::encoded;

/// Asks the metadata server for a token of the service account that this workload has.
pub struct Metadata {
    scope: Scope,
    base: String,
    transport: Arc<dyn Transport>,
}

impl Metadata {
    /// The server at the address that Google's platforms have for it.
    pub fn new(scope: Scope, transport: Arc<dyn Transport>) -> Self {
        Self { scope, base: BASE.to_owned(), transport }
    }

    /// The server at `base` instead, which ends before `/computeMetadata`.
    #[must_use]
    pub fn at(mut self, base: impl Into<String>) -> Self {
        self.base = base.into();
        self
    }
}

#[async_trait]
impl Fetch<AccessToken> for Metadata {
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<AccessToken>, Error> {
        let (base, scope) = (self.base.trim_end_matches('/'), encoded(self.scope.as_str()));
        let url = format!("{base}/computeMetadata/v1/instance/service-accounts/default/token?scopes={scope}");
        let mut request = oauth::get(&url)?;
        // Without it, a request that somebody was talked into would be answered.
        request.headers_mut().insert(FLAVOR, HeaderValue::from_static("Google"));
        let what = "a token from the metadata server";
        let outcome = oauth::token(what, request, &[], self.transport.as_ref(), now).await;
        outcome.map_err(|error| match advice(error.kind()) {
            Some(advice) => error.while_doing(advice),
            None => error,
        })
    }
}

fn advice(kind: ErrorKind) -> Option<&'static str> {
    if kind == ErrorKind::Unreachable {
        return Some("is this a workload on Google Cloud?");
    }
    (kind == ErrorKind::NotFound).then_some("does this workload have a service account?")
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metadata").field("base", &self.base).finish_non_exhaustive()
    }
}

const BASE: &str = "http://metadata.google.internal";
const FLAVOR: HeaderName = HeaderName::from_static("metadata-flavor");
