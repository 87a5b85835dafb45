//! Azure: access tokens of Microsoft Entra, for Azure's resource manager.
//!
//! [`ClientSecret`], [`WorkloadIdentity`] and [`ManagedIdentity`] are ways to one; [`Environment`] chooses among the two that a platform offers, as Azure's
//! own libraries do. Each is of use behind [`Refreshing`](super::Refreshing).
//!
//! ```
//! # use std::sync::Arc;
//! # fn example(transport: Arc<dyn acme_core::Transport>) -> Result<(), certwright_solvers::Error> {
//! use certwright_solvers::credentials::azure::{ClientSecret, Cloud, Environment};
//! use certwright_solvers::credentials::{AccessToken, CredentialSource, Refreshing, SecretFile};
//!
//! // The secret of a service principal, read again when it was refused:
//! let secret = Arc::new(Refreshing::new(SecretFile::new("/run/secrets/azure", |it| acme_core::Secret::new(it.expose().clone()))));
//! let principal = ClientSecret::new(Cloud::Public, "tenant", "client", secret, transport.clone());
//! let principal: Arc<dyn CredentialSource<AccessToken>> = Arc::new(Refreshing::new(principal));
//!
//! // What the platform gives, where the program begins:
//! let ambient = Environment::from_environment().identity(Cloud::Public, None, None, transport)?;
//! let ambient: Arc<dyn CredentialSource<AccessToken>> = Arc::new(Refreshing::new(ambient));
//! # Ok(())
//! # }
//! ```

mod client_secret;
mod cloud;
mod environment;
mod managed_identity;
mod workload_identity;

pub use client_secret::ClientSecret;
pub use cloud::Cloud;
pub use environment::{Environment, Identity};
pub use managed_identity::{Chosen, ManagedIdentity};
pub use workload_identity::WorkloadIdentity;
