//! A service account with a key: a JWT that it signs is exchanged for a token (RFC 7523).

use std::fmt;
use std::sync::Arc;

use acme_core::key::{SignatureAlgorithm, Signer};
use acme_core::{Error, ErrorKind, Secret, Timestamp, Transport};
use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;

use super::Scope;
use crate::credentials::{AccessToken, Fetch, Fetched, oauth};

/// Logs in with the key of a service account.
pub struct ServiceAccount {
    email: String,
    key_id: String,
    key: Arc<dyn Signer>,
    token_url: String,
    project: Option<String>,
    scope: Scope,
    transport: Arc<dyn Transport>,
}

impl ServiceAccount {
    /// The service account `email` with its RSA key, which Google knows as `key_id`.
    ///
    /// # Errors
    /// `Unsupported` for another kind of key.
    pub fn new(
        email: impl Into<String>,
        key_id: impl Into<String>,
        key: Arc<dyn Signer>,
        scope: Scope,
        transport: Arc<dyn Transport>,
    ) -> Result<Self, Error> {
        if key.algorithm() != SignatureAlgorithm::RsaPkcs1Sha256 {
            let what =
                format!("a service account of Google signs with RS256, and this key with {}", key.algorithm().jose());
            return Err(Error::new(ErrorKind::Unsupported, what));
        }
        let (email, key_id, token_url) = (email.into(), key_id.into(), TOKEN_URL.to_owned());
        Ok(Self { email, key_id, key, token_url, project: None, scope, transport })
    }

    /// Reads a key file as Google's console makes it (`"type": "service_account"`).
    ///
    /// # Errors
    /// `Malformed` when it is no such file; what [`PrivateKey`](acme_core::key::PrivateKey) says of the key in it.
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    pub fn from_json(file: &Secret<String>, scope: Scope, transport: Arc<dyn Transport>) -> Result<Self, Error> {
        let malformed = |what: &str| {
            Error::new(ErrorKind::Malformed, format!("the key file of a service account {what}"))
                .with_retry(acme_core::Retry::Never)
        };
        // What serde says of a value would show a part of it.
        let read: File = serde_json::from_str(file.expose())
            .map_err(|_| malformed("is no JSON with `client_email`, `private_key` and `private_key_id`"))?;
        if read.kind != "service_account" {
            return Err(malformed("is of another type than `service_account`"));
        }
        let key = Secret::new(read.private_key);
        let key = acme_core::key::PrivateKey::from_pem(key.expose())
            .map_err(|error| error.while_doing("the private key of a service account"))?;
        let mut account = Self::new(read.client_email, read.private_key_id, Arc::new(key), scope, transport)?;
        account.project = read.project_id;
        Ok(match read.token_uri {
            Some(url) => account.at(url),
            None => account,
        })
    }

    /// Asks at `token_url` instead; tokens name it, too.
    #[must_use]
    pub fn at(mut self, token_url: impl Into<String>) -> Self {
        self.token_url = token_url.into();
        self
    }

    /// The project of the service account, where its key file names one.
    pub fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    async fn assertion(&self, now: Timestamp) -> Result<Secret<String>, Error> {
        let seconds = now.unix_seconds();
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.key_id });
        let claims = json!({
            "iss": self.email, "scope": self.scope.as_str(), "aud": self.token_url,
            "iat": seconds, "exp": seconds.saturating_add(LIFE),
        });
        let [header, claims] = [header, claims].map(|it| BASE64_URL_SAFE_NO_PAD.encode(it.to_string()));
        let signed = format!("{header}.{claims}");
        let signature = BASE64_URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes()).await?);
        Ok(Secret::new(format!("{signed}.{signature}")))
    }
}

#[async_trait]
impl Fetch<AccessToken> for ServiceAccount {
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<AccessToken>, Error> {
        let what = format!("a token for the service account {}", self.email);
        let assertion = self.assertion(now).await.map_err(|error| error.while_doing(&what))?;
        let fields = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion.expose())];
        let request = oauth::form(&self.token_url, &fields)?;
        oauth::token(&what, request, &[assertion.expose()], self.transport.as_ref(), now).await
    }
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount")
            .field("email", &self.email)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#[derive(serde::Deserialize)]
struct File {
    #[serde(rename = "type")]
    kind: String,
    client_email: String,
    private_key: String,
    private_key_id: String,
    token_uri: Option<String>,
    project_id: Option<String>,
}

const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
/// Google's longest, in seconds.
const LIFE: i64 = 3600;
