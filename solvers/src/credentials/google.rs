//! Google Cloud: access tokens for its APIs.
//!
//! [`ServiceAccount`] signs with a key that was downloaded ([`ReplacedKey`] where another may take its place), [`Federation`] exchanges a token of another
//! platform, and [`Metadata`] asks where the program runs (GKE's workload identity answers there, too). [`Environment`] finds one of them as Google's own
//! libraries do. Each is of use behind [`Refreshing`](super::Refreshing).
//!
//! ```
//! # use std::sync::Arc;
//! # fn example(transport: Arc<dyn acme_core::Transport>) {
//! use certwright_solvers::credentials::{AccessToken, CredentialSource, Refreshing};
//! use certwright_solvers::credentials::google::{Environment, Metadata, Scope};
//!
//! let here: Arc<dyn CredentialSource<AccessToken>> =
//!     Arc::new(Refreshing::new(Metadata::new(Scope::CLOUD_DNS, transport.clone())));
//! // Where the program begins:
//! let ambient = Environment::from_environment().identity(Scope::CLOUD_DNS, transport);
//! let ambient: Arc<dyn CredentialSource<AccessToken>> = Arc::new(Refreshing::new(ambient));
//! # }
//! ```

mod environment;
mod federation;
mod metadata;
mod replaced_key;
mod service_account;

pub use environment::{Environment, Identity};
pub use federation::Federation;
pub use metadata::Metadata;
pub use replaced_key::ReplacedKey;
pub use service_account::ServiceAccount;

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scope(&'static str);

impl Scope {
    /// Reading and changing Cloud DNS.
    pub const CLOUD_DNS: Self = Self("https://www.googleapis.com/auth/ndev.clouddns.readwrite");

    /// All that its owner may do: what exchanges of tokens want.
    pub const CLOUD_PLATFORM: Self = Self("https://www.googleapis.com/auth/cloud-platform");

    /// The address that it is called by.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}
