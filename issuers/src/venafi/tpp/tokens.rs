//! Tokens and keys, fetched from the platform.

use acme_core::{Error, ErrorKind, Retry, Secret, Timestamp};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::lock::Mutex;
use http::{Response, StatusCode};
use serde::{Deserialize, Deserializer, Serialize};
use solvers::credentials::{Fetch, Fetched};

use super::rotation::{self, Rotation};
use crate::venafi::answer::{json, oauth_error};
use crate::venafi::connection::{Call, Credential, Wire};

/// What tokens are given for.
pub(super) enum Grant {
    Refresh(Mutex<Rotation>),
    Password { username: String, password: Secret<String>, scope: String },
}

/// Fetches access tokens (`vedauth/authorize/oauth`, `vedauth/authorize/token`).
pub(super) struct Tokens {
    pub(super) wire: Wire,
    pub(super) client_id: String,
    pub(super) grant: Grant,
}

#[async_trait]
impl Fetch<Credential> for Tokens {
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<Credential>, Error> {
        let granted = match &self.grant {
            Grant::Refresh(configured) => self.refreshed(configured, now).await?,
            Grant::Password { username, password, scope } => {
                let body =
                    body(&Authorize { client_id: &self.client_id, username, password: password.expose(), scope })?;
                self.ask(&Call::post(LOGGING_IN, "vedauth/authorize/oauth", body)).await?
            }
        };
        let expires = (granted.expires > 0).then(|| Timestamp::from_unix_seconds(granted.expires));
        Ok(Fetched::new(Credential::bearer(granted.access_token.expose()), expires))
    }
}

impl Tokens {
    async fn refreshed(&self, rotation: &Mutex<Rotation>, now: Timestamp) -> Result<Granted, Error> {
        let mut rotation = rotation.lock().await;
        let mut refused = None;
        loop {
            let mut before = rotation.begin(now).await?;
            if let Some(granted) = before.granted.take() {
                return Ok(granted);
            }
            let used = rotation::print(&before.refresh);
            let body = body(&Refresh { client_id: &self.client_id, refresh_token: before.refresh.expose() })?;
            match self.ask(&Call::post(REFRESHING, "vedauth/authorize/token", body)).await {
                // Another process may have used it just now, and stored another one.
                Err(error) if error.kind() == ErrorKind::Unauthorized && refused != Some(used) => refused = Some(used),
                Err(error) => return Err(error),
                Ok(granted) => return rotation.end(before, &granted).await.map(|()| granted),
            }
        }
    }

    async fn ask(&self, call: &Call<'_>) -> Result<Granted, Error> {
        let answer = self.wire.send(call, None).await?;
        if answer.status() != StatusCode::OK {
            return Err(not_let_in(&self.wire, call, &answer));
        }
        let granted: Granted = json(&self.wire.doing(call), answer.body())?;
        if granted.access_token.expose().is_empty() {
            let doing = self.wire.doing(call);
            return Err(Error::new(ErrorKind::Malformed, format!("{doing}: the answer holds no access token")));
        }
        Ok(granted)
    }
}

/// Fetches API keys (`vedsdk/authorize/`), which platforms before 22.4 give.
pub(super) struct ApiKey {
    pub(super) wire: Wire,
    pub(super) username: String,
    pub(super) password: Secret<String>,
}

#[async_trait]
impl Fetch<Credential> for ApiKey {
    async fn fetch(&self, _: Timestamp) -> Result<Fetched<Credential>, Error> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "APIKey")]
            api_key: String,
            #[serde(rename = "ValidUntil", default)]
            valid_until: String,
        }
        let body = body(&LegacyAuthorize { username: &self.username, password: self.password.expose() })?;
        let call = Call::post(LOGGING_IN, "vedsdk/authorize/", body);
        let answer = self.wire.send(&call, None).await?;
        if answer.status() != StatusCode::OK {
            return Err(not_let_in(&self.wire, &call, &answer));
        }
        let Answer { api_key, valid_until } = json(&self.wire.doing(&call), answer.body())?;
        Ok(Fetched::new(Credential::key("x-venafi-api-key", api_key), dotnet_date(&valid_until)))
    }
}

/// The error for a login that the platform refuses: a human has to act, whatever the status.
fn not_let_in(wire: &Wire, call: &Call<'_>, answer: &Response<Bytes>) -> Error {
    let error = wire.refused(call, answer, oauth_error(answer.body()));
    if !answer.status().is_client_error() || answer.status() == StatusCode::TOO_MANY_REQUESTS {
        return error;
    }
    let advice = if call.doing == REFRESHING {
        "the refresh token is expired, used up or of another integration: have a new one granted"
    } else {
        "check user, password, and that the integration is allowed at the platform"
    };
    Error::new(ErrorKind::Unauthorized, format!("{error}; {advice}")).with_retry(Retry::Never)
}

/// What the platform granted.
#[derive(Deserialize)]
pub(super) struct Granted {
    #[serde(deserialize_with = "rotation::read")]
    pub(super) access_token: Secret<String>,
    /// In seconds since 1970; 0 where the platform does not say.
    #[serde(default)]
    pub(super) expires: i64,
    #[serde(default, deserialize_with = "perhaps")]
    pub(super) refresh_token: Option<Secret<String>>,
}

fn perhaps<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret<String>>, D::Error> {
    let token = Option::<String>::deserialize(deserializer)?;
    Ok(token.filter(|it| !it.is_empty()).map(Secret::new))
}

#[derive(Serialize)]
struct Authorize<'a> {
    client_id: &'a str,
    username: &'a str,
    password: &'a str,
    scope: &'a str,
}

#[derive(Serialize)]
struct Refresh<'a> {
    client_id: &'a str,
    refresh_token: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct LegacyAuthorize<'a> {
    username: &'a str,
    password: &'a str,
}

fn body(value: &impl Serialize) -> Result<Bytes, Error> {
    serde_json::to_vec(value)
        .map(Bytes::from)
        .map_err(|source| Error::new(ErrorKind::Internal, "a login cannot be written").with_source(source))
}

/// A date as .NET writes it in JSON: `/Date(1576014303000)/`, in milliseconds.
fn dotnet_date(text: &str) -> Option<Timestamp> {
    let millis = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    millis.parse().ok().map(Timestamp::from_unix_millis)
}

const LOGGING_IN: &str = "logging in";
const REFRESHING: &str = "refreshing the access token";
