//! The token of a service account.

use std::fmt;

use acme_core::{Error, Secret, Timestamp};
use async_trait::async_trait;

use super::{Auth, CredentialSource, Login, Proof};
use crate::vault::path::Mount;

/// Logs in with the token of a Kubernetes service account, which Vault has the cluster review.
///
/// In a pod the token is a file, see [`SecretFile`](super::SecretFile).
pub struct Kubernetes {
    mount: Mount,
    role: String,
    jwt: Box<dyn CredentialSource<Secret<String>>>,
}

impl Kubernetes {
    /// The role at Vault, and where the token is; the method is enabled at `kubernetes` unless told otherwise.
    pub fn new(role: impl Into<String>, jwt: impl CredentialSource<Secret<String>> + 'static) -> Self {
        Self { mount: Mount::of("kubernetes"), role: role.into(), jwt: Box::new(jwt) }
    }

    /// Logs in where the method is enabled at `mount`.
    #[must_use]
    pub fn mounted_at(mut self, mount: Mount) -> Self {
        self.mount = mount;
        self
    }
}

#[async_trait]
impl Auth for Kubernetes {
    async fn proof(&self, now: Timestamp) -> Result<Proof, Error> {
        let jwt = self.jwt.credential(now).await?;
        let login = Login::at(&self.mount).with("role", self.role.trim());
        Ok(Proof::Login(login.with_secret("jwt", &jwt)))
    }

    fn rejected(&self) {
        self.jwt.rejected();
    }

    fn advice(&self) -> &'static str {
        "check that the role binds this service account and namespace, and that vault reaches the cluster"
    }
}

impl fmt::Debug for Kubernetes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kubernetes").field("mount", &self.mount).field("role", &self.role).finish_non_exhaustive()
    }
}
