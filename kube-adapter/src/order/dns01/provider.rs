//! Who keeps the zone: the block of the specification that is set, as the library's provider. This is the one place where a provider is mapped.

use std::sync::Arc;
use std::time::Duration;

use acme_core::{Clock, Error, ErrorKind, Retry};
use solvers::dns01::{DnsProvider, Resolver};

use super::credentials::Credentials;
use super::{acme_dns, akamai, azure_dns, cloud_dns, cloudflare, digitalocean, rfc2136, route53, webhook};
use crate::crd::acme::dns01::{
    AcmeDns, Akamai, AzureDns, CloudDns, Cloudflare, DigitalOcean, Dns01Solver, Rfc2136, Route53, Webhook,
};

/// The provider of a solver, with its credentials.
///
/// # Errors
/// `Unsupported` where none is named, `NotFound` for a Secret that is not there, `Malformed` for what cannot be read.
pub(super) async fn make(
    spec: &Dns01Solver,
    credentials: &Credentials<'_>,
    resolver: &Resolver,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn DnsProvider>, Error> {
    Ok(match Block::of(spec) {
        Block::Webhook(spec) => Arc::new(webhook::make(credentials, spec, clock)?),
        Block::Rfc2136(spec) => Arc::new(rfc2136::make(credentials, spec, clock).await?),
        Block::Akamai(spec) => Arc::new(akamai::make(credentials, spec, clock).await?),
        Block::CloudDns(spec) => Arc::new(cloud_dns::make(credentials, spec, clock).await?),
        Block::Cloudflare(spec) => Arc::new(cloudflare::make(credentials, spec, clock).await?),
        Block::DigitalOcean(spec) => Arc::new(digitalocean::make(credentials, spec, clock).await?),
        Block::Route53(spec) => Arc::new(route53::make(credentials, spec, clock).await?),
        Block::AzureDns(spec) => Arc::new(azure_dns::make(credentials, spec, clock).await?),
        Block::AcmeDns(spec) => Arc::new(acme_dns::make(credentials, spec, resolver, clock).await?),
        Block::None => return Err(unnamed()),
    })
}

/// Is a provider named?
///
/// # Errors
/// `Unsupported`, with those that there are.
pub(in crate::order) fn is_known(spec: &Dns01Solver) -> Result<(), Error> {
    match Block::of(spec) {
        Block::None => Err(unnamed()),
        Block::Webhook(_)
        | Block::Rfc2136(_)
        | Block::Akamai(_)
        | Block::CloudDns(_)
        | Block::Cloudflare(_)
        | Block::DigitalOcean(_)
        | Block::Route53(_)
        | Block::AzureDns(_)
        | Block::AcmeDns(_) => Ok(()),
    }
}

/// How long the record may be cached: as cert-manager has it, so that either of the two takes away what the other one made.
pub(super) fn ttl(spec: &Dns01Solver) -> Duration {
    Duration::from_secs(match Block::of(spec) {
        Block::Route53(_) => 10,
        Block::Akamai(_) => 300,
        Block::Webhook(_)
        | Block::Rfc2136(_)
        | Block::CloudDns(_)
        | Block::Cloudflare(_)
        | Block::DigitalOcean(_)
        | Block::AzureDns(_)
        | Block::AcmeDns(_)
        | Block::None => 60,
    })
}

/// The block that is set. Admission lets Akamai and acme-dns stand beside another: the first one here is taken, as by cert-manager.
enum Block<'a> {
    Webhook(&'a Webhook),
    Rfc2136(&'a Rfc2136),
    Akamai(&'a Akamai),
    CloudDns(&'a CloudDns),
    Cloudflare(&'a Cloudflare),
    DigitalOcean(&'a DigitalOcean),
    Route53(&'a Route53),
    AzureDns(&'a AzureDns),
    AcmeDns(&'a AcmeDns),
    None,
}

impl<'a> Block<'a> {
    fn of(spec: &'a Dns01Solver) -> Self {
        match spec {
            Dns01Solver { webhook: Some(spec), .. } => Self::Webhook(spec),
            Dns01Solver { rfc2136: Some(spec), .. } => Self::Rfc2136(spec),
            Dns01Solver { akamai: Some(spec), .. } => Self::Akamai(spec),
            Dns01Solver { cloud_dns: Some(spec), .. } => Self::CloudDns(spec),
            Dns01Solver { cloudflare: Some(spec), .. } => Self::Cloudflare(spec),
            Dns01Solver { digital_ocean: Some(spec), .. } => Self::DigitalOcean(spec),
            Dns01Solver { route53: Some(spec), .. } => Self::Route53(spec),
            Dns01Solver { azure_dns: Some(spec), .. } => Self::AzureDns(spec),
            Dns01Solver { acme_dns: Some(spec), .. } => Self::AcmeDns(spec),
            Dns01Solver { .. } => Self::None,
        }
    }
}

fn unnamed() -> Error {
    let what = "no dns provider config specified for challenge; there are acmeDNS, akamai, azureDNS, cloudDNS, cloudflare, digitalocean, rfc2136, route53 and webhook";
    Error::new(ErrorKind::Unsupported, what).with_retry(Retry::Never)
}
