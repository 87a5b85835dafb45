//! How one logs in to Vault.
//!
//! | method | what it shows |
//! |---|---|
//! | [`Token`] | a token that somebody else made |
//! | [`AppRole`] | a role id and a secret id |
//! | [`Kubernetes`] | the token of a service account |
//! | [`Jwt`] | a JWT that Vault can check: OIDC, a CI system, SPIFFE |
//! | [`ClientCertificate`] | the certificate that the transport shows over TLS |
//! | [`AwsIam`] | a signed question to AWS who one is |
//!
//! Secrets come from a [`CredentialSource`], which is asked at each login, so that they may rotate: [`Fixed`] holds one, [`SecretFile`] reads one.

mod app_role;
mod aws_iam;
mod client_certificate;
mod jwt;
mod kubernetes;
mod login;
mod secret_file;
mod token;

use acme_core::{Error, Timestamp};
use async_trait::async_trait;
pub use solvers::credentials::{CredentialSource, Fixed};

pub use app_role::AppRole;
pub use aws_iam::AwsIam;
pub use client_certificate::ClientCertificate;
pub use jwt::Jwt;
pub use kubernetes::Kubernetes;
pub use login::{Login, Proof};
pub use secret_file::SecretFile;
pub use token::Token;

/// A way to log in to Vault: says what to show, and sends nothing itself.
///
/// # Contract
/// 1. `proof` reads every secret anew from its source; it may be called at any time, and by several at once.
/// 2. After `rejected`, sources are told that what they answered was refused.
/// 3. `advice` is one lower-case clause for the person who reads that Vault refused.
/// 4. Nothing secret is in `Debug`, in an error or in a log.
#[async_trait]
pub trait Auth: Send + Sync {
    /// What to show Vault now.
    async fn proof(&self, now: Timestamp) -> Result<Proof, Error>;

    /// Vault refused what was shown.
    fn rejected(&self);

    /// What to look at when Vault refuses.
    fn advice(&self) -> &'static str;
}
