//! DNS-01: cert-manager's specification → the library's solver.

mod acme_dns;
mod akamai;
mod azure_dns;
mod cloud_dns;
mod cloudflare;
mod credentials;
mod digitalocean;
mod made;
mod provider;
mod rfc2136;
mod route53;
mod services;
mod webhook;

use std::sync::Arc;

use acme_core::{Clock, Error};
use solvers::Solver;
use solvers::dns01::{Delegation, Dns01, NameServer, Propagation, Resolver};

use crate::crd::acme::dns01::{CnameStrategy, Dns01Solver};

pub(crate) use credentials::Credentials;
pub(crate) use made::DnsSolvers;
pub(in crate::order) use provider::is_known;
pub(crate) use services::DnsServices;

/// Makes a solver that shows `value`: over what was `made` for the same specification already, where there is an account that keeps it.
///
/// # Errors
/// `Unsupported` where no provider is named, `NotFound` for a Secret that is not there, `Malformed` for what cannot be read.
pub(super) async fn make(
    spec: &Dns01Solver,
    value: &str,
    credentials: &Credentials<'_>,
    made: Option<&DnsSolvers>,
) -> Result<Arc<dyn Solver>, Error> {
    let solver = match made.and_then(|made| made.find(spec)) {
        Some(solver) => solver,
        None => {
            let solver = anew(spec, credentials).await?;
            made.map_or(solver.clone(), |made| made.keep(spec, solver))
        }
    };
    Ok(Arc::new(solver.with_value(value)))
}

async fn anew(spec: &Dns01Solver, credentials: &Credentials<'_>) -> Result<Dns01, Error> {
    let context = credentials.context;
    let clock: Arc<dyn Clock> = context.timer.clone();
    let settings = &context.settings.acme;
    let named = match spec.nameservers.is_empty() {
        true => &settings.dns01_nameservers,
        false => &spec.nameservers,
    };
    let servers = named.iter().map(|it| it.parse()).collect::<Result<Vec<NameServer>, Error>>()?;
    let behind_https = servers.iter().any(|it| matches!(it, NameServer::Https(_)));
    let resolver = match (servers.is_empty(), behind_https) {
        (true, _) => Resolver::system(Arc::clone(&clock))?,
        (false, true) => Resolver::over(servers, Arc::clone(&clock))?.with_https(services::transport(context)?),
        (false, false) => Resolver::over(servers, Arc::clone(&clock))?,
    };
    let provider = provider::make(spec, credentials, &resolver, clock).await?;
    let propagation = match settings.dns01_recursive_only {
        true => Propagation::Resolver,
        false => Propagation::Authoritative,
    };
    let delegation = match spec.cname_strategy {
        Some(CnameStrategy::Follow) => Delegation::Follow,
        Some(CnameStrategy::None | CnameStrategy::Other(_)) | None => Delegation::None,
    };
    Ok(Dns01::shared(provider, resolver)
        .with_delegation(delegation)
        .with_propagation(propagation)
        .with_ttl(provider::ttl(spec))
        .with_again_after(context.settings.check_again_after))
}
