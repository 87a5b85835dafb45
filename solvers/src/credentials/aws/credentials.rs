//! What AWS authenticates by.

use std::fmt;

use acme_core::Secret;

/// An access key: its public id, its secret, and the token that temporary ones carry.
///
/// Sign with it in a [`Scope`](super::Scope).
pub struct Credentials {
    access_key_id: String,
    secret_access_key: Secret<String>,
    session_token: Option<Secret<String>>,
}

impl Credentials {
    /// A long-lived access key. White space around either part, as files and secrets often end with, is dropped.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: &Secret<String>) -> Self {
        Self {
            access_key_id: access_key_id.into().trim().to_owned(),
            secret_access_key: trimmed(secret_access_key),
            session_token: None,
        }
    }

    /// Makes it a temporary one.
    #[must_use]
    pub fn with_session_token(mut self, token: &Secret<String>) -> Self {
        self.session_token = Some(trimmed(token));
        self
    }

    /// The public id of the access key; it is fit for logs.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The secret access key.
    pub fn secret_access_key(&self) -> &Secret<String> {
        &self.secret_access_key
    }

    /// The session token of temporary credentials.
    pub fn session_token(&self) -> Option<&Secret<String>> {
        self.session_token.as_ref()
    }

    /// What must never be seen in a text of the other side.
    pub(super) fn secrets(&self) -> Vec<&str> {
        let token = self.session_token.iter();
        std::iter::once(&self.secret_access_key).chain(token).map(|it| it.expose().as_str()).collect()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

fn trimmed(secret: &Secret<String>) -> Secret<String> {
    Secret::new(secret.expose().trim().to_owned())
}
