//! `spec.vault`: the PKI engine of a Vault server.

mod aws;

use std::fmt::Display;
use std::sync::Arc;

use acme_core::transport::ReqwestTransport;
use acme_core::{Clock, Error, Retry, Secret};
use issuers::vault::auth::{AppRole, Auth, ClientCertificate, Fixed, Kubernetes, Token};
use issuers::vault::{Mount, Server, VaultIssuer};

use super::secrets::Unread;
use super::service_account::ServiceAccountToken;
use super::{Engine, Found, Of, Remote, Secrets, Verdict, trust};
use crate::context::Context;
use crate::crd::reference::SecretKeySelector;
use crate::crd::vault::{VaultAppRole, VaultAuth, VaultIssuer as Spec, VaultKubernetesAuth};
use crate::key::Name;

/// Why the issuer cannot be used: what the condition says, and whether time may help.
struct Fell(String, Retry);

/// Logs in, and asks whether Vault could sign.
pub(super) async fn set_up(
    context: &Context,
    secrets: &mut Secrets<'_>,
    of: &Of,
    spec: &Spec,
    clock: Arc<dyn Clock>,
) -> (Found, Retry) {
    match open(context, secrets, of, spec, clock).await {
        Ok(issuer) => {
            let engine = Engine::Remote(Remote::Vault(Arc::new(issuer)));
            (Found::Verdict(Verdict::ready(engine, "VaultVerified", "Vault verified")), Retry::Never)
        }
        Err(Fell(message, retry)) => (Found::Verdict(Verdict::unready("VaultError", message)), retry),
    }
}

async fn open(
    context: &Context,
    secrets: &mut Secrets<'_>,
    of: &Of,
    spec: &Spec,
    clock: Arc<dyn Clock>,
) -> Result<VaultIssuer, Fell> {
    if let Some(wrong) = wrong(spec) {
        return Err(Fell(wrong.to_owned(), Retry::Never));
    }
    let transport = Arc::new(transport(context, secrets, spec).await?);
    let server = Server::new(&spec.server, transport, clock).map_err(unbuilt)?;
    let server = match spec.namespace.as_str() {
        "" => server,
        namespace => server.in_namespace(namespace).map_err(unbuilt)?,
    };
    let auth = auth(context, secrets, of, spec).await?;
    let issuer = VaultIssuer::new(of.issuer.to_string(), server, &spec.path, Boxed(auth)).map_err(unbuilt)?;
    match issuer.check().await {
        Ok(()) => Ok(issuer),
        // Its text begins as cert-manager's does, but for the capital.
        Err(error) => Err(Fell(capital(&error.to_string()), retried(&error))),
    }
}

/// What the spec lacks, or has too much of.
pub(super) fn wrong(spec: &Spec) -> Option<&'static str> {
    let VaultAuth { token_secret_ref, app_role, client_certificate, kubernetes, aws } = &spec.auth;
    if spec.server.is_empty() || spec.path.is_empty() {
        return Some("Vault server and path are required fields");
    }
    let methods = [
        token_secret_ref.is_some(),
        app_role.is_some(),
        client_certificate.is_some(),
        kubernetes.is_some(),
        aws.is_some(),
    ];
    match methods.iter().filter(|it| **it).count() {
        0 => return Some("Vault tokenSecretRef, appRole, clientCertificate, kubernetes, or aws is required"),
        1 => {}
        _ => return Some("Multiple auth methods cannot be set on the same Vault issuer"),
    }
    if token_secret_ref.as_ref().is_some_and(|it| it.name.is_empty()) {
        return Some("Vault Token auth requires tokenSecretRef.name");
    }
    if let Some(VaultAppRole { role_id, secret_ref, .. }) = app_role {
        if role_id.is_empty() || secret_ref.name.is_empty() {
            return Some("Vault AppRole auth requires both roleId and tokenSecretRef.name");
        }
        if secret_ref.key.is_empty() {
            return Some("Vault AppRole auth requires secretRef.key");
        }
    }
    if let Some(VaultKubernetesAuth { role, secret_ref, service_account_ref, .. }) = kubernetes {
        let account = service_account_ref.as_ref().is_some_and(|it| !it.name.is_empty());
        match (role.is_empty(), secret_ref.name.is_empty(), account) {
            (true, _, _) => return Some("Vault Kubernetes auth requires a role to be set"),
            (false, true, false) => {
                return Some(
                    "Vault Kubernetes auth requires either secretRef.name or serviceAccountRef.name to be set",
                );
            }
            (false, false, true) => {
                return Some(
                    "Vault Kubernetes auth cannot be used with both secretRef.name and serviceAccountRef.name",
                );
            }
            (false, true, true) | (false, false, false) => {}
        }
    }
    None
}

/// The connection: whom it trusts, and what it shows.
async fn transport(context: &Context, secrets: &mut Secrets<'_>, spec: &Spec) -> Result<ReqwestTransport, Fell> {
    let roots = match &spec.ca_bundle_secret_ref {
        Some(selector) => Some(value(secrets, selector, "ca.crt").await?.expose().clone()),
        None if spec.ca_bundle.is_empty() => None,
        None => Some(spec.ca_bundle.as_slice().to_vec()),
    };
    let mut builder = trust::connection(context, roots.as_deref()).map_err(unbuilt)?;
    if !spec.server_name.is_empty() {
        let host = spec.server.split('/').nth(2).unwrap_or_default();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        builder = builder.server_name(host, &spec.server_name).map_err(unbuilt)?;
    }
    // What one logs in with is what one is known by; where both are given, the login decides.
    let shown = match (&spec.auth.client_certificate, &spec.client_cert_secret_ref, &spec.client_key_secret_ref) {
        (Some(auth), _, _) if !auth.secret_name.is_empty() => {
            let mut pair = secrets.whole(&auth.secret_name).await.map_err(unread)?;
            Some((pair.take("tls.crt").map_err(unread)?, pair.take("tls.key").map_err(unread)?))
        }
        (_, Some(chain), Some(key)) => {
            Some((value(secrets, chain, "tls.crt").await?, value(secrets, key, "tls.key").await?))
        }
        (_, _, _) => None,
    };
    if let Some((chain, key)) = shown {
        builder = builder.client_certificate(chain.expose(), &text(&key)?).map_err(unbuilt)?;
    }
    builder.build().map_err(unbuilt)
}

/// How one logs in.
async fn auth(context: &Context, secrets: &mut Secrets<'_>, of: &Of, spec: &Spec) -> Result<Box<dyn Auth>, Fell> {
    let VaultAuth { token_secret_ref, app_role, client_certificate, kubernetes, aws } = &spec.auth;
    if let Some(selector) = token_secret_ref {
        return Ok(Box::new(Token::new(Fixed::new(text(&value(secrets, selector, "token").await?)?))));
    }
    if let Some(VaultAppRole { path, role_id, secret_ref }) = app_role {
        let secret = text(&value(secrets, secret_ref, "").await?)?;
        let auth = AppRole::new(role_id.as_str(), Fixed::new(secret));
        return Ok(match mount(path)? {
            Some(mount) => Box::new(auth.mounted_at(mount)),
            None => Box::new(auth),
        });
    }
    if let Some(certificate) = client_certificate {
        let auth = ClientCertificate::new();
        let auth = if certificate.name.is_empty() { auth } else { auth.named(certificate.name.as_str()) };
        return Ok(match mount(&certificate.mount_path)? {
            Some(mount) => Box::new(auth.mounted_at(mount)),
            None => Box::new(auth),
        });
    }
    if let Some(kubernetes) = kubernetes {
        let auth = match &kubernetes.service_account_ref {
            Some(account) => {
                let mut audiences = account.audiences.clone();
                audiences.push(audience(&of.issuer));
                audiences.push(spec.server.clone());
                let account = Name::new(Arc::clone(&of.secrets), account.name.as_str());
                let token = ServiceAccountToken { api: context.api.clone(), account, audiences };
                Kubernetes::new(kubernetes.role.as_str(), token)
            }
            None => {
                let token = text(&value(secrets, &kubernetes.secret_ref, "token").await?)?;
                Kubernetes::new(kubernetes.role.as_str(), Fixed::new(token))
            }
        };
        return Ok(match mount(&kubernetes.mount_path)? {
            Some(mount) => Box::new(auth.mounted_at(mount)),
            None => Box::new(auth),
        });
    }
    match aws {
        Some(aws) => aws::auth(context, of, aws),
        None => Err(Fell("Vault config cannot be empty".to_owned(), Retry::Never)),
    }
}

/// For whom tokens of ServiceAccounts are, as cert-manager has it.
fn audience(issuer: &Name) -> String {
    match issuer.namespace() {
        "" => format!("vault://{}", issuer.object()),
        namespace => format!("vault://{namespace}/{}", issuer.object()),
    }
}

fn mount(path: &str) -> Result<Option<Mount>, Fell> {
    if path.is_empty() { Ok(None) } else { Mount::parse(path).map(Some).map_err(unbuilt) }
}

async fn value(
    secrets: &mut Secrets<'_>,
    selector: &SecretKeySelector,
    default: &str,
) -> Result<Secret<Vec<u8>>, Fell> {
    secrets.value(&selector.name, selector.key_or(default)).await.map_err(unread)
}

fn text(value: &Secret<Vec<u8>>) -> Result<Secret<String>, Fell> {
    match std::str::from_utf8(value.expose()) {
        Ok(text) => Ok(Secret::new(text.trim().to_owned())),
        Err(_) => Err(uninitialized(&"a credential in a secret is no text", Retry::Never)),
    }
}

/// A change of a Secret is seen as a rule, but not of those that hold tokens of ServiceAccounts: others have them in masses, so nobody watches them.
fn unread(unread: Unread) -> Fell {
    uninitialized(&unread, Retry::Backoff)
}

fn unbuilt(error: Error) -> Fell {
    uninitialized(&error, Retry::Never)
}

fn uninitialized(what: &dyn Display, retry: Retry) -> Fell {
    Fell(format!("Failed to initialize Vault client: {what}"), retry)
}

/// Vault may be unsealed, its roles mended: nobody tells us, so even a refusal is asked again.
fn retried(error: &Error) -> Retry {
    match error.retry() {
        Retry::Never | Retry::Backoff => Retry::Backoff,
        after @ Retry::After(_) => after,
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A way to log in whose kind is known at run time alone.
struct Boxed(Box<dyn Auth>);

#[async_trait::async_trait]
impl Auth for Boxed {
    async fn proof(&self, now: acme_core::Timestamp) -> Result<issuers::vault::auth::Proof, Error> {
        self.0.proof(now).await
    }

    fn rejected(&self) {
        self.0.rejected();
    }

    fn advice(&self) -> &'static str {
        self.0.advice()
    }
}
