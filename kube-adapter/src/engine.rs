//! Issuers of the cluster as the library's: the one place where a specification becomes configuration.

use std::sync::Arc;

use issuers::Issuer;

/// An issuer that is set up.
#[derive(Clone)]
pub(crate) enum Engine {
    /// It signs in this process and nobody else hears of the request: CA, self-signed.
    Local(Arc<dyn Issuer>),
    /// Somebody else signs, in one question or a few: Vault, Venafi.
    Remote(Arc<dyn Issuer>),
    /// An account at an ACME server: what it is asked for becomes an Order.
    Acme(Arc<Account>),
}

/// An account at an ACME server, and how its challenges are answered.
pub(crate) struct Account {
    /// The protocol client, behind the pace that all orders of this account share.
    pub(crate) client: Arc<dyn acme_core::client::Client>,
}
