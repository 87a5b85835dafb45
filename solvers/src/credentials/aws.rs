//! AWS: credentials from everywhere, and requests that are signed with them.
//!
//! [`Credentials`] sign a request in the [`Scope`] of a service and a region; [`Client`] does so, sends it to an [`Endpoint`], and understands refusals.
//! [`DefaultChain`] finds credentials as AWS's own libraries do; [`AssumeRole`], [`WebIdentity`], [`Container`] and [`Instance`] are its parts, each of use
//! by itself behind [`Refreshing`](super::Refreshing). [`sts::caller_identity`] is the request by which others (Vault's AWS method) learn who somebody is.
//!
//! ```
//! # use std::sync::Arc;
//! # struct Wall;
//! # impl acme_core::Clock for Wall {
//! #     fn now(&self) -> acme_core::Timestamp { acme_core::Timestamp::EPOCH }
//! # }
//! # fn example(transport: Arc<dyn acme_core::Transport>) -> Result<(), certwright_solvers::Error> {
//! use certwright_solvers::credentials::aws::{Client, DefaultChain, Endpoint, Environment, Region};
//!
//! // Where the program begins, and nowhere else:
//! let chain = DefaultChain::new(Environment::from_environment(), transport.clone());
//! let region = chain.region()?.unwrap_or(Region::parse("eu-central-1")?);
//! let client = Client::new(Endpoint::of("acm-pca", &region)?, Arc::new(chain.into_source()), transport, Arc::new(Wall));
//! # Ok(())
//! # }
//! ```

mod answer;
mod assume_role;
mod chain;
mod client;
mod container;
mod credentials;
mod endpoint;
mod environment;
mod fault;
mod instance;
mod plan;
mod profile;
mod region;
mod sigv4;
pub mod sts;
mod web_identity;
pub mod xml;

pub use assume_role::AssumeRole;
pub use chain::DefaultChain;
pub use client::Client;
pub use container::Container;
pub use credentials::Credentials;
pub use endpoint::Endpoint;
pub use environment::Environment;
pub use fault::Fault;
pub use instance::Instance;
pub use profile::{ProfileFile, Profiles};
pub use region::{Partition, Region};
pub use sigv4::Scope;
pub use web_identity::WebIdentity;
