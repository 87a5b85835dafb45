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
/// `NotFound` for a Secret that is not there, `Malformed` when `host` is no URL or the accounts are none.
pub(super) async fn make(
    credentials: &Credentials<'_>,
    spec: &Spec,
    resolver: &Resolver,
    clock: Arc<dyn Clock>,
) -> Result<AcmeDns, Error> {
    let selector = &spec.account_secret_ref;
    let accounts = Value::new(
        selector,
        "error getting acmedns accounts secret: ",
        format!("error getting acmedns accounts secret: key '{}' not found in secret", selector.key),
    );
    let read = |[accounts]: [_; 1]| {
        let accounts = Accounts::from_json(&accounts);
        accounts.map_err(|error| error.while_doing(format_args!("{MAKING}: Error unmarshalling accountJSON")))
    };
    let accounts = credentials.source([accounts], read).await?;
    AcmeDns::new(&spec.host, accounts, resolver.clone(), credentials.transport()?, clock)
        .map_err(|error| error.while_doing(format_args!("{MAKING}: Error creating acme-dns client")))
}

const MAKING: &str = "error instantiating acmedns challenge solver";
