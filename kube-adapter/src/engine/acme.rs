//! `spec.acme`: an account at an ACME server.

use std::sync::Arc;

use acme_core::client::Client as _;
use acme_core::flow::{AccountAction, AccountEvent, AccountFlow, AccountOutcome, AccountPlan, Fault, Next, OrderPace};
use acme_core::key::Encoding;
use acme_core::protocol::{ExternalAccount, Registration, Url};
use acme_core::{Error, ErrorKind, PrivateKey, Retry, Secret, Timestamp, hash};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use issuers::acme::pace::{Paced, Sending};

use super::account::Account;
use super::account_key::AccountKey;
use super::secrets::Unread;
use super::servers::Server;
use super::{Engine, Found, Of, Secrets, Verdict, read_key};
use crate::context::Context;
use crate::crd::acme::{AcmeIssuer, AcmeIssuerStatus};
use crate::issuer::credentials;
use crate::key::Name;
use crate::metrics::Metrics;
use crate::workshop::Weight;

/// What keeps an account from being used.
struct Fell {
    reason: &'static str,
    message: String,
    retry: Retry,
}

impl Fell {
    fn new(reason: &'static str, message: String, retry: Retry) -> Self {
        Self { reason, message, retry }
    }

    /// Before the server was asked. A change of the spec or a Secret mends it, and is seen.
    fn unmade(what: impl std::fmt::Display, retry: Retry) -> Self {
        Self::new(REGISTERING, format!("Failed to register ACME account: {what}"), retry)
    }
}

/// Finds the account of the key in the Secret, or registers it, and keeps it as the spec wants it.
pub(super) async fn set_up(
    context: &Context,
    secrets: &mut Secrets<'_>,
    of: &Of,
    spec: &AcmeIssuer,
    now: Timestamp,
) -> (Found, Retry) {
    match open(context, secrets, of, spec, now).await {
        Ok(found) => (found, Retry::Never),
        Err(Fell { reason, message, retry }) => (Found::Verdict(Verdict::unready(reason, message)), retry),
    }
}

async fn open(
    context: &Context,
    secrets: &mut Secrets<'_>,
    of: &Of,
    spec: &AcmeIssuer,
    now: Timestamp,
) -> Result<Found, Fell> {
    if let Some((_, new)) = REPLACED.iter().find(|(old, _)| spec.server.starts_with(old)) {
        let server = &spec.server;
        let message = format!(
            "Your ACME server URL is set to a v1 endpoint ({server}). You should update the spec.acme.server field to \"{new}\""
        );
        return Err(Fell::new("InvalidConfig", message, Retry::Never));
    }
    let key = match account_key(context, secrets, spec).await? {
        AccountKeyFound::There(key) => Arc::new(key),
        AccountKeyFound::New(key) => return Ok(Found::NewKey(Arc::new(key))),
    };
    check_credentials(secrets, spec).await?;
    let server = context.servers.of(spec).map_err(|error| {
        let message = format!("Failed to parse existing ACME server URI \"{}\": {error}", spec.server);
        Fell::new("InvalidURL", message, error.retry())
    })?;
    let hash = key_hash(&key);
    let kept = of.account.as_ref().and_then(|account| kept(account, spec, &hash));
    let url = match kept {
        Some(url) => url,
        None => {
            let registration = registration(secrets, spec).await?;
            run(&server, &key, &registration, now).await?
        }
    };
    let session = server.directory.session(key, url.clone()).map_err(|error| Fell::unmade(&error, error.retry()))?;
    let account = Account {
        client: Arc::new(Paced::new(Metrics::naming(session), Arc::clone(&server.pace))),
        renewals: server.renewals,
        pace: server.pace,
        url: url.clone(),
        spec: Arc::new(spec.clone()),
        dns_solvers: Arc::default(),
    };
    let mut verdict = Verdict::ready(
        Engine::Acme(Arc::new(account)),
        "ACMEAccountRegistered",
        "The ACME account was registered with the ACME server",
    );
    verdict.account = Some(AcmeIssuerStatus {
        uri: url.to_string(),
        last_registered_email: spec.email.clone(),
        last_private_key_hash: hash,
    });
    Ok(Found::Verdict(verdict))
}

enum AccountKeyFound {
    There(PrivateKey),
    New(AccountKey),
}

/// The account's key as the Secret has it; a new one where there is none, and one may be made.
async fn account_key(context: &Context, secrets: &mut Secrets<'_>, spec: &AcmeIssuer) -> Result<AccountKeyFound, Fell> {
    let (name, entry) = (spec.private_key_secret_ref.name.as_str(), spec.private_key_secret_ref.key_or("tls.key"));
    let verifying = |what: &dyn std::fmt::Display, retry| {
        Fell::new(VERIFYING, format!("Failed to verify ACME account: {what}"), retry)
    };
    match secrets.value(name, entry).await {
        Ok(pem) => match read_key(&pem) {
            Some(key) => Ok(AccountKeyFound::There(key)),
            None => {
                let message = format!(
                    "Account private key is invalid: secret \"{name}\" holds no private key in PEM below \"{entry}\""
                );
                Err(Fell::new(VERIFYING, message, Retry::Never))
            }
        },
        Err(Unread::Missing(secret)) if !spec.disable_account_key_generation => {
            let (secret, entry): (Name, String) = (secret, entry.to_owned());
            let made = context
                .workshop
                .run(Weight::Heavy, move || AccountKey::generate(secret, &entry))
                .await
                .and_then(|made| made);
            made.map(AccountKeyFound::New).map_err(|error| verifying(&error, Retry::Backoff))
        }
        Err(unread @ Unread::Lacking(..)) => {
            Err(Fell::new(VERIFYING, format!("Account private key is invalid: {unread}"), Retry::Never))
        }
        Err(unread @ Unread::Missing(_)) => {
            let what = format!(
                "the ACME issuer config has 'disableAccountKeyGeneration' set to true, but the secret was not found: {unread}"
            );
            Err(verifying(&what, Retry::Backoff))
        }
        Err(unread @ Unread::Refused(_)) => Err(verifying(&unread, Retry::Backoff)),
    }
}

/// Are the credentials there that the solvers name?
async fn check_credentials(secrets: &mut Secrets<'_>, spec: &AcmeIssuer) -> Result<(), Fell> {
    let mut wrong: Vec<String> = Vec::new();
    let dns01 = spec.solvers.iter().filter_map(|solver| solver.dns01.as_ref());
    for selector in dns01.flat_map(credentials) {
        let name = &selector.name;
        let what = match secrets.whole(name).await {
            Ok(mut contents) => match contents.find(&selector.key) {
                Some(_) => continue,
                None if selector.key.is_empty() => continue,
                None => format!("the secret \"{name}\" does not have key \"{}\"", selector.key),
            },
            Err(unread) => format!("failed to get secret \"{name}\": {unread}"),
        };
        if !wrong.contains(&what) {
            wrong.push(what);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Fell::new("InvalidSolver", wrong.join("; "), Retry::Backoff)) }
}

/// The account that the status names, when nothing about it changed: then the server need not be asked.
fn kept(account: &AcmeIssuerStatus, spec: &AcmeIssuer, hash: &str) -> Option<Url> {
    let url = Url::parse(&account.uri).ok()?;
    let host = |text: &str| text.split('/').nth(2).map(ToOwned::to_owned);
    let same_host = host(&account.uri) == host(&spec.server);
    let same = same_host && account.last_registered_email == spec.email && account.last_private_key_hash == hash;
    same.then_some(url)
}

/// What the account is to be made with.
async fn registration(secrets: &mut Secrets<'_>, spec: &AcmeIssuer) -> Result<Registration, Fell> {
    let mut registration = Registration::agreeing_to_terms();
    if !spec.email.trim().is_empty() {
        registration = registration.with_email(&spec.email);
    }
    let Some(binding) = &spec.external_account_binding else { return Ok(registration) };
    let selector = &binding.key_secret_ref;
    let mac: Secret<Vec<u8>> = match secrets.value(&selector.name, &selector.key).await {
        Ok(mac) => mac,
        Err(unread @ (Unread::Missing(_) | Unread::Lacking(..))) => return Err(Fell::unmade(&unread, Retry::Never)),
        Err(unread @ Unread::Refused(_)) => return Err(Fell::unmade(&unread, Retry::Backoff)),
    };
    let no_text = || Error::new(ErrorKind::Malformed, "the MAC key of the external account is no text");
    let text = std::str::from_utf8(mac.expose()).map_err(|_| no_text());
    match text.and_then(|text| ExternalAccount::new(binding.key_id.clone(), text)) {
        Ok(account) => Ok(registration.with_external_account(account)),
        Err(error) => Err(Fell::unmade(&error, Retry::Never)),
    }
}

/// Steps the account's flow until it is as it is wanted.
async fn run(server: &Server, key: &Arc<PrivateKey>, wanted: &Registration, now: Timestamp) -> Result<Url, Fell> {
    let plan = AccountPlan::new(wanted.contact.clone());
    let mut flow = AccountFlow::new(plan, OrderPace::default(), now);
    let mut failed = None;
    for _ in 0..STEPS {
        let action = match flow.next(now) {
            Next::Done(AccountOutcome::Ready { url }) => return Ok(url),
            Next::Done(AccountOutcome::Failed(fault)) => {
                let error = fault.to_error();
                return Err(failed.unwrap_or_else(|| Fell::unmade(&error, error.retry())));
            }
            Next::Done(AccountOutcome::Missing | AccountOutcome::Deactivated) => {
                return Err(Fell::unmade("the account was given up", Retry::Never));
            }
            Next::Go(agenda) => match agenda.ready.into_iter().next() {
                Some(action) => action,
                // It waits after a failure: the set-up as a whole is tried again.
                None => return Err(failed.unwrap_or_else(|| Fell::unmade("the account waits", Retry::Backoff))),
            },
        };
        let event = match act(server, key, wanted, &action).await {
            Ok(event) => event,
            Err(error) => {
                let fault = Fault::from(&error);
                failed = Some(explained(&action, &error));
                AccountEvent::Failed { action, fault }
            }
        };
        let _ = flow.apply(event, now);
    }
    Err(failed.unwrap_or_else(|| Fell::unmade("the account is never done", Retry::Backoff)))
}

/// One action of the account's flow.
async fn act(
    server: &Server,
    key: &Arc<PrivateKey>,
    wanted: &Registration,
    action: &AccountAction,
) -> Result<AccountEvent, Error> {
    let (directory, pace) = (&server.directory, &server.pace);
    match action {
        AccountAction::Register | AccountAction::Find | AccountAction::ProbeNewKey => {
            let registered = Metrics::during("register_account", directory.register(key.clone(), wanted));
            let session = pace.guard(Sending::Registration, registered).await?;
            // An account that was found has the contacts that it was made with. What the server does not show is taken for right.
            let contact = session.contact().unwrap_or_else(|| wanted.contact.clone());
            Ok(AccountEvent::Registered { url: session.account().clone(), contact })
        }
        AccountAction::Update(url) => {
            let session = directory.session(key.clone(), url.clone())?;
            let updated = Metrics::during("update_registration", session.update_contacts(&wanted.contact));
            pace.guard(Sending::Account(url), updated).await?;
            Ok(AccountEvent::Updated)
        }
        AccountAction::ChangeKey(_) | AccountAction::Deactivate(_) => {
            Err(Error::new(ErrorKind::Internal, "nobody wanted this of an account"))
        }
    }
}

/// A failure in cert-manager's words, for the step that failed.
fn explained(action: &AccountAction, error: &Error) -> Fell {
    match action {
        AccountAction::Update(_) => {
            Fell::new(UPDATING, format!("Failed to update ACME account: {error}"), error.retry())
        }
        AccountAction::Register
        | AccountAction::Find
        | AccountAction::ChangeKey(_)
        | AccountAction::ProbeNewKey
        | AccountAction::Deactivate(_) => Fell::unmade(error, error.retry()),
    }
}

/// By what cert-manager notices that the key is another one.
fn key_hash(key: &PrivateKey) -> String {
    STANDARD.encode(hash::sha256(key.to_der_as(Encoding::Traditional).expose()))
}

const REGISTERING: &str = "ErrRegisterACMEAccount";
const VERIFYING: &str = "ErrVerifyACMEAccount";
const UPDATING: &str = "ErrUpdateACMEAccount";

/// Directories of the draft before RFC 8555, and what took their place.
const REPLACED: [(&str, &str); 2] = [
    ("https://acme-v01.api.letsencrypt.org/directory", "https://acme-v02.api.letsencrypt.org/directory"),
    ("https://acme-staging.api.letsencrypt.org/directory", "https://acme-staging-v02.api.letsencrypt.org/directory"),
];

/// Steps of one set-up: register and update, and as many that go wrong.
const STEPS: usize = 8;
