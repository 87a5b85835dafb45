//! DNS-01: cert-manager's specification → the library's solver.

use std::sync::Arc;

use acme_core::transport::ReqwestTransport;
use acme_core::{Clock, Error, ErrorKind, Retry, Secret};
use k8s_openapi::api::core::v1::Secret as SecretObject;
use solvers::Solver;
use solvers::dns::rfc2136::{Rfc2136, TsigAlgorithm, TsigKey};
use solvers::dns01::{Delegation, Dns01, DnsProvider, NameServer, Propagation, Resolver};

use crate::api::Resource;
use crate::context::Context;
use crate::crd::acme::dns01::{CnameStrategy, Dns01Solver, Rfc2136 as Spec, UpdateProtocol};
use crate::crd::reference::SecretKeySelector;
use crate::key::Name;

/// Makes a solver that shows `value`.
///
/// # Errors
/// `Unsupported` for a provider that this build lacks, `NotFound` for a Secret that is not there, `Malformed` for what cannot be read.
pub(super) async fn make(
    context: &Context,
    spec: &Dns01Solver,
    value: &str,
    secrets: &str,
) -> Result<Arc<dyn Solver>, Error> {
    let clock: Arc<dyn Clock> = context.timer.clone();
    let provider: Arc<dyn DnsProvider> = match &spec.rfc2136 {
        Some(spec) => Arc::new(rfc2136(context, spec, secrets, Arc::clone(&clock)).await?),
        None => return Err(missing(spec)),
    };
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

/// Has this build the provider?
///
/// # Errors
/// `Unsupported`, with what is missing and what to use instead.
pub(super) fn is_known(spec: &Dns01Solver) -> Result<(), Error> {
    match &spec.rfc2136 {
        Some(_) => Ok(()),
        None => Err(missing(spec)),
    }
}

fn missing(spec: &Dns01Solver) -> Error {
    let providers = [
        (spec.akamai.is_some(), "akamai"),
        (spec.cloud_dns.is_some(), "cloudDNS"),
        (spec.cloudflare.is_some(), "cloudflare"),
        (spec.route53.is_some(), "route53"),
        (spec.azure_dns.is_some(), "azureDNS"),
        (spec.digital_ocean.is_some(), "digitalocean"),
        (spec.acme_dns.is_some(), "acmeDNS"),
        (spec.webhook.is_some(), "webhook"),
    ];
    let named: Vec<&str> = providers.into_iter().filter(|(is_set, _)| *is_set).map(|(_, name)| name).collect();
    let what = match named.is_empty() {
        true => "the dns01 solver names no provider".to_owned(),
        false => format!("this build has no DNS-01 provider {}", named.join(", ")),
    };
    Error::new(ErrorKind::Unsupported, format!("{what}; it has: rfc2136")).with_retry(Retry::Never)
}

async fn rfc2136(context: &Context, spec: &Spec, secrets: &str, clock: Arc<dyn Clock>) -> Result<Rfc2136, Error> {
    let mut provider = Rfc2136::new(&spec.nameserver, clock)?;
    if spec.protocol == Some(UpdateProtocol::Tcp) {
        provider = provider.over_tcp();
    }
    if !spec.tsig_key_name.is_empty() && !spec.tsig_secret_secret_ref.name.is_empty() {
        let secret = read(context, &spec.tsig_secret_secret_ref, secrets).await?;
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

/// Reads one value of a Secret as text.
async fn read(context: &Context, selector: &SecretKeySelector, namespace: &str) -> Result<Secret<String>, Error> {
    let SecretKeySelector { name, key, .. } = selector;
    let at = Name::new(namespace, name.as_str());
    let found = context.api.read::<SecretObject>(Resource::SECRETS, &at).await.map_err(|refusal| {
        Error::new(ErrorKind::Unreachable, format!("the Secret {at} could not be read: {refusal}"))
    })?;
    let secret = found.ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            format!("failed to get secret {name:?}: there is none of this name in {namespace}"),
        )
        .with_retry(Retry::Backoff)
    })?;
    let value = secret.data.and_then(|mut data| data.remove(key)).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("the secret {name:?} does not have key {key:?}"))
            .with_retry(Retry::Backoff)
    })?;
    let text = String::from_utf8(value.0)
        .map_err(|_| Error::new(ErrorKind::Malformed, format!("the key {key:?} of the secret {name:?} is no text")))?;
    Ok(Secret::new(text.trim().to_owned()))
}
