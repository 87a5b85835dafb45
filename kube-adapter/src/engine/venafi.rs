//! `spec.venafi`: CyberArk Certificate Manager in its three forms.

use std::sync::Arc;

use acme_core::{Clock, Error, ErrorKind, Retry, Secret};
use issuers::venafi::tpp::Login;
use issuers::venafi::{Cloud, CustomField, Ngts, Service, Tpp, VenafiIssuer};

use super::secrets::{Contents, Unread};
use super::{Engine, Found, Of, Remote, Secrets, Verdict, trust};
use crate::context::Context;
use crate::crd::venafi::{VenafiCloud, VenafiIssuer as Spec, VenafiNgts, VenafiTpp};

/// Why the issuer cannot be used.
struct Fell(&'static str, String, Retry);

/// Logs in, and reads the zone.
pub(super) async fn set_up(
    context: &Context,
    secrets: &mut Secrets<'_>,
    of: &Of,
    spec: &Spec,
    clock: Arc<dyn Clock>,
) -> (Found, Retry) {
    match open(context, secrets, of, spec, clock).await {
        Ok(issuer) => {
            let engine = Engine::Remote(Remote::Venafi(Arc::new(issuer)));
            (Found::Verdict(Verdict::ready(engine, STARTED, STARTED)), Retry::Never)
        }
        Err(Fell(reason, message, retry)) => (Found::Verdict(Verdict::unready(reason, message)), retry),
    }
}

async fn open(
    context: &Context,
    secrets: &mut Secrets<'_>,
    of: &Of,
    spec: &Spec,
    clock: Arc<dyn Clock>,
) -> Result<VenafiIssuer, Fell> {
    let mut roots = None;
    let service: Service = if let Some(tpp) = &spec.tpp {
        roots = of_bundle(secrets, tpp).await?;
        self_hosted(secrets, spec, tpp).await?.into()
    } else if let Some(cloud) = &spec.cloud {
        as_a_service(secrets, spec, cloud).await?.into()
    } else if let Some(ngts) = &spec.ngts {
        in_strata(secrets, spec, ngts).await?.into()
    } else {
        return Err(failed(&"exactly one of tpp, cloud, or ngts must be configured", Retry::Never));
    };
    let transport = trust::connection(context, roots.as_deref()).and_then(|it| it.build()).map_err(unbuilt)?;
    let transport = context.servers.metrics().counting_venafi(Arc::new(transport));
    let issuer = VenafiIssuer::new(of.issuer.to_string(), service, transport, clock).map_err(unbuilt)?;
    // What it is picked up by is written down before anything is waited for.
    let mut issuer = issuer.handing_in_alone();
    if let Some(fields) = of.annotations.get(CUSTOM_FIELDS) {
        issuer = issuer.with_custom_fields(CustomField::list(fields).map_err(unbuilt)?);
    }
    match issuer.zone().await {
        Ok(_) => Ok(issuer),
        Err(error) if error.kind() == ErrorKind::Unauthorized && spec.cloud.is_none() => {
            Err(Fell("AuthFailed", format!("OAuth token request failed: {error}"), Retry::Backoff))
        }
        // Nobody tells us when it is mended there, so even a refusal is asked again.
        Err(error) => Err(failed(&error, if error.retry() == Retry::Never { Retry::Backoff } else { error.retry() })),
    }
}

async fn of_bundle(secrets: &mut Secrets<'_>, tpp: &VenafiTpp) -> Result<Option<Vec<u8>>, Fell> {
    match &tpp.ca_bundle_secret_ref {
        Some(selector) => {
            let roots = secrets.value(&selector.name, selector.key_or("ca.crt")).await.map_err(unread)?;
            Ok(Some(roots.expose().clone()))
        }
        None if tpp.ca_bundle.is_empty() => Ok(None),
        None => Ok(Some(tpp.ca_bundle.as_slice().to_vec())),
    }
}

async fn self_hosted(secrets: &mut Secrets<'_>, spec: &Spec, tpp: &VenafiTpp) -> Result<Tpp, Fell> {
    let mut credentials = secrets.whole(&tpp.credentials_ref.name).await.map_err(unread)?;
    let client_id = found(&mut credentials, "client-id")?;
    let login = match found(&mut credentials, "access-token")? {
        Some(token) => Login::access_token(token),
        None => {
            let username = needed(&mut credentials, "username")?;
            let password = needed(&mut credentials, "password")?;
            let client_id = client_id.map_or_else(|| CLIENT_ID.to_owned(), |id| id.expose().clone());
            Login::password(username.expose().as_str(), password).with_client_id(client_id)
        }
    };
    Tpp::new(&tpp.url, &spec.zone, login).map_err(unbuilt)
}

async fn as_a_service(secrets: &mut Secrets<'_>, spec: &Spec, cloud: &VenafiCloud) -> Result<Cloud, Fell> {
    let selector = &cloud.api_token_secret_ref;
    let key = secrets.value(&selector.name, selector.key_or("api-key")).await.map_err(unread)?;
    let service = Cloud::new(&spec.zone, text(&key)?).map_err(unbuilt)?;
    Ok(if cloud.url.is_empty() { service } else { service.at(cloud.url.as_str()) })
}

async fn in_strata(secrets: &mut Secrets<'_>, spec: &Spec, ngts: &VenafiNgts) -> Result<Ngts, Fell> {
    let mut credentials = secrets.whole(&ngts.credentials_ref.name).await.map_err(unread)?;
    let (id, secret) = (needed(&mut credentials, "client-id")?, needed(&mut credentials, "client-secret")?);
    let mut service = Ngts::new(&spec.zone, &ngts.tsg_id, id.expose().as_str(), secret).map_err(unbuilt)?;
    if !ngts.url.is_empty() {
        service = service.at(ngts.url.as_str());
    }
    if !ngts.token_endpoint.is_empty() {
        service = service.with_token_endpoint(ngts.token_endpoint.as_str());
    }
    Ok(service)
}

fn needed(contents: &mut Contents, key: &str) -> Result<Secret<String>, Fell> {
    text(&contents.take(key).map_err(unread)?)
}

fn found(contents: &mut Contents, key: &str) -> Result<Option<Secret<String>>, Fell> {
    contents.find(key).map(|value| text(&value)).transpose()
}

fn text(value: &Secret<Vec<u8>>) -> Result<Secret<String>, Fell> {
    match std::str::from_utf8(value.expose()) {
        Ok(text) => Ok(Secret::new(text.trim().to_owned())),
        Err(_) => Err(failed(&"a credential in a secret is no text", Retry::Never)),
    }
}

fn unread(unread: Unread) -> Fell {
    let retry = match &unread {
        Unread::Missing(_) | Unread::Lacking(..) => Retry::Never,
        Unread::Refused(_) => Retry::Backoff,
    };
    failed(&unread, retry)
}

fn unbuilt(error: Error) -> Fell {
    failed(&error, Retry::Never)
}

fn failed(what: &dyn std::fmt::Display, retry: Retry) -> Fell {
    Fell("ErrorSetup", format!("Failed to setup Certificate Manager issuer: {what}"), retry)
}

/// Custom fields as JSON: on an issuer for all requests, on a request for itself.
pub(crate) const CUSTOM_FIELDS: &str = "venafi.cert-manager.io/custom-fields";

/// The integration that cert-manager's users registered.
const CLIENT_ID: &str = "cert-manager.io";

const STARTED: &str = "Certificate Manager issuer started";
