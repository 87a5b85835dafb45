//! `dns01.route53`: who asks AWS, and for which account.

use std::sync::Arc;

use acme_core::{Clock, Error, ErrorKind, Retry, Secret, Timestamp, Transport};
use async_trait::async_trait;
use solvers::credentials::aws::sts::{self, Role};
use solvers::credentials::aws::{AssumeRole, Client, DefaultChain, Environment, Region, WebIdentity};
use solvers::credentials::{CredentialSource, Fetch, Fetched, Refreshing, aws};
use solvers::dns::route53::{self, Route53};

use super::credentials::{Credentials, Value, mendable};
use crate::crd::acme::dns01::Route53 as Spec;
use crate::engine::{AWS_AUDIENCE, ServiceAccountToken};
use crate::key::Name;
use crate::settings::Ambient;

/// The account of the keys, of the role, or of what this process runs with.
///
/// # Errors
/// `Malformed` for half a pair of keys, for no credentials at all, for a ServiceAccount without a role, and for what is no role or region; `NotFound` for a
/// Secret that is not there; what STS says of a role.
pub(super) async fn make(credentials: &Credentials<'_>, spec: &Spec, clock: Arc<dyn Clock>) -> Result<Route53, Error> {
    let making = |error: Error| error.while_doing(MAKING);
    let transport = credentials.transport()?;
    let way = Way::of(spec, credentials)?;
    let environment = Environment::from_environment();
    let region = region(&way, &spec.region, &environment).map_err(making)?;
    let role = match spec.role.as_str() {
        "" => None,
        role => Some(Role::new(role).map_err(making)?.session_name(SESSION)),
    };
    let budget = credentials.context.dns_services.budget(account(credentials, spec, &way));
    let source = source(credentials, spec, &way, environment, role, &region, &transport).await?;
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
    /// By the token of a ServiceAccount, which goes before keys.
    ServiceAccount,
    /// By what this process runs with.
    Own,
}

impl Way {
    /// cert-manager's table of decisions, in its words.
    fn of(spec: &Spec, credentials: &Credentials<'_>) -> Result<Self, Error> {
        let wrong = |what: String| Err(Error::new(ErrorKind::Malformed, what).with_retry(Retry::Never));
        let constructing = |what: &str| wrong(format!("{MAKING}: unable to construct route53 provider: {what}"));
        let has_secret = !spec.secret_access_key_secret_ref.name.is_empty();
        let has_account = service_account(spec).is_some();
        let has_id = match &spec.access_key_id_secret_ref {
            Some(_) if !spec.access_key_id.is_empty() => return wrong(format!("{BOTH}; leave one of them out")),
            Some(id) if id.key.is_empty() => return wrong(format!("{ID} requires a key field to be specified")),
            Some(id) if id.name.is_empty() => return wrong(format!("{ID} requires a name field to be specified")),
            Some(_) => true,
            None => !spec.access_key_id.trim().is_empty(),
        };
        match (has_id, has_secret, credentials.ambient) {
            _ if has_account && spec.role.is_empty() => constructing(
                "role must be set when web identity token is set; name the role that AWS lets the ServiceAccount assume",
            ),
            (true, false, _) | (false, true, _) => {
                constructing("only one of access and secret key was provided; give both, or neither")
            }
            (true, true, _) | (false, false, _) if has_account => Ok(Self::ServiceAccount),
            (true, true, _) => Ok(Self::Keys),
            (false, false, Ambient::Allowed) => Ok(Self::Own),
            (false, false, Ambient::Refused) => {
                let flag = credentials.ambient_flag;
                constructing(&format!("{NOTHING} ({flag}), or give accessKeyID and secretAccessKeySecretRef"))
            }
        }
    }
}

/// What this process runs with names the region where that is used, and otherwise where the block names none.
fn region(way: &Way, named: &str, environment: &Environment) -> Result<Region, Error> {
    let named = Some(named).filter(|it| !it.is_empty()).map(Region::parse).transpose()?;
    let own = environment.region()?;
    let chosen = match way {
        Way::Own => own.or(named),
        Way::Keys | Way::ServiceAccount => named.or(own),
    };
    chosen.map_or_else(|| Region::parse(DEFAULT_REGION), Ok)
}

async fn source(
    credentials: &Credentials<'_>,
    spec: &Spec,
    way: &Way,
    environment: Environment,
    role: Option<Role>,
    region: &Region,
    transport: &Arc<dyn Transport>,
) -> Result<Arc<dyn CredentialSource<aws::Credentials>>, Error> {
    let now = credentials.context.now();
    let base: Arc<dyn CredentialSource<aws::Credentials>> = match (way, role.clone()) {
        (Way::Keys, _) => keys(credentials, spec).await?,
        (Way::Own, _) => Arc::new(DefaultChain::new(environment, Arc::clone(transport)).into_source()),
        (Way::ServiceAccount, Some(role)) => {
            let token = Refreshing::new(token(credentials, spec));
            token.credential(now).await?;
            let assumed = WebIdentity::with_token(role, token, sts::endpoint(region)?, Arc::clone(transport));
            let assumed = Refreshing::new(assumed);
            let refused =
                |error: Error| mendable(error.while_doing(format_args!("{MAKING}: {NOT_ASSUMED} with web identity")));
            assumed.credential(now).await.map_err(refused)?;
            return Ok(Arc::new(assumed));
        }
        (Way::ServiceAccount, None) => return Err(Error::new(ErrorKind::Internal, "a ServiceAccount without a role")),
    };
    let Some(role) = role else { return Ok(base) };
    let assumed = Refreshing::new(AssumeRole::new(role, base, sts::endpoint(region)?, Arc::clone(transport)));
    let refused = |error: Error| mendable(error.while_doing(format_args!("{MAKING}: {NOT_ASSUMED}")));
    assumed.credential(now).await.map_err(refused)?;
    Ok(Arc::new(assumed))
}

async fn keys(
    credentials: &Credentials<'_>,
    spec: &Spec,
) -> Result<Arc<dyn CredentialSource<aws::Credentials>>, Error> {
    let selector = &spec.secret_access_key_secret_ref;
    let what = "error getting route53 secret access key: ";
    let secret = Value::new(selector, what, format!("{what}key '{}' not found in secret", selector.key));
    match &spec.access_key_id_secret_ref {
        Some(id) => {
            let lacking = format!("no data found in Secret {:?} at Key {:?}", id.name, id.key);
            let id = Value::new(id, "error getting route53 secret access key id: ", lacking);
            let make =
                |[id, secret]: [_; 2]| Ok(aws::Credentials::new(Secret::<String>::expose(&id).as_str(), &secret));
            credentials.source([id, secret], make).await
        }
        None => {
            let id = spec.access_key_id.trim().to_owned();
            credentials.source([secret], move |[secret]| Ok(aws::Credentials::new(id.as_str(), &secret))).await
        }
    }
}

fn service_account(spec: &Spec) -> Option<&str> {
    let account = &spec.auth.as_ref()?.kubernetes.service_account_ref;
    Some(account.name.as_str()).filter(|it| !it.is_empty())
}

/// A token that is asked for anew before it ends.
struct Token(ServiceAccountToken);

#[async_trait]
impl Fetch<Secret<String>> for Token {
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<Secret<String>>, Error> {
        let token = self.0.ask().await.map_err(|refusal| {
            let what = "error getting service account token: failed to request token for";
            // Somebody may give the right, or make the account, while we ask again.
            Error::new(ErrorKind::Unreachable, format!("{what} {}: {refusal}", self.0.account))
        })?;
        Ok(Fetched::new(token, Some(now + ServiceAccountToken::LIFE)))
    }
}

fn token(credentials: &Credentials<'_>, spec: &Spec) -> Token {
    let reference = spec.auth.as_ref().map(|it| &it.kubernetes.service_account_ref);
    let audiences = reference.map(|it| it.audiences.clone()).filter(|it| !it.is_empty());
    Token(ServiceAccountToken {
        api: credentials.context.api.clone(),
        account: Name::new(Arc::clone(&credentials.namespace), service_account(spec).unwrap_or_default()),
        audiences: audiences.unwrap_or_else(|| vec![AWS_AUDIENCE.to_owned()]),
    })
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

/// cert-manager's, which trails at AWS show and trust policies may ask for.
const SESSION: &str = "cert-manager";

/// Where roles are assumed when nothing names a region; Route 53 itself has none.
const DEFAULT_REGION: &str = "us-east-1";

const MAKING: &str = "error instantiating route53 challenge solver";
const NOTHING: &str = "empty credentials; perhaps you meant to enable ambient credentials?";
const NOT_ASSUMED: &str = "unable to assume role";
const BOTH: &str = "route53 accessKeyID and accessKeyIDSecretRef cannot both be specified";
const ID: &str = "route53 accessKeyIDSecretRef";
