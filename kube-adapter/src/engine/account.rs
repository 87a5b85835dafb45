//! An account at an ACME server, as Orders use it.

use std::sync::Arc;

use acme_core::client::Client;
use issuers::Renewal;

use crate::crd::acme::AcmeIssuer;

/// An account at an ACME server, and how its challenges are answered.
#[derive(Clone)]
pub(crate) struct Account {
    /// The protocol client, behind the pace that all orders of this account share.
    pub(crate) client: Arc<dyn Client>,
    /// Who tells when certificates should be renewed, where the server does.
    pub(crate) renewals: Arc<dyn Renewal>,
    /// What the issuer says of solvers and chains. Another word of the issuer is another value.
    pub(crate) spec: Arc<AcmeIssuer>,
}
