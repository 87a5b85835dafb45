//! Who keeps the zone: the block of the specification that is set, as the library's provider. This is the one place where a provider is mapped.

use std::sync::Arc;

use acme_core::{Clock, Error, ErrorKind, Retry};
use solvers::dns::rfc2136::{Rfc2136, TsigAlgorithm, TsigKey};
use solvers::dns01::DnsProvider;

use super::credentials::Credentials;
use crate::crd::acme::dns01::{Dns01Solver, Rfc2136 as Spec, UpdateProtocol};

/// The provider of a solver, with its credentials.
///
/// # Errors
/// `Unsupported` for a provider that this build lacks, `NotFound` for a Secret that is not there, `Malformed` for what cannot be read.
pub(super) async fn make(
    spec: &Dns01Solver,
    credentials: &Credentials<'_>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn DnsProvider>, Error> {
    match Block::of(spec) {
        Block::Rfc2136(spec) => Ok(Arc::new(rfc2136(credentials, spec, clock).await?)),
        Block::Lacking(name) => Err(lacking(&format!("this build has no DNS-01 provider {name}"))),
        Block::None => Err(lacking("the dns01 solver names no provider")),
    }
}

/// Has this build the provider?
///
/// # Errors
/// `Unsupported`, with what is missing and what to use instead.
pub(in crate::order) fn is_known(spec: &Dns01Solver) -> Result<(), Error> {
    match Block::of(spec) {
        Block::Rfc2136(_) => Ok(()),
        Block::Lacking(name) => Err(lacking(&format!("this build has no DNS-01 provider {name}"))),
        Block::None => Err(lacking("the dns01 solver names no provider")),
    }
}

/// The block that is set: admission lets there be one.
enum Block<'a> {
    Rfc2136(&'a Spec),
    /// One whose provider this build lacks.
    Lacking(&'static str),
    None,
}

impl<'a> Block<'a> {
    fn of(spec: &'a Dns01Solver) -> Self {
        match spec {
            Dns01Solver { rfc2136: Some(spec), .. } => Self::Rfc2136(spec),
            Dns01Solver { akamai: Some(_), .. } => Self::Lacking("akamai"),
            Dns01Solver { cloud_dns: Some(_), .. } => Self::Lacking("cloudDNS"),
            Dns01Solver { cloudflare: Some(_), .. } => Self::Lacking("cloudflare"),
            Dns01Solver { route53: Some(_), .. } => Self::Lacking("route53"),
            Dns01Solver { azure_dns: Some(_), .. } => Self::Lacking("azureDNS"),
            Dns01Solver { digital_ocean: Some(_), .. } => Self::Lacking("digitalocean"),
            Dns01Solver { acme_dns: Some(_), .. } => Self::Lacking("acmeDNS"),
            Dns01Solver { webhook: Some(_), .. } => Self::Lacking("webhook"),
            Dns01Solver { .. } => Self::None,
        }
    }
}

fn lacking(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{what}; it has: rfc2136")).with_retry(Retry::Never)
}

async fn rfc2136(credentials: &Credentials<'_>, spec: &Spec, clock: Arc<dyn Clock>) -> Result<Rfc2136, Error> {
    let mut provider = Rfc2136::new(&spec.nameserver, clock)?;
    if spec.protocol == Some(UpdateProtocol::Tcp) {
        provider = provider.over_tcp();
    }
    if !spec.tsig_key_name.is_empty() && !spec.tsig_secret_secret_ref.name.is_empty() {
        let secret = credentials.read(&spec.tsig_secret_secret_ref).await?;
        let key = TsigKey::from_base64(&spec.tsig_key_name, algorithm(&spec.tsig_algorithm)?, &secret)?;
        provider = provider.with_key(key);
    }
    Ok(provider)
}

fn algorithm(named: &str) -> Result<TsigAlgorithm, Error> {
    Ok(match named.to_ascii_uppercase().as_str() {
        "" | "HMACMD5" => TsigAlgorithm::HmacMd5,
        "HMACSHA1" => TsigAlgorithm::HmacSha1,
        "HMACSHA256" => TsigAlgorithm::HmacSha256,
        "HMACSHA512" => TsigAlgorithm::HmacSha512,
        _ => {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!("the algorithm {named:?} is not supported: use HMACMD5, HMACSHA1, HMACSHA256 or HMACSHA512"),
            )
            .with_retry(Retry::Never));
        }
    })
}
