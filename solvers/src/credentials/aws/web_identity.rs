//! Credentials for a token that a platform signed: IRSA on EKS, and any OpenID provider that the role trusts.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use acme_core::{Error, ErrorKind, Timestamp, Transport};
use async_trait::async_trait;

use super::profile::read_file;
use super::sts::{self, Role};
use super::{Credentials, Endpoint};
use crate::credentials::{Fetch, Fetched};

/// Assumes a role with the token in a file, which is read anew each time: platforms replace it every hour or so.
pub struct WebIdentity {
    role: Role,
    token_file: PathBuf,
    sts: Endpoint,
    transport: Arc<dyn Transport>,
}

impl WebIdentity {
    /// Assumes `role` at `sts` ([`sts::endpoint`]) with the token in `token_file`.
    pub fn new(role: Role, token_file: impl Into<PathBuf>, sts: Endpoint, transport: Arc<dyn Transport>) -> Self {
        Self { role, token_file: token_file.into(), sts, transport }
    }
}

#[async_trait]
impl Fetch<Credentials> for WebIdentity {
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<Credentials>, Error> {
        let file = self.token_file.display();
        let token = read_file(&self.token_file)?;
        let token = token.filter(|token| !token.expose().trim().is_empty()).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("there is no web identity token in {file}: is it mounted?"))
        })?;
        sts::assume_with_web_identity(&self.sts, &self.role, &token, self.transport.as_ref(), now)
            .await
            .map_err(|error| error.while_doing(format_args!("with the token in {file}")))
    }
}

impl fmt::Debug for WebIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebIdentity")
            .field("role", &self.role)
            .field("token_file", &self.token_file)
            .field("sts", &self.sts)
            .finish_non_exhaustive()
    }
}
