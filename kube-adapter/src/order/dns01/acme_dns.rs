//! `dns01.acmeDNS`: a server of acme-dns, and its accounts in one Secret.

use std::sync::Arc;

use acme_core::{Clock, Error};
use solvers::dns::acme_dns::{Accounts, AcmeDns};
use solvers::dns01::Resolver;

use super::credentials::{Credentials, Value};
use crate::crd::acme::dns01::AcmeDns as Spec;

/// The server at `host`, for the accounts of the Secret.
///
/// # Errors
/// `Malformed` when `host` is no URL.
pub(super) fn make(
    credentials: &Credentials<'_>,
    spec: &Spec,
    resolver: &Resolver,
    clock: Arc<dyn Clock>,
) -> Result<AcmeDns, Error> {
    let accounts = Value("error getting acmedns accounts secret", &spec.account_secret_ref);
    let accounts = credentials.source([accounts], |[accounts]| Accounts::from_json(&accounts));
    AcmeDns::new(&spec.host, accounts, resolver.clone(), credentials.transport()?, clock)
}
