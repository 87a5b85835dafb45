//! `dns01.cloudDNS`: by the key of a service account, or by what this process runs with.

use std::sync::Arc;

use acme_core::{Clock, Error, ErrorKind, Retry};
use solvers::credentials::google::{Environment, ReplacedKey, Scope, ServiceAccount};
use solvers::credentials::{AccessToken, CredentialSource, Refreshing};
use solvers::dns::cloud_dns::CloudDns;

use super::credentials::{Credentials, Value};
use crate::crd::acme::dns01::CloudDns as Spec;
use crate::settings::Ambient;

/// The project that the block names.
///
/// # Errors
/// `Malformed` when there is no key, and what the process runs with may not be used.
pub(super) fn make(credentials: &Credentials<'_>, spec: &Spec, clock: Arc<dyn Clock>) -> Result<CloudDns, Error> {
    let transport = credentials.transport()?;
    let key = spec.service_account_secret_ref.as_ref().filter(|it| !it.name.is_empty());
    let identity: Arc<dyn CredentialSource<AccessToken>> = match (key, credentials.ambient) {
        (Some(key), _) => {
            let way = Arc::clone(&transport);
            let key = Value("error getting clouddns service account", key);
            let account = move |[file]: [_; 1]| ServiceAccount::from_json(&file, Scope::CLOUD_DNS, Arc::clone(&way));
            Arc::new(Refreshing::new(ReplacedKey::new(credentials.source([key], account))))
        }
        (None, Ambient::Allowed) => {
            let environment = Environment::from_environment();
            Arc::new(Refreshing::new(environment.identity(Scope::CLOUD_DNS, Arc::clone(&transport))))
        }
        (None, Ambient::Refused) => {
            let what = "unable to construct clouddns provider: empty credentials; perhaps you meant to enable ambient credentials? (--issuer-ambient-credentials)";
            return Err(Error::new(ErrorKind::Malformed, what).with_retry(Retry::Never));
        }
    };
    let provider = CloudDns::new(&spec.project, identity, transport, clock)?;
    Ok(match spec.hosted_zone_name.as_str() {
        "" => provider,
        name => provider.with_zone_id(name),
    })
}
