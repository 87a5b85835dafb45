//! Keep, renew and serve X.509 certificates.

#[cfg(feature = "acceptor")]
mod acceptor;
#[cfg(any(feature = "file", feature = "aws-lc-rs", feature = "ring"))]
mod blocking;
pub mod claim;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod holding;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub mod keeper;
#[cfg(feature = "acceptor")]
mod listener;
#[cfg(all(feature = "placeholder", any(feature = "aws-lc-rs", feature = "ring")))]
mod placeholder;
pub mod policy;
#[cfg(all(feature = "rustls", any(feature = "aws-lc-rs", feature = "ring")))]
mod provider;
pub mod record;
#[cfg(feature = "rustls")]
mod resolver;
mod serve;
mod spec;
mod store;

#[cfg(feature = "acceptor")]
pub use acceptor::{Accepted, Acceptor};
pub use acme_core::{Error, ErrorKind, Retry};
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub use keeper::Keeper;
#[cfg(feature = "acceptor")]
pub use listener::Listener;
#[cfg(all(feature = "placeholder", any(feature = "aws-lc-rs", feature = "ring")))]
pub use placeholder::placeholder;
#[cfg(all(feature = "rustls", any(feature = "aws-lc-rs", feature = "ring")))]
pub use provider::provider;
pub use record::{Credential, Record};
#[cfg(feature = "rustls")]
pub use resolver::Resolver;
pub use serve::Serve;
pub use spec::{Keys, Spec};
#[cfg(all(feature = "file", unix))]
pub use store::FileStore;
pub use store::MemoryStore;
