//! Keep, renew and serve X.509 certificates.
//!
//! A `Keeper` is opened over a [`Store`](acme_core::Store) and issuers, and is told what shall exist: a [`Spec`]. All it knows of
//! a certificate is one [`Record`] under one key, so key, chain, the issuance under way and the claim on it cannot tear. It tells a [`Serve`]
//! what to serve: `Resolver`, which rustls asks; `Acceptor` and `Listener` accept connections with it, and answer validators of TLS-ALPN-01 themselves.
//!
//! Each part is of use alone: [`policy`] decides about time and need without doing anything, [`claim`] says who may work on a record.
//!
//! | feature | what it makes exist |
//! |---|---|
//! | none | [`Spec`], [`Record`], [`policy`], [`claim`], [`MemoryStore`] |
//! | `aws-lc-rs`, `ring` | who makes keys, and with that `keeper` and `output`; with both compiled, aws-lc-rs is used |
//! | `file` | `FileStore`: records in a folder, shared by the processes of one machine (Unix) |
//! | `tokio` | `Builder::spawn`, and files and keys off the executor's threads |
//! | `rustls` | `Resolver`, `provider` |
//! | `acceptor` | `Acceptor`, `Listener` (over tokio) |
//! | `axum` | `Listener` can be given to `axum::serve` |
//! | `windows` | `policy::renew::RenewalWindow`: renewal inside windows that a cron expression and a time zone name |
//! | `pkcs12`, `jks` | `keystore`: a key and its chain, or authorities to trust, in the files that Java and others read |
//! | `placeholder` | `placeholder`: a self-signed certificate to show until the first one is there |

#[cfg(feature = "acceptor")]
mod acceptor;
#[cfg(any(feature = "file", feature = "aws-lc-rs", feature = "ring"))]
mod blocking;
pub mod claim;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod holding;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub mod keeper;
#[cfg(any(feature = "pkcs12", feature = "jks"))]
pub mod keystore;
#[cfg(any(feature = "pkcs12", feature = "jks", feature = "windows"))]
pub mod limits;
#[cfg(feature = "acceptor")]
mod listener;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub mod output;
#[cfg(all(feature = "placeholder", any(feature = "aws-lc-rs", feature = "ring")))]
mod placeholder;
pub mod policy;
#[cfg(all(feature = "rustls", any(feature = "aws-lc-rs", feature = "ring")))]
mod provider;
pub mod record;
#[cfg(feature = "rustls")]
mod resolver;
mod serve;
pub mod spec;
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
pub use spec::{Contents, Keys, Spec};
#[cfg(all(feature = "file", unix))]
pub use store::FileStore;
pub use store::MemoryStore;
