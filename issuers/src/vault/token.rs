//! The token that calls are made with: got by logging in, renewed, shared by all callers, kept in memory alone.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use acme_core::{Error, ErrorKind, Secret, Timestamp};
use async_trait::async_trait;
use serde::Deserialize;
use solvers::credentials::{CredentialSource as _, Fetch, Fetched, Refreshing};

use super::auth::{Auth, Login, Proof};
use super::call::{Call, Doing};
use super::server::Server;
use crate::limits;

/// The token of one issuer.
pub(super) struct Tokens(Refreshing<Token, Entrance>);

/// A token, and what Vault said of it.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) value: Arc<Secret<String>>,
    pub(super) policies: Vec<String>,
    /// Which login it is from; a renewal keeps it.
    login: u64,
}

impl Tokens {
    pub(super) fn new(server: Server, auth: Arc<dyn Auth>) -> Self {
        let memory = Mutex::new(Memory { logins: 0, renewable: None, origin: Origin::Made });
        Self(Refreshing::new(Entrance { server, auth, memory }))
    }

    /// The token to use now: the one at hand, renewed or got by logging in where it is due.
    pub(super) async fn current(&self) -> Result<Arc<Token>, Error> {
        self.0.credential(self.entrance().server.now()).await
    }

    /// How many logins there were so far: a token of a later one is fresh.
    pub(super) fn logins(&self) -> u64 {
        self.entrance().memory().logins
    }

    /// Vault does not take `token` any more: the next call logs in, unless somebody else has already.
    pub(super) fn refused(&self, token: &Token) {
        let entrance = self.entrance();
        let origin = {
            let mut memory = entrance.memory();
            if memory.logins != token.login {
                return;
            }
            memory.renewable = None;
            memory.origin
        };
        if origin == Origin::Given {
            entrance.auth.rejected();
        }
        self.0.rejected();
    }

    fn entrance(&self) -> &Entrance {
        self.0.source()
    }
}

impl Token {
    pub(super) fn is_later_than(&self, logins: u64) -> bool {
        self.login > logins
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(..)")
    }
}

/// Logs in and renews.
struct Entrance {
    server: Server,
    auth: Arc<dyn Auth>,
    memory: Mutex<Memory>,
}

struct Memory {
    logins: u64,
    renewable: Option<Renewable>,
    origin: Origin,
}

#[derive(Clone)]
struct Renewable {
    value: Arc<Secret<String>>,
    policies: Vec<String>,
    until: Timestamp,
}

/// Where a token is from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The user's own.
    Given,
    /// Vault's answer to a login.
    Made,
}

#[async_trait]
impl Fetch<Token> for Entrance {
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<Token>, Error> {
        let renewable = self.memory().renewable.clone().filter(|it| now < it.until);
        if let Some(renewable) = renewable {
            match self.renew(&renewable).await {
                Ok(grant) => return Ok(self.take_in(grant, None, now)),
                Err(error) if is_refusal(&error) => {
                    tracing::debug!(%error, "the token cannot be renewed; logging in again");
                }
                Err(error) => return Err(error),
            }
        }
        let (grant, origin) = match self.auth.proof(now).await? {
            Proof::Token(token) => (self.look_up(token).await?, Origin::Given),
            Proof::Login(login) => (self.log_in(login, now).await?, Origin::Made),
        };
        Ok(self.take_in(grant, Some(origin), now))
    }
}

impl Entrance {
    /// Logs in; once more when the secrets have been replaced meanwhile.
    async fn log_in(&self, login: Login, now: Timestamp) -> Result<Grant, Error> {
        let error = match self.try_login(&login).await {
            Err(error) if error.kind() == ErrorKind::Unauthorized => error,
            outcome => return outcome,
        };
        self.auth.rejected();
        match self.auth.proof(now).await? {
            Proof::Login(other) if other.differs_from(&login) => self.try_login(&other).await,
            Proof::Login(_) | Proof::Token(_) => Err(error),
        }
    }

    async fn try_login(&self, login: &Login) -> Result<Grant, Error> {
        let doing = Doing::LogIn(self.auth.advice());
        let call = Call::post(doing, login.path(), login.body()?).hiding(login.secrets());
        let body = self.server.ask(&call, None).await?;
        let Some(auth) = serde_json::from_slice::<Answer>(&body).ok().and_then(|it| it.auth) else {
            return Err(self.nonsense(doing));
        };
        tracing::debug!(host = self.server.host(), lease = auth.lease_duration, "logged in to vault");
        self.granted(auth, doing)
    }

    async fn renew(&self, token: &Renewable) -> Result<Grant, Error> {
        let call = Call::post(Doing::Renew, "auth/token/renew-self", "{}");
        let body = self.server.ask(&call, Some(&token.value)).await?;
        match serde_json::from_slice::<Answer>(&body).ok().and_then(|it| it.auth) {
            Some(auth) => {
                let grant = self.granted(auth, Doing::Renew)?;
                let policies = if grant.policies.is_empty() { token.policies.clone() } else { grant.policies };
                Ok(Grant { value: Arc::clone(&token.value), policies, ..grant })
            }
            None => Err(self.nonsense(Doing::Renew)),
        }
    }

    /// What Vault knows of a token that was given. Where its policies keep that from us it is used as it is.
    async fn look_up(&self, value: Arc<Secret<String>>) -> Result<Grant, Error> {
        let known = match look_up(&self.server, &value).await {
            Ok(known) => known,
            Err(error) if is_refusal(&error) => Known::default(),
            Err(error) => return Err(error),
        };
        let lease = Duration::from_secs(known.ttl);
        Ok(Grant { value, lease, renewable: known.renewable, policies: known.policies })
    }

    fn granted(&self, auth: AuthAnswer, doing: Doing) -> Result<Grant, Error> {
        let value = Secret::new(auth.client_token);
        if value.expose().is_empty() || value.expose().len() > limits::VAULT_TOKEN {
            return Err(self.nonsense(doing));
        }
        Ok(Grant {
            value: Arc::new(value),
            lease: Duration::from_secs(auth.lease_duration),
            renewable: auth.renewable,
            policies: auth.policies.unwrap_or_default(),
        })
    }

    /// Remembers what was granted by a login, or by a renewal, which names no origin.
    fn take_in(&self, grant: Grant, login: Option<Origin>, now: Timestamp) -> Fetched<Token> {
        let expires = (!grant.lease.is_zero()).then(|| now + grant.lease);
        let mut memory = self.memory();
        if let Some(origin) = login {
            memory.logins += 1;
            memory.origin = origin;
        }
        let renewable = expires.filter(|_| grant.renewable);
        memory.renewable = renewable.map(|until| Renewable {
            value: Arc::clone(&grant.value),
            policies: grant.policies.clone(),
            until,
        });
        // Nobody replaces a token that was given: it is renewed long before its end, by whatever call comes first.
        let fresh_until = match (memory.origin, renewable) {
            (Origin::Given, Some(_)) => Some(now + grant.lease / 2),
            (Origin::Given, None) | (Origin::Made, _) => expires,
        };
        let token = Token { value: grant.value, policies: grant.policies, login: memory.logins };
        Fetched::new(token, fresh_until)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn nonsense(&self, doing: Doing) -> Error {
        let doing = doing.in_words(self.server.host());
        Error::new(ErrorKind::Malformed, format!("{doing}: the answer holds no token"))
    }
}

/// Whether Vault still knows a token, and what of it.
///
/// # Errors
/// `Unauthorized` when it does not, or its policies do not let it ask.
pub(super) async fn look_up(server: &Server, token: &Secret<String>) -> Result<Known, Error> {
    let call = Call::get(Doing::LookUp, "auth/token/lookup-self");
    let body = server.ask(&call, Some(token)).await?;
    let answer: LookUp = serde_json::from_slice(&body).map_err(|_| {
        let doing = Doing::LookUp.in_words(server.host());
        Error::new(ErrorKind::Malformed, format!("{doing}: the answer is not one of vault"))
    })?;
    Ok(answer.data)
}

struct Grant {
    value: Arc<Secret<String>>,
    lease: Duration,
    renewable: bool,
    policies: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    auth: Option<AuthAnswer>,
}

#[derive(Deserialize)]
struct AuthAnswer {
    client_token: String,
    #[serde(default)]
    lease_duration: u64,
    #[serde(default)]
    renewable: bool,
    policies: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct LookUp {
    data: Known,
}

/// What Vault knows of a token.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Known {
    ttl: u64,
    renewable: bool,
    pub(super) policies: Vec<String>,
}

fn is_refusal(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unauthorized | ErrorKind::Refused | ErrorKind::NotFound)
}
