//! A role id and a secret id.

use std::fmt;

use acme_core::{Error, Secret, Timestamp};
use async_trait::async_trait;

use super::{Auth, CredentialSource, Login, Proof};
use crate::vault::path::Mount;

/// Logs in with a role id and a secret id (Vault's AppRole method).
pub struct AppRole {
    mount: Mount,
    role_id: String,
    secret_id: Box<dyn CredentialSource<Secret<String>>>,
}

impl AppRole {
    /// The role, and where its secret id is; the method is enabled at `approle` unless told otherwise.
    pub fn new(role_id: impl Into<String>, secret_id: impl CredentialSource<Secret<String>> + 'static) -> Self {
        Self { mount: Mount::of("approle"), role_id: role_id.into(), secret_id: Box::new(secret_id) }
    }

    /// Logs in where the method is enabled at `mount`.
    #[must_use]
    pub fn mounted_at(mut self, mount: Mount) -> Self {
        self.mount = mount;
        self
    }
}

#[async_trait]
impl Auth for AppRole {
    async fn proof(&self, now: Timestamp) -> Result<Proof, Error> {
        let secret_id = self.secret_id.credential(now).await?;
        let login = Login::at(&self.mount).with("role_id", self.role_id.trim());
        Ok(Proof::Login(login.with_secret("secret_id", &secret_id)))
    }

    fn rejected(&self) {
        self.secret_id.rejected();
    }

    fn advice(&self) -> &'static str {
        "check the role id, and that the secret id is neither used up nor expired"
    }
}

impl fmt::Debug for AppRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppRole").field("mount", &self.mount).field("role_id", &self.role_id).finish_non_exhaustive()
    }
}
