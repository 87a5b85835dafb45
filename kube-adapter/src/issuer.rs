//! Issuers and ClusterIssuers: verified, set up, and told in their status.

mod index;
mod record;
mod view;

use std::sync::Arc;
use std::time::Duration;

use acme_core::backoff::Backoff;
use acme_core::flow::Next;
use acme_core::{Retry, Timestamp};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::json;

use crate::admission;
use crate::api::{Manager, Refusal, RefusalKind, Resource};
use crate::certificate;
use crate::context::Context;
use crate::crd::issuer::{IssuerSpec, IssuerStatus};
use crate::engine::{self, Account, Engine, Found, Of, Remote, Verdict};
use crate::events::{Event, Regarding, Severity};
use crate::key::{Identity, Key, Kind, Name};
use crate::order;
use crate::plan;
use crate::plan::issuer::Observed;
use crate::queue::Class;
use crate::request;
use crate::secret::named::{self, Access};
use crate::settings::EventSet;
use crate::subject::{Lane, Subject};
use crate::world::{Changed, World};

pub(crate) use crate::plan::issuer::Action;
pub(crate) use index::{Index, credentials};
pub(crate) use record::{ClusterIssuerRecord, IssuerRecord, Kept, Tried};
pub(crate) use view::{View, missing, unready, view};

/// The subject. A name without a namespace is a ClusterIssuer's.
pub(crate) struct Issuers;

/// How an action went.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It was tried, as the spec of this generation says.
    Tried { generation: i64, tried: engine::SetUp },
    /// The API server said whether its requests may be approved.
    Right(request::Asked),
    /// A new account's key was to be stored.
    Kept(Result<Identity, Refusal>),
    /// The status was to be written.
    Told(Result<(Identity, IssuerStatus), Refusal>),
    /// It went before the action began.
    Gone,
}

/// What is known of an issuer.
pub(crate) fn kept<'a>(world: &'a World, name: &Name) -> Option<&'a Kept> {
    if name.namespace().is_empty() {
        world.cluster_issuers.get(name).map(|record| &record.0)
    } else {
        world.issuers.get(name).map(|record| &record.0)
    }
}

fn kept_mut<'a>(world: &'a mut World, name: &Name) -> Option<&'a mut Kept> {
    if name.namespace().is_empty() {
        world.cluster_issuers.get_mut(name).map(|record| &mut record.0)
    } else {
        world.issuers.get_mut(name).map(|record| &mut record.0)
    }
}

/// What the loop calls it.
pub(crate) fn key(name: &Name) -> Key {
    let kind = if name.namespace().is_empty() { Kind::ClusterIssuer } else { Kind::Issuer };
    Key::new(kind, name.clone())
}

/// The issuers that this process did not try yet, or of which it does not know whether their requests may be approved.
pub(crate) fn untried(world: &World) -> Vec<Key> {
    let names = world.issuers.iter().map(|(name, _)| name).chain(world.cluster_issuers.iter().map(|(name, _)| name));
    let is_untried = |name: &&Name| {
        kept(world, name)
            .is_some_and(|kept| !kept.leaving && (kept.tried().is_none() || request::is_unasked(world, name)))
    };
    names.filter(is_untried).map(key).collect()
}

/// One of them changed. Who waits for it is woken when it appears or goes; how it stands is told by its set-up.
pub(crate) fn changed<R>(world: &mut World, changed: Changed<R>, now: Timestamp) {
    let Changed { name, removed } = changed;
    let secrets =
        kept(world, &name).map(|kept| index::secrets(&kept.spec).into_iter().map(ToOwned::to_owned).collect());
    let secrets: Vec<String> = secrets.unwrap_or_default();
    let secrets: Vec<Name> = secrets.into_iter().map(|secret| secret_of(world, &name, &secret)).collect();
    named::want(world, &key(&name), secrets.clone());
    world.issuer_index.refer(&name, secrets);
    if removed.is_some() && kept(world, &name).is_none() {
        order::account_changed(world, name.clone(), None);
        certificate::account_changed(world, &name, None);
    }
    if removed.is_some() || kept(world, &name).is_some_and(|kept| kept.tried().is_none()) {
        request::wake_waiting(world, &name);
        order::issuer_changed(world, &name, now);
    }
    world.wake(key(&name));
}

/// The ACME server said that it does not know the account that asked: it is looked for and made again, once in a while. Answers whether there is another one to
/// ask with, now or soon.
pub(crate) fn account_forgotten(world: &mut World, issuer: &Name, asked: &Arc<Account>, now: Timestamp) -> bool {
    let Some(kept) = kept_mut(world, issuer) else { return false };
    let is_current = kept.engine().and_then(Engine::account).is_some_and(|it| Arc::ptr_eq(it, asked));
    if !is_current {
        return true;
    }
    if kept.memory.forgotten.is_some_and(|at| now.since(at) < AMNESIA) {
        return false;
    }
    kept.memory.forgotten = Some(now);
    kept.memory.asks_account = true;
    // Nobody asks with it any more.
    kept.memory.tried = None;
    order::account_changed(world, issuer.clone(), None);
    world.wake(key(issuer));
    true
}

/// A Secret is in this state now, or gone: issuers that read an older one read it again.
pub(crate) fn secret_changed(world: &mut World, secret: &Name, state: Option<&Identity>) {
    for issuer in world.issuer_index.readers(secret) {
        let Some(kept) = kept_mut(world, &issuer) else { continue };
        let Some(tried) = &kept.memory.tried else { continue };
        let read = tried.read.iter().find(|read| read.name == *secret);
        if read.is_none_or(|read| !read.is_as_new_as(state)) {
            kept.memory.outdated = true;
            world.wake(key(&issuer));
        }
    }
}

/// The Secrets that a spec names, which lie in this namespace.
pub(crate) fn named_secrets(spec: &IssuerSpec, namespace: &str) -> Vec<Name> {
    index::secrets(spec).into_iter().map(|it| Name::new(namespace, it)).collect()
}

/// Whether its Secrets may be relied upon may be otherwise now.
pub(crate) fn access_changed(world: &mut World, issuer: &Name) {
    if let Some(kept) = kept_mut(world, issuer) {
        kept.memory.outdated = true;
    }
}

/// A Secret that an issuer names: beside it, or in the cluster resource namespace.
fn secret_of(world: &World, issuer: &Name, secret: &str) -> Name {
    match issuer.namespace() {
        "" => Name::new(world.settings.cluster_resource_namespace.as_str(), secret),
        _ => issuer.beside(secret),
    }
}

impl Subject for Issuers {
    type Action = Action;
    type Answer = Answer;

    fn next(world: &World, name: &Name, now: Timestamp) -> Next<Action, ()> {
        let Some(kept) = kept(world, name) else { return Next::Done(()) };
        if named::access_of(world, &key(name)) == Access::Awaited {
            return Next::Done(());
        }
        let observed = Observed {
            generation: kept.generation,
            leaving: kept.leaving,
            told: &kept.status,
            tried: kept.memory.tried.as_ref(),
            outdated: kept.memory.outdated,
            quiet_until: kept.memory.quiet_until,
            asks: request::may_ask(world, name),
            closing: world.closing,
        };
        plan::issuer::plan(&observed, now)
    }

    fn start(
        world: &mut World,
        context: &Arc<Context>,
        name: &Name,
        action: &Action,
        now: Timestamp,
    ) -> BoxFuture<'static, Answer> {
        let context = Arc::clone(context);
        match action {
            Action::SetUp(generation) => set_up(world, context, name, *generation, now),
            Action::AskRight => request::ask_right(world, &context, name).map(Answer::Right).boxed(),
            Action::KeepKey => keep_key(world, context, name),
            Action::Tell => tell(world, context, name, now),
        }
    }

    fn fold(world: &mut World, name: &Name, _action: &Action, answer: Answer, now: Timestamp) {
        match answer {
            Answer::Tried { generation, tried } => tried_out(world, name, generation, tried, now),
            Answer::Kept(Ok(_)) => try_again(world, name),
            Answer::Kept(Err(refusal)) if refusal.kind() == RefusalKind::Exists => try_again(world, name),
            Answer::Kept(Err(refusal)) if refusal.is_of_secrets() => unkept(world, name, &refusal, now),
            Answer::Told(Ok((identity, status))) => told(world, name, identity, status),
            Answer::Kept(Err(refusal)) | Answer::Told(Err(refusal)) => refused(world, name, &refusal, now),
            Answer::Right(told) => request::right_told(world, told, now),
            Answer::Gone => {}
        }
    }

    fn class(world: &World, name: &Name, _now: Timestamp) -> Class {
        match kept(world, name).map(|kept| kept.tried().is_some()) {
            Some(false) => Class::InFlight,
            Some(true) | None => Class::New,
        }
    }

    fn lane(action: &Action) -> Lane {
        match action {
            Action::SetUp(_) | Action::AskRight => Lane::Call,
            Action::KeepKey | Action::Tell => Lane::Write,
        }
    }
}

fn set_up(
    world: &mut World,
    context: Arc<Context>,
    name: &Name,
    generation: i64,
    now: Timestamp,
) -> BoxFuture<'static, Answer> {
    let secrets = secret_of(world, name, "").namespace().into();
    let access = named::access_of(world, &key(name));
    let Some(kept) = kept_mut(world, name) else { return gone() };
    if kept.tried().is_none() {
        warn(name, &kept.spec);
    }
    kept.memory.outdated = false;
    if let Access::Closed(closed) = access {
        let found = Found::Verdict(Verdict::unready(closed.reason, closed.message));
        let tried = engine::SetUp { found, read: Vec::new(), retry: Retry::Never };
        return std::future::ready(Answer::Tried { generation, tried }).boxed();
    }
    let of = Of {
        issuer: name.clone(),
        secrets,
        spec: Arc::clone(&kept.spec),
        annotations: Arc::clone(&kept.annotations),
        account: kept.status.acme.clone().filter(|_| !kept.memory.asks_account),
    };
    async move { Answer::Tried { generation, tried: engine::set_up(&context, of, now).await } }.boxed()
}

/// Says what is let pass of a specification, and is to be changed: once for each of its generations.
fn warn(name: &Name, spec: &IssuerSpec) {
    for warning in admission::issuer_warnings(spec) {
        tracing::warn!(issuer = %name, "{warning}");
    }
}

/// Stores the key of an account that is to be made. Whoever stored one first wins.
fn keep_key(world: &World, context: Arc<Context>, name: &Name) -> BoxFuture<'static, Answer> {
    let Some(Found::NewKey(key)) = kept(world, name).and_then(|kept| kept.tried()).map(|tried| &tried.found) else {
        return gone();
    };
    let (key, by) = (Arc::clone(key), manager(name));
    async move {
        let object = key.object();
        Answer::Kept(context.api.create(Resource::SECRETS, &key.secret, &object, by, "account key").await)
    }
    .boxed()
}

fn tell(world: &World, context: Arc<Context>, name: &Name, now: Timestamp) -> BoxFuture<'static, Answer> {
    let (resource, identity) = match name.namespace() {
        "" => (Resource::CLUSTER_ISSUERS, world.cluster_issuers.identity(name)),
        _ => (Resource::ISSUERS, world.issuers.identity(name)),
    };
    let (Some(kept), Some(identity)) = (kept(world, name), identity) else { return gone() };
    let Some(verdict) = kept.verdict() else { return gone() };
    let conditions = plan::issuer::conditions(verdict, &kept.status.conditions, kept.generation, now);
    let acme = verdict.account.clone().or_else(|| kept.status.acme.clone());
    let status = IssuerStatus { conditions, acme };
    let patch = json!({ "metadata": { "resourceVersion": identity.version.to_string() }, "status": status });
    let event = event(verdict, name, identity, context.settings.events);
    let (name, by) = (name.clone(), manager(name));
    async move {
        let written = context.api.patch_status(resource, &name, &patch, by, "issuer readiness").await;
        if let (Ok(_), Some(event)) = (&written, event) {
            context.events.publish(event);
        }
        Answer::Told(written.map(|identity| (identity, status)))
    }
    .boxed()
}

/// What a failure is worth: an Event that says what a person can do about it. Of successes one is of cert-manager's whole set.
fn event(verdict: &Verdict, name: &Name, identity: &Identity, said: EventSet) -> Option<Event> {
    let Key { kind, name } = key(name);
    let (kind, controller) = match kind {
        Kind::ClusterIssuer => ("ClusterIssuer", "clusterissuers"),
        Kind::Issuer | Kind::Certificate | Kind::CertificateRequest | Kind::Order | Kind::SolverService => {
            ("Issuer", "issuers")
        }
    };
    let is_ready = verdict.engine.is_some();
    let (reason, note) = match (is_ready, said) {
        (false, EventSet::Outcomes | EventSet::All) => (verdict.reason, verdict.message.as_str()),
        (true, EventSet::All) => success(verdict)?,
        (true, EventSet::Outcomes) => return None,
    };
    Some(Event {
        regarding: Regarding { api_version: "cert-manager.io/v1", kind, name, uid: identity.uid.clone() },
        severity: if is_ready { Severity::Normal } else { Severity::Warning },
        reason: reason.into(),
        note: note.to_owned(),
        controller,
    })
}

/// Reason and text of cert-manager's Event for an issuer that can sign, where it has one.
fn success(verdict: &Verdict) -> Option<(&'static str, &str)> {
    match verdict.engine.as_ref()? {
        Engine::Authority(..) => Some((verdict.reason, &verdict.message)),
        Engine::Remote(Remote::Venafi(_)) => Some(("Ready", "Verified issuer with Certificate Manager server")),
        Engine::SelfSigned(_) | Engine::Remote(Remote::Vault(_)) | Engine::Acme(_) => None,
    }
}

/// The issuer went before its action began.
fn gone() -> BoxFuture<'static, Answer> {
    std::future::ready(Answer::Gone).boxed()
}

fn manager(name: &Name) -> Manager {
    if name.namespace().is_empty() { Manager::CLUSTER_ISSUERS } else { Manager::ISSUERS }
}

/// Takes in how a set-up went, and wakes those who wait for it where that is news.
fn tried_out(world: &mut World, name: &Name, generation: i64, tried: engine::SetUp, now: Timestamp) {
    if let (Found::Verdict(Verdict { engine: None, .. }), Retry::Backoff | Retry::After(_)) =
        (&tried.found, tried.retry)
    {
        world.metrics.sync_failed(manager(name).controller());
    }
    let Some(kept) = kept_mut(world, name).filter(|kept| kept.generation == generation) else { return };
    let had_account = kept.engine().and_then(Engine::account).is_some() || kept.memory.forgotten.is_some();
    let before = kept.memory.tried.take().filter(|before| before.generation == generation);
    let failures = match tried.retry {
        Retry::Backoff => before.as_ref().map_or(0, |before| before.failures) + 1,
        Retry::Never | Retry::After(_) => 0,
    };
    let again = match tried.retry {
        Retry::Never => None,
        Retry::Backoff => Some(now + PAUSES.pause(failures, &name.to_string())),
        Retry::After(pause) => Some(now + pause.max(SHORTEST_PAUSE)),
    };
    let engine::SetUp { found, read, retry: _ } = tried;
    let news = match (before.map(|before| before.found), &found) {
        (Some(Found::Verdict(before)), Found::Verdict(verdict)) => {
            verdict.engine.is_some() || before.engine.is_some() || before.message != verdict.message
        }
        (Some(Found::NewKey(_)) | None, Found::Verdict(_)) => true,
        (_, Found::NewKey(_)) => false,
    };
    kept.memory.tried = Some(Tried { generation, found, read, again, failures });
    let account = kept.engine().and_then(|engine| engine.account()).cloned();
    kept.memory.asks_account &= account.is_none();
    if account.is_some() || had_account {
        certificate::account_changed(world, name, account.as_ref());
        order::account_changed(world, name.clone(), account);
    }
    if news {
        request::wake_waiting(world, name);
        order::issuer_changed(world, name, now);
    }
}

/// The account's key is stored: what is in the Secret now is used.
fn try_again(world: &mut World, name: &Name) {
    if let Some(kept) = kept_mut(world, name) {
        kept.memory.outdated = true;
        kept.memory.quiet_until = None;
        kept.memory.refusals = 0;
    }
}

/// The account's key may not be stored: that is told, and after a while it is tried again.
fn unkept(world: &mut World, name: &Name, refusal: &Refusal, now: Timestamp) {
    refused(world, name, refusal, now);
    let Some(kept) = kept_mut(world, name) else { return };
    let again = kept.memory.quiet_until.take();
    if let Some(tried) = &mut kept.memory.tried {
        let what =
            format!("The key of the account cannot be stored: {refusal}. Give the controller create on secrets there");
        tried.found = Found::Verdict(Verdict::unready(named::FORBIDDEN, what));
        tried.again = again;
    }
}

fn told(world: &mut World, name: &Name, identity: Identity, status: IssuerStatus) {
    if name.namespace().is_empty() {
        world.cluster_issuers.touch(name, identity);
    } else {
        world.issuers.touch(name, identity);
    }
    if let Some(kept) = kept_mut(world, name) {
        kept.status = Arc::new(status);
        kept.memory.quiet_until = None;
        kept.memory.refusals = 0;
    }
}

/// A write was refused, or nobody knows. What the watch says next decides; without news the write is made again, and the version in it keeps it from doing harm.
fn refused(world: &mut World, name: &Name, refusal: &Refusal, now: Timestamp) {
    tracing::warn!(issuer = %name, error = %refusal, "a write for an issuer was refused");
    if let Some(kept) = kept_mut(world, name) {
        kept.memory.refusals += 1;
        let pause = WRITE_PAUSES.pause(kept.memory.refusals, &name.to_string());
        kept.memory.quiet_until = Some(now + refusal.after().unwrap_or(pause));
    }
}

/// Between two set-ups that failed: cert-manager's pauses.
const PAUSES: Backoff = Backoff::new(Duration::from_secs(5), Duration::from_secs(300));
/// A server that forgets an account again so soon is not asked to make it again.
const AMNESIA: Duration = Duration::from_secs(600);
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// Between two writes that were refused.
const WRITE_PAUSES: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
