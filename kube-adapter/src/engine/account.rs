//! An account at an ACME server, as Orders use it.

use std::sync::Arc;

use acme_core::client::Client;

use crate::crd::acme::AcmeIssuer;

/// An account at an ACME server, and how its challenges are answered.
pub(crate) struct Account {
    /// The protocol client, behind the pace that all orders of this account share.
    pub(crate) client: Arc<dyn Client>,
    /// What the issuer says of solvers and chains. Another word of the issuer is another value.
    pub(crate) spec: Arc<AcmeIssuer>,
}
