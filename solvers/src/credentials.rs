//! Credentials for the services that solvers and issuers talk to: where they come from, and how they stay fresh.
//!
//! [`CredentialSource`] is the trait. [`Fixed`] holds what the caller has; [`Refreshing`] fetches, keeps and renews what ends by itself, from
//! anything that can [`Fetch`] it: a [`SecretFile`], a platform, a login.

#[cfg(any(feature = "azure", feature = "google"))]
mod assertion;
#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "azure")]
pub mod azure;
mod fixed;
#[cfg(feature = "google")]
pub mod google;
#[cfg(any(feature = "azure", feature = "google"))]
mod oauth;
mod refreshing;
mod secret_file;

use std::sync::Arc;

use acme_core::{Error, Timestamp};
use async_trait::async_trait;

#[cfg(any(feature = "azure", feature = "google"))]
pub use assertion::Assertion;
pub use fixed::Fixed;
#[cfg(any(feature = "azure", feature = "google"))]
pub use oauth::AccessToken;
pub use refreshing::{Fetch, Fetched, Refreshing};
pub use secret_file::SecretFile;

/// Answers what to authenticate with, now.
///
/// Ask before each request and keep nothing: rotation is then the source's own affair. When the other side refuses what was answered, say so with
/// [`rejected`](Self::rejected) and ask once more.
///
/// # Contract
/// 1. What is answered is valid at `now` as far as the source knows; what ended is an error, never an answer.
/// 2. Callers at the same time share one fetch; one that gives up harms no other.
/// 3. After `rejected`, nothing that was answered before is answered from memory: the next call fetches anew.
/// 4. A renewal that fails is not the caller's concern while the old credential is valid and was not rejected.
/// 5. Time comes in as `now`, which may jump either way; no clock is read, and nothing sleeps.
/// 6. Nothing secret is in `Debug`, in an error or in a log.
#[async_trait]
pub trait CredentialSource<T>: Send + Sync {
    /// What to authenticate with at `now`.
    async fn credential(&self, now: Timestamp) -> Result<Arc<T>, Error>;

    /// The other side refused what was answered: it was revoked, rotated or ended early.
    fn rejected(&self);
}
