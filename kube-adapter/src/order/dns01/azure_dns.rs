//! `dns01.azureDNS`: by an app registration, or by what this process runs with.

use std::sync::Arc;

use acme_core::text::printable;
use acme_core::{Clock, DnsName, Error, ErrorKind, Retry, Transport};
use solvers::credentials::azure::{Chosen, ClientSecret, Cloud, Environment};
use solvers::credentials::{AccessToken, CredentialSource, Refreshing};
use solvers::dns::azure_dns::AzureDns;

use super::credentials::{Credentials, Value};
use crate::crd::acme::dns01::{AzureDns as Spec, AzureEnvironment, AzureZoneType, ManagedIdentity};
use crate::settings::Ambient;

/// The zones of the resource group that the block names.
///
/// # Errors
/// `Malformed` for an app registration that is not named whole, and when there is none and what the process runs with may not be used; `Unsupported` for a cloud
/// that was closed; `NotFound` for a Secret that is not there.
pub(super) async fn make(credentials: &Credentials<'_>, spec: &Spec, clock: Arc<dyn Clock>) -> Result<AzureDns, Error> {
    let transport = credentials.transport()?;
    let environment = spec.environment.as_ref().map(AzureEnvironment::as_str).unwrap_or_default();
    let cloud = Cloud::parse(environment).map_err(|error| {
        error.while_doing(format_args!("{MAKING}: unknown cloud configuration name: {}", printable(environment, 40)))
    })?;
    let identity = identity(credentials, spec, cloud, &transport).await?;
    let mut provider = AzureDns::new(&spec.subscription_id, &spec.resource_group_name, identity, transport, clock)
        .and_then(|it| it.in_cloud(cloud))
        .map_err(|error| error.while_doing(MAKING))?;
    if spec.zone_type == Some(AzureZoneType::Private) {
        provider = provider.for_private_zones();
    }
    Ok(match spec.hosted_zone_name.as_str() {
        "" => provider,
        zone => provider.with_zone(DnsName::parse(zone)?),
    })
}

/// cert-manager's order: who names a client has its secret; else a workload's identity, else a machine's.
async fn identity(
    credentials: &Credentials<'_>,
    spec: &Spec,
    cloud: Cloud,
    transport: &Arc<dyn Transport>,
) -> Result<Arc<dyn CredentialSource<AccessToken>>, Error> {
    let Spec { client_id: client, tenant_id: tenant, client_secret_secret_ref: secret, .. } = spec;
    let wrong =
        |what: &str| Err(Error::new(ErrorKind::Malformed, format!("{MAKING}: {what}")).with_retry(Retry::Never));
    match (client.as_str(), secret, credentials.ambient) {
        ("", Some(_), _) => wrong("clientSecretSecretRef needs clientID and tenantID: whose secret it is"),
        ("", None, Ambient::Refused) => wrong(NOTHING),
        ("", None, Ambient::Allowed) => {
            let named = spec.managed_identity.as_ref();
            let tenant = named.map(|it| it.tenant_id.as_str()).filter(|it| !it.is_empty());
            let chosen = named.and_then(chosen);
            let identity = Environment::from_environment().identity(cloud, chosen, tenant, Arc::clone(transport));
            Ok(Arc::new(Refreshing::new(identity.map_err(|error| error.while_doing(MAKING))?)))
        }
        (_, None, _) => wrong("clientID needs clientSecretSecretRef and tenantID"),
        (_, Some(_), _) if tenant.is_empty() => wrong("clientID needs tenantID: where it is registered"),
        (client, Some(secret), _) => {
            let secret = Value::new(
                secret,
                "error getting azuredns client secret: ",
                format!("error getting azure dns client secret: key '{}' not found in secret", secret.key),
            );
            let secret = credentials.source([secret], |[secret]| Ok(secret)).await?;
            Ok(Arc::new(Refreshing::new(ClientSecret::new(cloud, tenant, client, secret, Arc::clone(transport)))))
        }
    }
}

fn chosen(identity: &ManagedIdentity) -> Option<Chosen> {
    match (identity.client_id.as_str(), identity.resource_id.as_str()) {
        ("", "") => None,
        ("", resource) => Some(Chosen::Resource(resource.to_owned())),
        (client, _) => Some(Chosen::Client(client.to_owned())),
    }
}

const MAKING: &str = "error instantiating azuredns challenge solver";
const NOTHING: &str = "ClientID was omitted without providing one of `--cluster-issuer-ambient-credentials` or `--issuer-ambient-credentials`. These are necessary to enable Azure Managed Identities; or give clientID, tenantID and clientSecretSecretRef";
