//! Workload identity federation: a token of another platform, exchanged (RFC 8693), and a service account that it may stand for.

use std::fmt;
use std::sync::Arc;

use acme_core::{Error, ErrorKind, Retry, Timestamp, Transport};
use async_trait::async_trait;
use http::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::json;

use super::Scope;
use crate::credentials::{AccessToken, Assertion, Fetch, Fetched, oauth};

/// Logs in through a workload identity pool.
pub struct Federation {
    audience: String,
    token_type: String,
    assertion: Assertion,
    token_url: String,
    impersonation_url: Option<String>,
    scope: Scope,
    transport: Arc<dyn Transport>,
}

impl Federation {
    /// A token for `audience`, the pool's provider (`//iam.googleapis.com/projects/…/providers/…`), in exchange for a JWT.
    pub fn new(audience: impl Into<String>, assertion: Assertion, scope: Scope, transport: Arc<dyn Transport>) -> Self {
        Self {
            audience: audience.into(),
            token_type: JWT.to_owned(),
            assertion,
            token_url: TOKEN_URL.to_owned(),
            impersonation_url: None,
            scope,
            transport,
        }
    }

    /// Reads a configuration as Google's tools make it (`"type": "external_account"`), with a token in a file that is plain text.
    ///
    /// # Errors
    /// `Malformed` when it is no such configuration; `Unsupported` when its token comes from elsewhere than a file.
    pub fn from_json(file: &str, scope: Scope, transport: Arc<dyn Transport>) -> Result<Self, Error> {
        let fault = |kind, what: &str| {
            Error::new(kind, format!("the configuration of an external account {what}")).with_retry(Retry::Never)
        };
        let read: File = serde_json::from_str(file).map_err(|source| {
            fault(ErrorKind::Malformed, "is no JSON with `audience` and `credential_source`").with_source(source)
        })?;
        if read.kind != "external_account" {
            return Err(fault(ErrorKind::Malformed, "is of another type than `external_account`"));
        }
        let is_plain = read.credential_source.format.is_none_or(|it| it.kind == "text");
        let Some(path) = read.credential_source.file.filter(|_| is_plain) else {
            return Err(fault(
                ErrorKind::Unsupported,
                "names no file of plain text for its token; put the token into one",
            ));
        };
        let mut federation = Self::new(read.audience, Assertion::file(path), scope, transport);
        federation.impersonation_url = read.service_account_impersonation_url;
        federation.token_type = read.subject_token_type;
        Ok(match read.token_url {
            Some(url) => federation.at(url),
            None => federation,
        })
    }

    /// Asks at `token_url` instead.
    #[must_use]
    pub fn at(mut self, token_url: impl Into<String>) -> Self {
        self.token_url = token_url.into();
        self
    }

    /// Stands for the service account whose tokens are given at `url` (`…/serviceAccounts/NAME:generateAccessToken`).
    #[must_use]
    pub fn impersonating_at(mut self, url: impl Into<String>) -> Self {
        self.impersonation_url = Some(url.into());
        self
    }

    async fn exchanged(&self, now: Timestamp) -> Result<Fetched<AccessToken>, Error> {
        let what = format!("a token of Google for {}", self.audience);
        let assertion = self.assertion.text(now).await.map_err(|error| error.while_doing(&what))?;
        // Who stands for somebody else needs a token for that alone.
        let scope = if self.impersonation_url.is_some() { Scope::CLOUD_PLATFORM } else { self.scope };
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("audience", &self.audience),
            ("scope", scope.as_str()),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("subject_token_type", &self.token_type),
            ("subject_token", assertion.expose()),
        ];
        let request = oauth::form(&self.token_url, &fields)?;
        oauth::token(&what, request, &[assertion.expose()], self.transport.as_ref(), now).await
    }
}

#[async_trait]
impl Fetch<AccessToken> for Federation {
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<AccessToken>, Error> {
        let exchanged = self.exchanged(now).await?;
        let Some(url) = &self.impersonation_url else { return Ok(exchanged) };
        let token = exchanged.credential.expose();
        let body = json!({ "scope": [self.scope.as_str()] });
        let mut request = oauth::posted(url, oauth::JSON, body.to_string())?;
        request.headers_mut().insert(AUTHORIZATION, exchanged.credential.header()?);
        let what = "a token for the service account that the workload stands for";
        oauth::token(what, request, &[token], self.transport.as_ref(), now).await
    }
}

impl fmt::Debug for Federation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Federation");
        debug.field("audience", &self.audience).field("assertion", &self.assertion).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "type")]
    kind: String,
    audience: String,
    #[serde(default = "jwt")]
    subject_token_type: String,
    token_url: Option<String>,
    service_account_impersonation_url: Option<String>,
    credential_source: Place,
}

#[derive(Deserialize)]
struct Place {
    file: Option<String>,
    format: Option<Format>,
}

#[derive(Deserialize)]
struct Format {
    #[serde(rename = "type")]
    kind: String,
}

fn jwt() -> String {
    JWT.to_owned()
}

const TOKEN_URL: &str = "https://sts.googleapis.com/v1/token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
