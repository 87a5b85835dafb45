//! `dns01.route53`: who asks AWS, and for which account.

use std::sync::Arc;

use acme_core::{Clock, Error, ErrorKind, Retry, Transport};
use solvers::credentials::aws::sts::{self, Role};
use solvers::credentials::aws::{AssumeRole, Client, DefaultChain, Environment, Region, WebIdentity};
use solvers::credentials::{CredentialSource, Refreshing, aws};
use solvers::dns::route53::{self, Route53};

use super::credentials::{Credentials, Value};
use crate::crd::acme::dns01::Route53 as Spec;
use crate::engine::{AWS_AUDIENCE, ServiceAccountToken};
use crate::key::Name;
use crate::settings::Ambient;

/// The account of the keys, of the role, or of what this process runs with.
///
/// # Errors
/// `Malformed` for half a pair of keys, for no credentials at all, for a ServiceAccount without a role, and for what is no role or region.
pub(super) fn make(credentials: &Credentials<'_>, spec: &Spec, clock: Arc<dyn Clock>) -> Result<Route53, Error> {
    let transport = credentials.transport()?;
    let way = Way::of(spec, credentials.ambient)?;
    let environment = Environment::from_environment();
    let region = match (&way, spec.region.as_str()) {
        (Way::Own, region) => environment.region()?.map_or_else(|| region_or_default(region), Ok),
        (Way::Keys | Way::ServiceAccount, region) => region_or_default(region),
    }?;
    let role = match spec.role.as_str() {
        "" => None,
        role => Some(Role::new(role)?.session_name(SESSION)),
    };
    let budget = credentials.context.dns_services.budget(account(credentials, spec, &way));
    let source = source(credentials, spec, &way, environment, role, &region, &transport)?;
    let client = Client::new(route53::endpoint(region.partition())?, source, transport, clock);
    let provider = Route53::new(client).with_budget(budget);
    Ok(match spec.hosted_zone_id.as_str() {
        "" => provider,
        id => provider.with_zone_id(id),
    })
}

/// How it is proven who asks. A role is assumed on top of it.
enum Way {
    /// By an access key.
    Keys,
    /// By the token of a ServiceAccount.
    ServiceAccount,
    /// By what this process runs with.
    Own,
}

impl Way {
    /// cert-manager's table of decisions, in its words.
    fn of(spec: &Spec, ambient: Ambient) -> Result<Self, Error> {
        let wrong = |what: &'static str| Err(Error::new(ErrorKind::Malformed, what).with_retry(Retry::Never));
        let has_secret = !spec.secret_access_key_secret_ref.name.is_empty();
        let id = spec.access_key_id_secret_ref.as_ref().filter(|it| !it.name.is_empty());
        let has_account = service_account(spec).is_some();
        match (!spec.access_key_id.trim().is_empty() || id.is_some(), has_secret) {
            (true, _) if id.is_some() && !spec.access_key_id.is_empty() => {
                wrong("accessKeyID and accessKeyIDSecretRef cannot both be specified")
            }
            _ if has_account && spec.role.is_empty() => wrong(
                "unable to construct route53 provider: role must be set when web identity token is set; name the role that AWS lets the ServiceAccount assume",
            ),
            (true, true) => Ok(Self::Keys),
            (true, false) | (false, true) => wrong(
                "unable to construct route53 provider: only one of access and secret key was provided; give both, or neither",
            ),
            (false, false) if has_account => Ok(Self::ServiceAccount),
            (false, false) => match ambient {
                Ambient::Allowed => Ok(Self::Own),
                Ambient::Refused => wrong(
                    "unable to construct route53 provider: empty credentials; perhaps you meant to enable ambient credentials? (--issuer-ambient-credentials)",
                ),
            },
        }
    }
}

fn source(
    credentials: &Credentials<'_>,
    spec: &Spec,
    way: &Way,
    environment: Environment,
    role: Option<Role>,
    region: &Region,
    transport: &Arc<dyn Transport>,
) -> Result<Arc<dyn CredentialSource<aws::Credentials>>, Error> {
    let base: Arc<dyn CredentialSource<aws::Credentials>> = match (way, role.clone()) {
        (Way::Keys, _) => keys(credentials, spec),
        (Way::Own, _) => Arc::new(DefaultChain::new(environment, Arc::clone(transport)).into_source()),
        (Way::ServiceAccount, Some(role)) => {
            let token = token(credentials, spec);
            let sts = sts::endpoint(region)?;
            return Ok(Arc::new(Refreshing::new(WebIdentity::with_token(role, token, sts, Arc::clone(transport)))));
        }
        (Way::ServiceAccount, None) => return Err(Error::new(ErrorKind::Internal, "a ServiceAccount without a role")),
    };
    Ok(match role {
        Some(role) => {
            let assumed = AssumeRole::new(role, base, sts::endpoint(region)?, Arc::clone(transport));
            Arc::new(Refreshing::new(assumed))
        }
        None => base,
    })
}

fn keys(credentials: &Credentials<'_>, spec: &Spec) -> Arc<dyn CredentialSource<aws::Credentials>> {
    let secret = Value("error getting route53 secret access key", &spec.secret_access_key_secret_ref);
    match &spec.access_key_id_secret_ref {
        Some(id) if spec.access_key_id.is_empty() => {
            let id = Value("error getting route53 access key id", id);
            credentials.source([id, secret], |[id, secret]| Ok(aws::Credentials::new(id.expose().as_str(), &secret)))
        }
        Some(_) | None => {
            let id = spec.access_key_id.trim().to_owned();
            credentials.source([secret], move |[secret]| Ok(aws::Credentials::new(id.as_str(), &secret)))
        }
    }
}

fn service_account(spec: &Spec) -> Option<&str> {
    let account = &spec.auth.as_ref()?.kubernetes.service_account_ref;
    Some(account.name.as_str()).filter(|it| !it.is_empty())
}

fn token(credentials: &Credentials<'_>, spec: &Spec) -> ServiceAccountToken {
    let reference = spec.auth.as_ref().map(|it| &it.kubernetes.service_account_ref);
    let audiences = reference.map(|it| it.audiences.clone()).filter(|it| !it.is_empty());
    ServiceAccountToken {
        api: credentials.context.api.clone(),
        account: Name::new(Arc::clone(&credentials.namespace), service_account(spec).unwrap_or_default()),
        audiences: audiences.unwrap_or_else(|| vec![AWS_AUDIENCE.to_owned()]),
    }
}

/// Whose allowance is used, as far as that can be seen from here: a role names its account, a key stands for one.
fn account(credentials: &Credentials<'_>, spec: &Spec, way: &Way) -> String {
    match (spec.role.split(':').nth(4), way) {
        (Some(account), _) if !account.is_empty() => account.to_owned(),
        (_, Way::Keys) => match (&spec.access_key_id_secret_ref, spec.access_key_id.trim()) {
            (Some(id), "") => format!("{}/{}/{}", credentials.namespace, id.name, id.key),
            (_, id) => id.to_owned(),
        },
        (_, Way::Own | Way::ServiceAccount) => String::new(),
    }
}

fn region_or_default(region: &str) -> Result<Region, Error> {
    Region::parse(if region.is_empty() { DEFAULT_REGION } else { region })
}

/// cert-manager's, which trails at AWS show and trust policies may ask for.
const SESSION: &str = "cert-manager";

/// Where roles are assumed when nothing names a region; Route 53 itself has none.
const DEFAULT_REGION: &str = "us-east-1";
