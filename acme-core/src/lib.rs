//! The client side of ACME as pure state machines, and the ports around them.
//!
//! | feature | what it makes exist |
//! |---|---|
//! | `aws-lc-rs` | `PrivateKey`, signatures and their verification by aws-lc-rs; used where both providers are compiled |
//! | `ring` | the same by ring: no RSA generation, no P-521 |
//! | `rsa-sizes` with `aws-lc-rs` | RSA keys of any size from 2048 to 8192 bits are made, by the crate `rsa`; they are signed with by aws-lc-rs, feature or not |
//! | `idna` | names typed by humans: U-labels are parsed |
//! | `reqwest` with a provider | `transport::ReqwestTransport`: HTTPS over reqwest and rustls |
//! | `instant-acme-0-8` with a provider | sessions that sign through accounts of instant-acme; without a provider, instant-acme does not compile |

pub mod backoff;
pub mod client;
pub mod der;
pub mod directory;
pub mod envelope;
mod error;
pub mod flow;
pub mod hash;
mod identifier;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub mod instant_acme_0_8;
pub mod jose;
pub mod key;
pub mod limits;
pub mod pem;
pub mod protocol;
mod secret;
pub mod session;
mod store;
pub mod text;
mod time;
pub mod transport;

pub use client::Client;
pub use directory::Directory;
pub use error::{Error, ErrorKind, Retry};
pub use identifier::{DnsName, Identifier, OtherIdentifier};
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub use key::PrivateKey;
pub use key::{KeyType, SignatureAlgorithm, Signer};
pub use secret::Secret;
pub use session::Session;
pub use store::{Entry, Expect, Key, Page, Prefix, Store, Version};
pub use time::{Clock, Timestamp};
pub use transport::Transport;
