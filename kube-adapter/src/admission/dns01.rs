//! Solvers by DNS-01.

use acme_core::protocol::Url;

use super::findings::{Findings, OneOf, Path};
use super::issuer::judge_selector;
use crate::crd::acme::dns01::{
    AzureDns, AzureEnvironment, Cloudflare, CnameStrategy, Dns01Solver, ManagedIdentity, Rfc2136, Route53,
};

/// Judges a whole solver, in the webhook's order: Akamai and acme-dns may stand beside another provider, of the rest the first is judged
/// and the others are refused.
pub(super) fn judge(solver: &Dns01Solver, path: &Path, findings: &mut Findings) {
    if let Some(strategy @ CnameStrategy::Other(_)) = &solver.cname_strategy {
        let detail = r#"must be one of "None" or "Follow""#;
        findings.invalid_json(&path.child("cnameStrategy"), strategy, detail);
    }
    for (index, nameserver) in solver.nameservers.iter().enumerate() {
        if let Some(fault) = resolver_fault(nameserver) {
            findings.invalid(&path.child("nameservers").index(index), nameserver, fault);
        }
    }
    let mut providers = OneOf::new("may not specify more than one provider type");
    if let Some(akamai) = &solver.akamai {
        providers.count();
        let path = path.child("akamai");
        judge_selector(&akamai.access_token_secret_ref, &path.child("accessToken"), findings);
        judge_selector(&akamai.client_secret_secret_ref, &path.child("clientSecret"), findings);
        judge_selector(&akamai.client_token_secret_ref, &path.child("clientToken"), findings);
        need(&akamai.service_consumer_domain, "serviceConsumerDomain", &path, findings);
    }
    judge_clouds(solver, path, &mut providers, findings);
    if let Some(acme_dns) = &solver.acme_dns {
        providers.count();
        let path = path.child("acmeDNS");
        judge_selector(&acme_dns.account_secret_ref, &path.child("accountSecretRef"), findings);
        need(&acme_dns.host, "host", &path, findings);
    }
    judge_others(solver, path, &mut providers, findings);
    if providers.is_none() {
        findings.required(path, "no DNS01 provider configured");
    }
}

fn judge_clouds(solver: &Dns01Solver, path: &Path, providers: &mut OneOf, findings: &mut Findings) {
    let [azure_at, google_at, cloudflare_at, route53_at] =
        ["azureDNS", "cloudDNS", "cloudflare", "route53"].map(|name| path.child(name));
    if let Some(azure) = &solver.azure_dns
        && providers.admits(&azure_at, findings)
    {
        judge_azure(azure, &azure_at, findings);
    }
    if let Some(google) = &solver.cloud_dns
        && providers.admits(&google_at, findings)
    {
        if let Some(account) = &google.service_account_secret_ref {
            judge_selector(account, &google_at.child("serviceAccountSecretRef"), findings);
        }
        need(&google.project, "project", &google_at, findings);
    }
    if let Some(cloudflare) = &solver.cloudflare
        && providers.admits(&cloudflare_at, findings)
    {
        judge_cloudflare(cloudflare, &cloudflare_at, findings);
    }
    if let Some(route53) = &solver.route53
        && providers.admits(&route53_at, findings)
    {
        judge_route53(route53, &route53_at, findings);
    }
}

fn judge_others(solver: &Dns01Solver, path: &Path, providers: &mut OneOf, findings: &mut Findings) {
    let [digital_ocean_at, rfc2136_at, webhook_at] =
        ["digitalocean", "rfc2136", "webhook"].map(|name| path.child(name));
    if let Some(digital_ocean) = &solver.digital_ocean
        && providers.admits(&digital_ocean_at, findings)
    {
        judge_selector(&digital_ocean.token_secret_ref, &digital_ocean_at.child("tokenSecretRef"), findings);
    }
    if let Some(rfc2136) = &solver.rfc2136
        && providers.admits(&rfc2136_at, findings)
    {
        judge_rfc2136(rfc2136, &rfc2136_at, findings);
    }
    if let Some(webhook) = &solver.webhook
        && providers.admits(&webhook_at, findings)
        && webhook.solver_name.is_empty()
    {
        findings.required(&webhook_at.child("solverName"), "solver name must be specified");
    }
}

fn judge_azure(azure: &AzureDns, path: &Path, findings: &mut Findings) {
    let principal = &azure.client_secret_secret_ref;
    if !azure.client_id.is_empty() || !azure.tenant_id.is_empty() || principal.is_some() {
        need(&azure.client_id, "clientID", path, findings);
        match principal {
            Some(secret) => judge_selector(secret, &path.child("clientSecretSecretRef"), findings),
            None => findings.required(&path.child("clientSecretSecretRef"), ""),
        }
        need(&azure.tenant_id, "tenantID", path, findings);
        if azure.managed_identity.is_some() {
            let detail =
                "managed identity cannot be used at the same time as clientID, clientSecretSecretRef or tenantID";
            findings.forbidden(&path.child("managedIdentity"), detail);
        }
    } else if let Some(identity) = &azure.managed_identity {
        judge_identity(identity, &path.child("managedIdentity"), findings);
    }
    need(&azure.subscription_id, "subscriptionID", path, findings);
    need(&azure.resource_group_name, "resourceGroupName", path, findings);
    if let Some(environment @ AzureEnvironment::Other(_)) = &azure.environment {
        let detail = "must be either empty or one of AzurePublicCloud, AzureChinaCloud, AzureGermanCloud, or AzureUSGovernmentCloud";
        findings.invalid_json(&path.child("environment"), environment, detail);
    }
}

fn judge_identity(identity: &ManagedIdentity, path: &Path, findings: &mut Findings) {
    let [client, resource, tenant] =
        [&identity.client_id, &identity.resource_id, &identity.tenant_id].map(|id| !id.is_empty());
    if client && resource {
        findings.forbidden(path, "managedIdentityClientID and managedIdentityResourceID cannot both be specified");
    }
    if tenant && resource {
        findings.forbidden(path, "managedIdentityTenantID and managedIdentityResourceID cannot both be specified");
    }
    if tenant && !client {
        findings.required(path, "managedIdentityClientID is required when using managedIdentityTenantID");
    }
}

fn judge_cloudflare(cloudflare: &Cloudflare, path: &Path, findings: &mut Findings) {
    let Cloudflare { email, api_key_secret_ref: key, api_token_secret_ref: token, .. } = cloudflare;
    if let Some(key) = key {
        judge_selector(key, &path.child("apiKeySecretRef"), findings);
    }
    if let Some(token) = token {
        judge_selector(token, &path.child("apiTokenSecretRef"), findings);
    }
    match (key, token) {
        (Some(_), Some(_)) => {
            findings.forbidden(path, "apiKeySecretRef and apiTokenSecretRef cannot both be specified")
        }
        (None, None) => findings.required(path, "apiKeySecretRef or apiTokenSecretRef is required"),
        (Some(_), None) | (None, Some(_)) => {}
    }
    if key.is_some() {
        need(email, "email", path, findings);
    }
}

fn judge_route53(route53: &Route53, path: &Path, findings: &mut Findings) {
    let Some(id) = &route53.access_key_id_secret_ref else { return };
    if !route53.access_key_id.is_empty() {
        findings.required(path, "accessKeyID and accessKeyIDSecretRef cannot both be specified");
    }
    judge_selector(id, &path.child("accessKeyIDSecretRef"), findings);
}

fn judge_rfc2136(rfc2136: &Rfc2136, path: &Path, findings: &mut Findings) {
    if rfc2136.nameserver.is_empty() {
        findings.required(&path.child("nameserver"), "");
    } else if !is_server(&rfc2136.nameserver) {
        findings.invalid(&path.child("nameserver"), &rfc2136.nameserver, NOT_SERVER);
    }
    let algorithm = rfc2136.tsig_algorithm.to_uppercase();
    if !algorithm.is_empty() && !TSIG_ALGORITHMS.contains(&algorithm.as_str()) {
        findings.unsupported(&path.child("tsigAlgorithm"), &"", &TSIG_ALGORITHMS);
    }
    let secret = &rfc2136.tsig_secret_secret_ref;
    if !rfc2136.tsig_key_name.is_empty() {
        judge_selector(secret, &path.child("tsigSecretSecretRef"), findings);
    } else if !secret.name.is_empty() && !secret.key.is_empty() {
        findings.required(&path.child("tsigKeyName"), "");
    }
}

fn need(text: &str, name: &str, path: &Path, findings: &mut Findings) {
    if text.is_empty() {
        findings.required(&path.child(name), "");
    }
}

/// Whether `text` is a host and perhaps a port.
fn is_server(text: &str) -> bool {
    match host_and_port(text.trim()) {
        Ok((host, _)) => !host.is_empty(),
        Err(SplitError::MissingPort) => !text.trim().trim_matches(['[', ']']).is_empty(),
        Err(SplitError::Malformed) => false,
    }
}

/// What is wrong with `text` as a resolver.
fn resolver_fault(text: &str) -> Option<&'static str> {
    if text.starts_with("https://") {
        let is_url = Url::parse(text).is_ok();
        return (!is_url).then_some("must be in the format https://<DoH RFC 8484 server address>");
    }
    host_and_port(text).is_err().then_some("must be in the format <ip address>:<port>")
}

enum SplitError {
    MissingPort,
    Malformed,
}

/// Splits `host:port` or `[host]:port`, either part of which may be empty, as Go does.
fn host_and_port(text: &str) -> Result<(&str, &str), SplitError> {
    let (host, port) = text.rsplit_once(':').ok_or(SplitError::MissingPort)?;
    let Some(bracketed) = text.strip_prefix('[') else {
        return match host {
            _ if host.contains(':') || text.contains(['[', ']']) => Err(SplitError::Malformed),
            _ => Ok((host, port)),
        };
    };
    let (host, rest) = bracketed.split_once(']').ok_or(SplitError::Malformed)?;
    match rest.strip_prefix(':') {
        Some(port) if !port.contains(':') && !host.contains('[') && !rest.contains(['[', ']']) => Ok((host, port)),
        Some(_) => Err(SplitError::Malformed),
        None => Err(SplitError::MissingPort),
    }
}

const TSIG_ALGORITHMS: [&str; 4] = ["HMACMD5", "HMACSHA1", "HMACSHA256", "HMACSHA512"];
const NOT_SERVER: &str = "nameserver must be set in the form host:port where host is an IPv4 address, an enclosed IPv6 address or a hostname and port is an optional port number.";
