//! CertificateRequests: the step that is the same for those of a Certificate and for others, and the subject of the others.

mod act;
mod fold;
mod index;
mod listed;
pub(crate) mod order;
mod record;
mod requester;
mod rights;
mod signing;
mod write;

use std::sync::Arc;
use std::time::Duration;

use acme_core::Timestamp;
use acme_core::flow::Next;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::api::Refusal;
use crate::context::Context;
use crate::crd::certificate_request::{CertificateRequest, CertificateRequestStatus};
use crate::crd::reference::IssuerRef;
use crate::engine::{Engine, Remote};
use crate::issuer;
use crate::issuer::View;
use crate::key::{Identity, Key, Kind, Name, Uid};
use crate::order::OrderRecord;
use crate::plan;
use crate::plan::request::Observed;
use crate::queue::Class;
use crate::secret::named::{self, Access};
use crate::settings::{DurableKeys, EventSet};
use crate::subject::{Lane, Subject};
use crate::world::{Changed, World};

pub(crate) use crate::plan::request::{Action, Standing};
pub(crate) use index::Index;
pub(crate) use record::{Ended, Failure, KeyRead, Memory, PICKUP, REVISION, RequestRecord};
pub(crate) use requester::Requester;
pub(crate) use rights::Right;

use act::Keyed;
use rights::{Signer, Told};
use signing::{Answered, Outcome as Signed};

/// The subject.
pub(crate) struct Requests;

/// How an action went.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The API server said whether we may approve.
    Right(Asked),
    /// The Secret with the key was read.
    Key(Keyed),
    /// The issuer was asked, and gave no certificate.
    Unsigned(Signed),
    /// Somebody else was asked.
    Answered(Remote, Answered),
    /// Nobody can be asked: the request itself is of no use.
    Unaskable(Failure),
    /// The name that its certificate is picked up by was to be written down.
    Noted(String, Result<Identity, Refusal>),
    /// A write was refused because the request had changed, or nobody knows what became of it: what is there now.
    Seen(Box<CertificateRequest>),
    /// Its Order was to be made: what is there now, and under which identity.
    Ordered(Result<Box<(Name, Identity, OrderRecord)>, Refusal>),
    /// An Order was to be deleted.
    Dropped(Name, Result<(), Refusal>),
    /// The certificate of its Order is of no use.
    Unfit,
    /// It was said that somebody else has to approve it.
    Announced,
    /// The status was to be written.
    Wrote(Result<(Identity, CertificateRequestStatus), Refusal>),
    /// The request went before the action began.
    Gone,
}

/// Whether requests to a signer may be approved, as the API server said.
#[derive(Debug)]
pub(crate) struct Asked(Signer, Result<Told, Refusal>);

/// What becomes of a request to this issuer, as far as that is known before it is made: whether its key must be stored first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Prospect {
    /// Signer, approver and store are all this process, and nothing has to be waited for: request, approval and certificate in one pass.
    OnePass,
    /// It may become one pass: the issuer is being looked at, or whether we may approve is being asked. That takes a moment.
    Unclear,
    /// Somebody else remembers the signing request, or something may have to be waited for: the key is stored first.
    Waiting,
    /// The same, and the wait is certain and worth a word at once: another approver, an external issuer, DNS.
    LongWait,
}

/// What would become of a request to `issuer` from this namespace.
pub(crate) fn prospect(world: &World, namespace: &str, issuer: &IssuerRef, now: Timestamp) -> Prospect {
    if !world.settings.approver {
        return Prospect::LongWait;
    }
    let rights = &world.request_index.rights;
    let quick = match rights.of(namespace, issuer, now) {
        Right::Allowed => Prospect::OnePass,
        // It will be asked before anything is signed; the answer is the old one as a rule.
        Right::Unknown | Right::Asked if rights.was_allowed(namespace, issuer) => Prospect::OnePass,
        Right::Unknown | Right::Asked if rights.was_refused(namespace, issuer) => Prospect::Waiting,
        Right::Unknown | Right::Asked => Prospect::Unclear,
        Right::Off | Right::Refused(_) => return Prospect::LongWait,
    };
    let stores_all = world.settings.durable_keys == DurableKeys::Always;
    match issuer::view(world, namespace, issuer) {
        View::Foreign => Prospect::LongWait,
        _ if stores_all || quick == Prospect::Waiting => Prospect::Waiting,
        View::Ready(Engine::Authority(..) | Engine::SelfSigned(_)) => quick,
        // Whoever applies both in one file has the issuer there in a moment.
        View::Missing => Prospect::Unclear,
        View::Unready(kept) if kept.tried().is_none() && kept.spec.signs_here() => Prospect::Unclear,
        View::Unready(_) | View::Ready(Engine::Remote(_) | Engine::Acme(_)) => Prospect::Waiting,
    }
}

/// A Certificate whose prospect is unclear is woken as soon as there is news of its issuer.
pub(crate) fn expect(world: &mut World, certificate: &Name, issuer: &IssuerRef) {
    let signer = Signer::of(certificate.namespace(), issuer);
    world.request_index.expect(signer, certificate.clone());
}

/// How this request stands now. `None` when there is none of this name.
pub(crate) fn standing(world: &World, name: &Name, now: Timestamp) -> Option<Standing> {
    let record = world.requests.get(name)?;
    if let Some(ended) = record.ended() {
        return Some(ended.clone().into());
    }
    let object = record.whole()?;
    let (namespace, reference) = (name.namespace(), &object.spec.issuer_ref);
    let nothing = CertificateRequestStatus::default();
    let status = object.status.as_ref().unwrap_or(&nothing);
    let missing = || issuer::missing(world, namespace, reference);
    let annotations = object.metadata.annotations.as_ref();
    let observed = Observed {
        conditions: &status.conditions,
        failed_at: status.failure_time.as_ref().and_then(|time| time.timestamp()),
        issuer: issuer::view(world, namespace, reference),
        missing: &missing,
        right: right(world, namespace, reference, now),
        key_secret: annotations.and_then(|it| it.get(KEY_SECRET)).map(String::as_str).filter(|it| !it.is_empty()),
        pickup: annotations.and_then(|it| it.get(PICKUP)).map(String::as_str),
        memory: record.memory(),
        visible_after: world.settings.visible_after,
        order: issuer::view(world, namespace, reference)
            .account()
            .map(|account| order::view(world, name, record, object, account)),
        says_all: world.settings.events == EventSet::All,
        closing: world.closing,
    };
    Some(plan::request::plan(&observed, now))
}

/// Whether we approve, and do not know yet if we may for this issuer of ours.
pub(crate) fn is_unasked(world: &World, issuer: &Name) -> bool {
    world.settings.approver && !world.request_index.rights.is_heard_of(&Signer::of_issuer(issuer))
}

/// Whether that is to be asked now: one question speaks of all issuers of a kind as a rule, so one at a time is asked.
pub(crate) fn may_ask(world: &World, issuer: &Name) -> bool {
    is_unasked(world, issuer) && !world.request_index.rights.is_asking(&Signer::of_issuer(issuer))
}

/// Asks whether requests to an issuer of ours may be approved.
pub(crate) fn ask_right(world: &mut World, context: &Arc<Context>, issuer: &Name) -> BoxFuture<'static, Asked> {
    ask(world, context, Signer::of_issuer(issuer))
}

fn ask(world: &mut World, context: &Arc<Context>, signer: Signer) -> BoxFuture<'static, Asked> {
    world.request_index.rights.ask(signer.clone());
    let context = Arc::clone(context);
    async move { Asked(signer.clone(), signer.ask(&context.api).await) }.boxed()
}

/// Takes in what the API server said, and wakes the requests that waited for it.
pub(crate) fn right_told(world: &mut World, asked: Asked, now: Timestamp) {
    let Asked(signer, told) = asked;
    if let Err(refusal) = &told {
        tracing::warn!(error = %refusal, "the API server did not say whether requests may be approved");
    }
    world.request_index.rights.learn(&signer, told.ok(), now);
    let same_kind = |it: &Signer| it.group == signer.group && it.kind == signer.kind;
    let waiting = world.request_index.waiting(same_kind);
    waiting.iter().for_each(|name| wake(world, name));
    wake_expecting(world, same_kind);
}

fn right(world: &World, namespace: &str, issuer: &IssuerRef, now: Timestamp) -> Right {
    if world.settings.approver { world.request_index.rights.of(namespace, issuer, now) } else { Right::Off }
}

/// The requests that the Certificate of this uid owns, in no order.
pub(crate) fn owned_by<'a>(world: &'a World, uid: &Uid) -> &'a [Name] {
    world.request_index.owned(uid)
}

/// Names the Certificate of this uid, in the requests that it owns, by a name that others hold as well.
pub(crate) fn name_owner(world: &mut World, uid: &Uid, certificate: &Name) {
    for request in world.request_index.owned(uid) {
        if let Some(record) = world.requests.get_mut(request) {
            record.share(certificate);
        }
    }
}

/// Puts in a request that this process just made.
pub(crate) fn learn(world: &mut World, name: &Name, identity: Identity, mut record: RequestRecord, now: Timestamp) {
    if world.requests.is_overtaken(name, &identity) {
        // Somebody wrote it before its maker heard that it is there: that stays.
        if let Some(written) = world.requests.get_mut(name) {
            written.take_over(record);
        }
        return;
    }
    record.memory_mut().seen = Some(now);
    share_owner(world, &mut record);
    world.request_index.enter(name, &record);
    let object = record.whole().cloned();
    world.requests.learn(name.clone(), identity, record);
    if let Some(object) = object {
        world.requests.measure(name, &object);
    }
}

/// The owner is named many times, and once in memory.
fn share_owner(world: &World, record: &mut RequestRecord) {
    if let Some(owner) = record.owner().and_then(|(owner, _)| world.certificates.name(owner)).cloned() {
        record.share(&owner);
    }
}

/// Lends the key that a request is for, where none is at hand.
pub(crate) fn lend(world: &mut World, name: &Name, signer: Arc<dyn acme_core::Signer>) {
    if let Some(record) = world.requests.get_mut(name) {
        record.memory_mut().signer.get_or_insert(signer);
    }
}

/// Takes out a request that this process just deleted.
pub(crate) fn forget(world: &mut World, name: &Name) {
    if let Some(record) = world.requests.forget(name) {
        world.request_index.leave(name, &record);
        look_for_none(world, name);
    }
}

/// A request looks into this Secret for its key.
fn look_for_key(world: &mut World, request: &Name, secret: Name) {
    named::want(world, &Key::new(Kind::CertificateRequest, request.clone()), vec![secret.clone()]);
    world.request_index.look_for_key(secret, request);
}

/// A request has ended, or is gone, and looks for no key.
fn look_for_none(world: &mut World, request: &Name) {
    if named::are_named(world) {
        named::want(world, &Key::new(Kind::CertificateRequest, request.clone()), Vec::new());
    }
}

/// One of them changed: who steps it is woken.
pub(crate) fn changed(world: &mut World, changed: Changed<RequestRecord>, now: Timestamp) {
    let Changed { name, removed } = changed;
    if let Some(removed) = &removed {
        world.request_index.leave(&name, removed);
        wake_owner(world, &name, removed.owner().map(|(owner, _)| owner.clone()));
    }
    if world.requests.get(&name).is_none_or(|it| it.ended().is_some()) {
        look_for_none(world, &name);
    }
    let is_known = world.requests.get(&name).is_some_and(|it| world.request_index.knows(&name, it));
    if let Some(record) = world.requests.get_mut(&name) {
        // Of what has ended nothing need be remembered, unless it came out of the blue.
        if record.ended().is_none() || (!is_known && world.planning_since.is_some()) {
            let memory = record.memory_mut();
            if memory.seen.is_none() {
                memory.appeared = world.planning_since.map(|_| now);
            }
            memory.seen.get_or_insert(now);
        }
        if let Some(owner) = record.owner().and_then(|(owner, _)| world.certificates.name(owner)).cloned() {
            record.share(&owner);
        }
    }
    if let Some(record) = world.requests.get(&name) {
        world.request_index.enter(&name, record);
        wake(world, &name);
    }
}

/// An issuer appeared, went, or stands differently now: those who wait for it are woken, and nobody else.
pub(crate) fn wake_waiting(world: &mut World, issuer: &Name) {
    let waiting = world.request_index.waiting(|signer| signer.is(issuer));
    waiting.iter().for_each(|name| wake(world, name));
    wake_expecting(world, |signer| signer.is(issuer));
}

fn wake_expecting(world: &mut World, which: impl Fn(&Signer) -> bool) {
    for certificate in world.request_index.expecting(which) {
        world.wake(Key::new(Kind::Certificate, certificate));
    }
}

/// The Order of this request came to nothing through no fault of the request's: it is made anew. A crash forgets that, and the attempt fails then.
pub(crate) fn order_is_void(world: &mut World, request: &Name) {
    if let Some(record) = world.requests.get_mut(request) {
        record.memory_mut().order_is_unfit = true;
        wake(world, request);
    }
}

/// Whether anybody tells of the Secret with a request's key is known now. Where nobody does, the request looks by itself.
pub(crate) fn key_access_changed(world: &mut World, request: &Name) {
    let key = Key::new(Kind::CertificateRequest, request.clone());
    if let Access::Closed(_) = named::access_of(world, &key)
        && let Some(record) = world.requests.get_mut(request)
    {
        record.memory_mut().key = KeyRead::Unread;
        wake(world, request);
    }
}

/// A Secret changed: requests that look for their key there look again.
pub(crate) fn secret_changed(world: &mut World, secret: &Name) {
    for name in world.request_index.seekers(secret) {
        if let Some(record) = world.requests.get_mut(&name) {
            let memory = record.memory_mut();
            memory.key = KeyRead::Unread;
            memory.key_is_news = true;
            if !memory.made_here {
                memory.signer = None;
            }
            wake(world, &name);
        }
    }
}

/// Wakes the Certificate that owns a request, or the request itself.
fn wake(world: &mut World, name: &Name) {
    let owner = world.requests.get(name).and_then(|record| record.owner()).map(|(owner, _)| owner.clone());
    wake_owner(world, name, owner);
}

fn wake_owner(world: &mut World, name: &Name, owner: Option<Name>) {
    world.wake(match owner {
        Some(owner) => Key::new(Kind::Certificate, owner),
        None => Key::new(Kind::CertificateRequest, name.clone()),
    });
}

/// Takes in how it went.
pub(crate) fn fold(world: &mut World, name: &Name, answer: Answer, now: Timestamp) {
    fold::fold(world, name, answer, now);
}

/// Starts what a request wants.
pub(crate) fn start(
    world: &mut World,
    context: &Arc<Context>,
    name: &Name,
    action: &Action,
    now: Timestamp,
) -> BoxFuture<'static, Answer> {
    act::start(world, context, name, action, now)
}

/// What an action occupies.
pub(crate) fn lane(action: &Action) -> Lane {
    match action {
        Action::AskRight | Action::Ask | Action::Announce => Lane::Call,
        Action::ReadKey | Action::Keep | Action::NotePickup => Lane::Write,
        Action::Sign | Action::Approve | Action::Show(_) | Action::Deny | Action::Fail(_) => Lane::Write,
        Action::MakeOrder | Action::DropOrder(_) | Action::TakeOrder(_) => Lane::Write,
    }
}

impl Subject for Requests {
    type Action = Action;
    type Answer = Answer;

    fn next(world: &World, name: &Name, now: Timestamp) -> Next<Action, ()> {
        // Those of a Certificate are stepped with it, or go with it.
        let bare = world.requests.get(name).is_some_and(|record| record.owner().is_none());
        match standing(world, name, now) {
            Some(Standing::Going(agenda)) if bare => Next::Go(agenda),
            Some(_) | None => Next::Done(()),
        }
    }

    fn start(
        world: &mut World,
        context: &Arc<Context>,
        name: &Name,
        action: &Action,
        now: Timestamp,
    ) -> BoxFuture<'static, Answer> {
        start(world, context, name, action, now)
    }

    fn fold(world: &mut World, name: &Name, _action: &Action, answer: Answer, now: Timestamp) {
        fold(world, name, answer, now);
    }

    fn class(_world: &World, _name: &Name, _now: Timestamp) -> Class {
        Class::New
    }

    fn lane(action: &Action) -> Lane {
        lane(action)
    }
}

/// The annotation that names the Secret with the request's key.
pub(crate) const KEY_SECRET: &str = "cert-manager.io/private-key-secret-name";

/// Between two looks at an API server that does not answer, and two questions to an issuer that wants to be asked again at once.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
