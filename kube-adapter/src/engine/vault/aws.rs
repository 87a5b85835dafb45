//! `spec.vault.auth.aws`: an identity at AWS, which Vault has AWS confirm.

use std::sync::Arc;

use acme_core::Retry;
use issuers::vault::auth::{Auth, AwsIam};
use solvers::credentials::Refreshing;
use solvers::credentials::aws::sts::{self, Role};
use solvers::credentials::aws::{DefaultChain, Environment, Region, WebIdentity};

use super::{Fell, mount, trust, unbuilt};
use crate::context::Context;
use crate::crd::vault::VaultAwsAuth;
use crate::engine::{AWS_AUDIENCE, Of, ServiceAccountToken};
use crate::key::Name;
use crate::settings::Ambient;

/// The identity that AWS gives a ServiceAccount of the cluster, or the one that this process has.
pub(super) fn auth(context: &Context, of: &Of, aws: &VaultAwsAuth) -> Result<Box<dyn Auth>, Fell> {
    let environment = Environment::from_environment();
    let region = match aws.region.as_str() {
        "" => environment.region().map_err(unbuilt)?.map_or_else(|| Region::parse("us-east-1"), Ok),
        region => Region::parse(region),
    };
    let region = region.map_err(unbuilt)?;
    // Whom Vault's certificate is from says nothing of AWS.
    let transport = Arc::new(trust::connection(context, None).and_then(|it| it.build()).map_err(unbuilt)?);
    let auth = match &aws.service_account_ref {
        Some(account) => {
            let mut audiences = account.audiences.clone();
            audiences.push(AWS_AUDIENCE.to_owned());
            let account = Name::new(Arc::clone(&of.secrets), account.name.as_str());
            let token = ServiceAccountToken { api: context.api.clone(), account, audiences };
            let role = Role::new(&aws.iam_role_arn).map_err(unbuilt)?.session_name(of.issuer.object());
            let sts = sts::endpoint(&region).map_err(unbuilt)?;
            let identity = WebIdentity::with_token(role, token, sts, transport);
            AwsIam::new(aws.role.as_str(), &region, Refreshing::new(identity))
        }
        None => {
            if context.settings.ambient_credentials.of(&of.issuer) == Ambient::Refused {
                let what = "spec.vault.auth.aws needs the identity of the controller, which this issuer may not use (--issuer-ambient-credentials)";
                return Err(Fell(what.to_owned(), Retry::Never));
            }
            AwsIam::new(aws.role.as_str(), &region, DefaultChain::new(environment, transport).into_source())
        }
    };
    let mut auth = auth.map_err(unbuilt)?;
    if !aws.vault_header_value.is_empty() {
        auth = auth.for_server_id(&aws.vault_header_value).map_err(unbuilt)?;
    }
    Ok(match mount(&aws.mount_path)? {
        Some(mount) => Box::new(auth.mounted_at(mount)),
        None => Box::new(auth),
    })
}
