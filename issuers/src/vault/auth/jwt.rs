//! A JWT that Vault checks itself.

use std::fmt;

use acme_core::{Error, Secret, Timestamp};
use async_trait::async_trait;

use super::{Auth, CredentialSource, Login, Proof};
use crate::vault::path::Mount;

/// Logs in with a JWT that Vault checks itself (its JWT/OIDC method).
pub struct Jwt {
    mount: Mount,
    role: String,
    jwt: Box<dyn CredentialSource<Secret<String>>>,
}

impl Jwt {
    /// The role at Vault, and where the JWT is; the method is enabled at `jwt` unless told otherwise.
    pub fn new(role: impl Into<String>, jwt: impl CredentialSource<Secret<String>> + 'static) -> Self {
        Self { mount: Mount::of("jwt"), role: role.into(), jwt: Box::new(jwt) }
    }

    /// Logs in where the method is enabled at `mount`.
    #[must_use]
    pub fn mounted_at(mut self, mount: Mount) -> Self {
        self.mount = mount;
        self
    }
}

#[async_trait]
impl Auth for Jwt {
    async fn proof(&self, now: Timestamp) -> Result<Proof, Error> {
        let jwt = self.jwt.credential(now).await?;
        let login = Login::at(&self.mount).with("role", self.role.trim());
        Ok(Proof::Login(login.with_secret("jwt", &jwt)))
    }

    fn rejected(&self) {
        self.jwt.rejected();
    }

    fn advice(&self) -> &'static str {
        "check the role, its bound audience, subject and claims, and that the JWT is not expired"
    }
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt").field("mount", &self.mount).field("role", &self.role).finish_non_exhaustive()
    }
}
