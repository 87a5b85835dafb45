//! Credentials for a token that a platform signed: IRSA on EKS, and any OpenID provider that the role trusts.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use acme_core::{Error, ErrorKind, Secret, Timestamp, Transport};
use async_trait::async_trait;

use super::profile::read_file;
use super::sts::{self, Role};
use super::{Credentials, Endpoint};
use crate::credentials::{CredentialSource, Fetch, Fetched};

/// Assumes a role with a token, which is read anew each time: platforms replace it every hour or so.
pub struct WebIdentity {
    role: Role,
    token: Token,
    sts: Endpoint,
    transport: Arc<dyn Transport>,
}

/// Where the token is.
enum Token {
    File(PathBuf),
    Source(Arc<dyn CredentialSource<Secret<String>>>),
}

impl WebIdentity {
    /// Assumes `role` at `sts` ([`sts::endpoint`]) with the token in `token_file`.
    pub fn new(role: Role, token_file: impl Into<PathBuf>, sts: Endpoint, transport: Arc<dyn Transport>) -> Self {
        Self { role, token: Token::File(token_file.into()), sts, transport }
    }

    /// Assumes `role` with a token that `token` gives, such as one that was asked of a cluster for a service account.
    pub fn with_token(
        role: Role,
        token: impl CredentialSource<Secret<String>> + 'static,
        sts: Endpoint,
        transport: Arc<dyn Transport>,
    ) -> Self {
        Self { role, token: Token::Source(Arc::new(token)), sts, transport }
    }

    async fn assume(&self, token: &Secret<String>, now: Timestamp) -> Result<Fetched<Credentials>, Error> {
        sts::assume_with_web_identity(&self.sts, &self.role, token, self.transport.as_ref(), now).await
    }
}

#[async_trait]
impl Fetch<Credentials> for WebIdentity {
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<Credentials>, Error> {
        let path = match &self.token {
            Token::Source(source) => return self.assume(&*source.credential(now).await?, now).await,
            Token::File(path) => path,
        };
        let file = path.display();
        let token = read_file(path)?;
        let token = token.filter(|token| !token.expose().trim().is_empty()).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("there is no web identity token in {file}: is it mounted?"))
        })?;
        self.assume(&token, now).await.map_err(|error| error.while_doing(format_args!("with the token in {file}")))
    }
}

impl fmt::Debug for WebIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WebIdentity");
        debug.field("role", &self.role).field("sts", &self.sts);
        if let Token::File(path) = &self.token {
            debug.field("token_file", path);
        }
        debug.finish_non_exhaustive()
    }
}
