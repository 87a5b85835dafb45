//! How to log in at the platform.

use std::fmt;
use std::sync::Arc;

use acme_core::{Key, Secret, Store};
use futures_util::lock::Mutex;
use solvers::credentials::{CredentialSource, Fixed, Refreshing};

use super::rotation::Rotation;
use super::tokens::{ApiKey, Grant, Tokens};
use crate::venafi::connection::{Credential, Wire};

/// Credentials for a Trust Protection Platform.
pub struct Login(Way);

enum Way {
    AccessToken(Secret<String>),
    Password { client_id: String, username: String, password: Secret<String>, scope: String },
    RefreshToken { client_id: String, token: Secret<String>, kept: Option<(Arc<dyn Store>, Key)> },
    ApiKey { username: String, password: Secret<String> },
}

impl Login {
    /// An access token that somebody else renews.
    pub fn access_token(token: Secret<String>) -> Self {
        Self(Way::AccessToken(token))
    }

    /// A refresh token of the integration `client_id`. Each use of it makes another one, and the old one void: keep it with
    /// [`kept_in`](Self::kept_in), or a restart is left with a void one.
    pub fn refresh_token(client_id: impl Into<String>, token: Secret<String>) -> Self {
        Self(Way::RefreshToken { client_id: client_id.into(), token, kept: None })
    }

    /// User and password, for which the integration `certwright` is granted a token to manage certificates.
    pub fn password(username: impl Into<String>, password: Secret<String>) -> Self {
        let (client_id, scope) = (CLIENT_ID.to_owned(), SCOPE.to_owned());
        Self(Way::Password { client_id, username: username.into(), password, scope })
    }

    /// User and password at platforms before 22.4, which give an API key for them.
    pub fn api_key(username: impl Into<String>, password: Secret<String>) -> Self {
        Self(Way::ApiKey { username: username.into(), password })
    }

    /// As this integration instead; with cert-manager it is `cert-manager.io`.
    #[must_use]
    pub fn with_client_id(mut self, id: impl Into<String>) -> Self {
        if let Way::Password { client_id, .. } | Way::RefreshToken { client_id, .. } = &mut self.0 {
            *client_id = id.into();
        }
        self
    }

    /// With this scope instead of `certificate:manage`: revocation needs `certificate:manage,revoke`.
    #[must_use]
    pub fn with_scope(mut self, wanted: impl Into<String>) -> Self {
        if let Way::Password { scope, .. } = &mut self.0 {
            *scope = wanted.into();
        }
        self
    }

    /// Keeps the newest tokens under `key`. Give every process of a fleet the same store: one of them refreshes, all use what came of it.
    #[must_use]
    pub fn kept_in(mut self, store: Arc<dyn Store>, key: Key) -> Self {
        if let Way::RefreshToken { kept, .. } = &mut self.0 {
            *kept = Some((store, key));
        }
        self
    }

    pub(super) fn source(self, wire: &Wire) -> Arc<dyn CredentialSource<Credential>> {
        let wire = wire.clone();
        match self.0 {
            Way::AccessToken(token) => Arc::new(Fixed::new(Credential::bearer(token.expose()))),
            Way::Password { client_id, username, password, scope } => {
                let grant = Grant::Password { username, password, scope };
                Arc::new(Refreshing::new(Tokens { wire, client_id, grant }))
            }
            Way::RefreshToken { client_id, token, kept } => {
                let grant = Grant::Refresh(Mutex::new(Rotation::new(token, kept)));
                Arc::new(Refreshing::new(Tokens { wire, client_id, grant }))
            }
            Way::ApiKey { username, password } => Arc::new(Refreshing::new(ApiKey { wire, username, password })),
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Way::AccessToken(_) => "Login(access token)",
            Way::RefreshToken { .. } => "Login(refresh token)",
            Way::Password { .. } => "Login(password)",
            Way::ApiKey { .. } => "Login(api key)",
        })
    }
}

const CLIENT_ID: &str = "certwright";
const SCOPE: &str = "certificate:manage";
