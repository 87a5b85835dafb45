//! The issuer: signing requests signed at a path of the PKI engine.

use std::fmt;
use std::sync::Arc;

use acme_core::Error;
use acme_core::protocol::RevocationReason;
use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use rustls_pki_types::CertificateDer;

use super::auth::Auth;
use super::call::{Call, Doing};
use super::path::Path;
use super::server::Server;
use super::token::{self, Token, Tokens};
use super::{answer, failure, signing};
use crate::{CertificateRequest, Issued, Issuer, IssuerId, Progress, Revoke, Step, csr};

/// Certificates from the PKI engine of a Vault server.
///
/// One request to Vault makes one certificate, at once: `issue` never answers "not yet". Vault has no way to ask for the same certificate twice, so a
/// crash between its answer and the caller's own record loses one: it is never served, and another one is signed. To keep that gap as small as it
/// can be, logging in and [`Progress::save`] come before the request, and nothing comes after it.
///
/// What a certificate may hold is for the role at Vault to say. [`CertificateRequest::is_ca`] has no field in Vault's API: a path such as
/// `pki/root/sign-intermediate` makes certificate authorities, others make none.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use acme_core::{Clock, Secret, Transport};
/// use certwright_issuers::Error;
/// use certwright_issuers::vault::auth::{AppRole, Fixed};
/// use certwright_issuers::vault::{Server, VaultIssuer};
///
/// fn issuer(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>, secret_id: String) -> Result<VaultIssuer, Error> {
///     let server = Server::new("https://vault.example:8200", transport, clock)?;
///     let auth = AppRole::new("7b1a3f…", Fixed::new(Secret::new(secret_id)));
///     VaultIssuer::new("vault", server, "pki/sign/web", auth)
/// }
/// ```
pub struct VaultIssuer {
    id: IssuerId,
    server: Server,
    tokens: Tokens,
    path: Path,
    revocation: Option<Path>,
}

impl VaultIssuer {
    /// An issuer called `id` that logs in with `auth` and has requests signed at `path`: `pki/sign/role`, `pki/sign-verbatim/role`, or
    /// `pki/root/sign-intermediate`. Nothing is sent before it is asked to issue.
    ///
    /// # Errors
    /// `Malformed` when `path` is no path of Vault's API.
    pub fn new(id: impl Into<String>, server: Server, path: &str, auth: impl Auth + 'static) -> Result<Self, Error> {
        Ok(Self {
            id: IssuerId::new(id),
            tokens: Tokens::new(server.clone(), Arc::new(auth)),
            server,
            path: Path::parse(path)?,
            revocation: None,
        })
    }

    /// Can revoke too, at `path`, such as `pki/revoke`: a right that a role rarely has.
    ///
    /// # Errors
    /// `Malformed` when `path` is no path of Vault's API.
    pub fn revoking_at(mut self, path: &str) -> Result<Self, Error> {
        self.revocation = Some(Path::parse(path)?);
        Ok(self)
    }

    /// Whether it could issue now: Vault is initialised and unsealed, and lets us in. Renews the token where that is due, so check now and then.
    ///
    /// # Errors
    /// As [`Server::check`] and as logging in; the text begins with which of the two it was, in cert-manager's words.
    pub async fn check(&self) -> Result<(), Error> {
        let doing = "failed to verify Vault is initialized and unsealed";
        self.server.check().await.map_err(|error| error.while_doing(doing))?;
        match self.tokens.current().await {
            Ok(_) => Ok(()),
            Err(error) => Err(error.while_doing("failed to initialize Vault client")),
        }
    }

    /// Makes a call with our token. When Vault does not take it any more, logs in again and makes it once more.
    async fn call(&self, call: &Call<'_>) -> Result<Bytes, Error> {
        let logins = self.tokens.logins();
        let token = self.tokens.current().await?;
        let answer = self.server.send(call, Some(&token.value)).await?;
        if answer.status() != StatusCode::FORBIDDEN {
            return self.server.read(call, Some(&token.value), answer);
        }
        let denied = |token: &Token, policies: &[String]| failure::denied(&self.server, call, &token.value, policies);
        // Vault says the same of a token that it does not know and of a path that a token may not use; a login may cost one of few uses.
        if token.is_later_than(logins) {
            return Err(denied(&token, &token.policies));
        }
        if let Ok(known) = token::look_up(&self.server, &token.value).await {
            return Err(denied(&token, &known.policies));
        }
        self.tokens.refused(&token);
        let other = self.tokens.current().await?;
        if other.value.expose() == token.value.expose() {
            return Err(failure::unwanted(&self.server, call));
        }
        let answer = self.server.send(call, Some(&other.value)).await?;
        match answer.status() {
            StatusCode::FORBIDDEN => Err(denied(&other, &other.policies)),
            _ => self.server.read(call, Some(&other.value), answer),
        }
    }

    async fn sign(&self, request: &CertificateRequest<'_>, progress: &mut dyn Progress) -> Result<Issued, Error> {
        let key = csr::read(request.csr)?.public_key;
        let body = signing::sign(request)?;
        self.tokens.current().await?;
        // Whoever lost the record learns it here, before a certificate is made.
        progress.save(SIGNING).await?;
        let answer = self.call(&Call::post(Doing::Sign, self.path.as_str(), body)).await?;
        answer::read(&answer, &key, self.server.now())
    }
}

#[async_trait]
impl Issuer for VaultIssuer {
    fn id(&self) -> &IssuerId {
        &self.id
    }

    async fn issue(&self, request: &CertificateRequest<'_>, progress: &mut dyn Progress) -> Result<Step, Error> {
        if progress.state().is_some() {
            tracing::debug!(issuer = %self.id, "an earlier request may have been signed; that certificate is lost, another one is made");
        }
        self.sign(request, progress).await.map(Step::Issued)
    }

    fn revoke(&self) -> Option<&dyn Revoke> {
        self.revocation.as_ref().map(|_| self as &dyn Revoke)
    }
}

#[async_trait]
impl Revoke for VaultIssuer {
    /// Vault takes no reason.
    async fn revoke(&self, certificate: &CertificateDer<'_>, _: Option<RevocationReason>) -> Result<(), Error> {
        let Some(path) = &self.revocation else {
            return Err(Error::new(
                acme_core::ErrorKind::Unsupported,
                format!("the issuer {} was not told where vault revokes", self.id),
            ));
        };
        let body = signing::revoke(certificate)?;
        self.call(&Call::post(Doing::Revoke, path.as_str(), body)).await.map(drop)
    }
}

impl fmt::Debug for VaultIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultIssuer")
            .field("id", &self.id)
            .field("server", &self.server)
            .field("path", &self.path.as_str())
            .finish_non_exhaustive()
    }
}

/// What is saved before a request is sent: that one may have been signed.
const SIGNING: &[u8] = br#"{"format":1,"state":"signing"}"#;
