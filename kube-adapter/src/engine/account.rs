//! An account at an ACME server, as Orders use it.

use std::sync::Arc;

use acme_core::client::Client;
use acme_core::protocol::Url;
use issuers::Renewal;
use issuers::acme::pace::Pace;

use crate::crd::acme::AcmeIssuer;
use crate::order::DnsSolvers;

/// An account at an ACME server, and how its challenges are answered.
#[derive(Clone)]
pub(crate) struct Account {
    /// The protocol client, behind the pace that all orders of this account share.
    pub(crate) client: Arc<dyn Client>,
    /// Who tells when certificates should be renewed, where the server does.
    pub(crate) renewals: Arc<dyn Renewal>,
    /// The pace of the client, which is told of orders that were made before.
    pub(crate) pace: Arc<Pace>,
    /// The account's URL.
    pub(crate) url: Url,
    /// What the issuer says of solvers and chains. Another word of the issuer is another value.
    pub(crate) spec: Arc<AcmeIssuer>,
    /// Solvers of DNS-01 that were made for it.
    pub(crate) dns_solvers: Arc<DnsSolvers>,
}
