//! Sessions through accounts of instant-acme 0.8, and the credentials that it stores.
//!
//! A program that works with instant-acme has three ways on. It keeps its `instant_acme::Account`, sent over our transport
//! ([`OverTransport`]), and orders through it ([`session`]); it keeps the stored credentials alone and lets instant-acme sign
//! ([`restore`]); or it leaves instant-acme behind, and needs no feature for that: [`Credentials`] are an account URL and a key, which
//! [`Credentials::session`] and the ACME issuer take up without a new registration.
//!
//! Under `session` and `restore` the account signs, and what it signed is sent by the [`Directory`](crate::Directory), as every other session's requests are:
//! the answers come back whole. That closes most of what instant-acme 0.8.5 leaves open; [`GAPS`] is the list:
//!
//! | instant-acme 0.8.5 cannot | here |
//! |---|---|
//! | ask for notBefore and notAfter | `lacks` names it: an issuer that needs it is not built |
//! | change its key so that a crash loses nothing | refused |
//! | agree to the terms of service once more | refused |
//! | sign with a key that is not ECDSA P-256 | refused |
//! | list and fetch alternate chains | works |
//! | reach authorizations and challenges by URL | works |
//! | hand up Retry-After | works |
//! | hand up statuses, and problem documents whole | works |
//! | go on after three answers of badNonce | works |
//! | tell that giving the account up was refused | works |
//! | read the account and the list of its orders | works |
//! | revoke with the certificate's own key | works |
//! | register a key of one's own with contacts or an external account binding | works |
//!
//! What is refused is `Unsupported` before anything is sent, and says what to do instead.
//!
//! # Examples
//! ```
//! # #[cfg(feature = "instant-acme-0-8")]
//! # mod example {
//! use std::sync::Arc;
//!
//! use certwright_acme_core::instant_acme_0_8::{self, OverTransport};
//! use certwright_acme_core::{Client, Directory, Transport};
//! use instant_acme::{Account, AccountCredentials};
//!
//! async fn client(
//!     directory: &Directory,
//!     transport: Arc<dyn Transport>,
//!     stored: AccountCredentials,
//! ) -> Result<Arc<dyn Client>, Box<dyn std::error::Error>> {
//!     let over = OverTransport::new(transport);
//!     let account = Account::builder_with_http(Box::new(over)).from_credentials(stored).await?;
//!     Ok(Arc::new(instant_acme_0_8::session(directory, account).await?))
//! }
//! # }
//! ```

mod credentials;
#[cfg(feature = "instant-acme-0-8")]
mod desk;
#[cfg(feature = "instant-acme-0-8")]
mod gaps;
#[cfg(feature = "instant-acme-0-8")]
mod hand;
#[cfg(feature = "instant-acme-0-8")]
mod over_transport;
#[cfg(feature = "instant-acme-0-8")]
mod request;
#[cfg(feature = "instant-acme-0-8")]
mod through;

pub use credentials::Credentials;
#[cfg(feature = "instant-acme-0-8")]
pub use gaps::{GAPS, Gap, Here};
#[cfg(feature = "instant-acme-0-8")]
pub use over_transport::OverTransport;
#[cfg(feature = "instant-acme-0-8")]
pub use through::{restore, session};
