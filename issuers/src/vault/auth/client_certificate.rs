//! The certificate that is shown over TLS.

use acme_core::{Error, Timestamp};
use async_trait::async_trait;

use super::{Auth, Login, Proof};
use crate::vault::path::Mount;

/// Logs in with the certificate that the transport shows (Vault's TLS certificate method).
///
/// Make the [`Server`](crate::vault::Server) with a transport that has one; Vault ties the token to it. A renewed certificate wants a new transport.
#[derive(Debug)]
pub struct ClientCertificate {
    mount: Mount,
    name: Option<String>,
}

impl ClientCertificate {
    /// Any role whose certificate authority issued it; the method is enabled at `cert` unless told otherwise.
    #[expect(clippy::new_without_default, reason = "how one logs in is never a default")]
    pub fn new() -> Self {
        Self { mount: Mount::of("cert"), name: None }
    }

    /// Logs in to this role alone.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Logs in where the method is enabled at `mount`.
    #[must_use]
    pub fn mounted_at(mut self, mount: Mount) -> Self {
        self.mount = mount;
        self
    }
}

#[async_trait]
impl Auth for ClientCertificate {
    async fn proof(&self, _: Timestamp) -> Result<Proof, Error> {
        let login = Login::at(&self.mount);
        Ok(Proof::Login(match &self.name {
            Some(name) => login.with("name", name),
            None => login,
        }))
    }

    fn rejected(&self) {}

    fn advice(&self) -> &'static str {
        "check that the transport shows a client certificate, that it is valid, and that the role trusts its issuer"
    }
}
