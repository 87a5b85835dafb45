//! DNS-01: cert-manager's specification → the library's solver.

mod credentials;
mod provider;

use std::sync::Arc;

use acme_core::transport::ReqwestTransport;
use acme_core::{Clock, Error};
use solvers::Solver;
use solvers::dns01::{Delegation, Dns01, NameServer, Propagation, Resolver};

use crate::crd::acme::dns01::{CnameStrategy, Dns01Solver};

pub(crate) use credentials::Credentials;
pub(in crate::order) use provider::is_known;

/// Makes a solver that shows `value`.
///
/// # Errors
/// `Unsupported` for a provider that this build lacks, `NotFound` for a Secret that is not there, `Malformed` for what cannot be read.
pub(super) async fn make(
    spec: &Dns01Solver,
    value: &str,
    credentials: &Credentials<'_>,
) -> Result<Arc<dyn Solver>, Error> {
    let context = credentials.context;
    let clock: Arc<dyn Clock> = context.timer.clone();
    let provider = provider::make(spec, credentials, Arc::clone(&clock)).await?;
    let settings = &context.settings.acme;
    let named = match spec.nameservers.is_empty() {
        true => &settings.dns01_nameservers,
        false => &spec.nameservers,
    };
    let servers = named.iter().map(|it| it.parse()).collect::<Result<Vec<NameServer>, Error>>()?;
    let behind_https = servers.iter().any(|it| matches!(it, NameServer::Https(_)));
    let resolver = match (servers.is_empty(), behind_https) {
        (true, _) => Resolver::system(clock)?,
        (false, true) => Resolver::over(servers, clock)?.with_https(Arc::new(ReqwestTransport::new()?)),
        (false, false) => Resolver::over(servers, clock)?,
    };
    let propagation = match settings.dns01_recursive_only {
        true => Propagation::Resolver,
        false => Propagation::Authoritative,
    };
    let delegation = match spec.cname_strategy {
        Some(CnameStrategy::Follow) => Delegation::Follow,
        Some(CnameStrategy::None | CnameStrategy::Other(_)) | None => Delegation::None,
    };
    let solver = Dns01::shared(provider, resolver)
        .with_value(value)
        .with_delegation(delegation)
        .with_propagation(propagation)
        .with_again_after(context.settings.check_again_after);
    Ok(Arc::new(solver))
}
