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
/// `Malformed` when there is no key, and what the process runs with may not be used; `NotFound` for a Secret that is not there.
pub(super) async fn make(credentials: &Credentials<'_>, spec: &Spec, clock: Arc<dyn Clock>) -> Result<CloudDns, Error> {
    let transport = credentials.transport()?;
    let key = spec.service_account_secret_ref.as_ref().filter(|it| !it.name.is_empty());
    let identity: Arc<dyn CredentialSource<AccessToken>> = match (key, credentials.ambient) {
        (Some(key), _) => {
            let way = Arc::clone(&transport);
            let key = Value::new(key, "error getting clouddns service account: ", credentials.not_found(key));
            let account = move |[file]: [_; 1]| {
                let account = ServiceAccount::from_json(&file, Scope::CLOUD_DNS, Arc::clone(&way));
                account.map_err(|error| error.while_doing(format_args!("{MAKING}: Unable to acquire config")))
            };
            Arc::new(Refreshing::new(ReplacedKey::new(credentials.source([key], account).await?)))
        }
        (None, Ambient::Allowed) => {
            let environment = Environment::from_environment();
            Arc::new(Refreshing::new(environment.identity(Scope::CLOUD_DNS, Arc::clone(&transport))))
        }
        (None, Ambient::Refused) => {
            let flag = credentials.ambient_flag;
            let what = format!("{MAKING}: {NOTHING} ({flag}), or give serviceAccountSecretRef");
            return Err(Error::new(ErrorKind::Malformed, what).with_retry(Retry::Never));
        }
    };
    let provider =
        CloudDns::new(&spec.project, identity, transport, clock).map_err(|error| error.while_doing(MAKING))?;
    Ok(match spec.hosted_zone_name.as_str() {
        "" => provider,
        name => provider.with_zone_id(name),
    })
}

const MAKING: &str = "error instantiating google clouddns challenge solver";
const NOTHING: &str =
    "unable to construct clouddns provider: empty credentials; perhaps you meant to enable ambient credentials?";
