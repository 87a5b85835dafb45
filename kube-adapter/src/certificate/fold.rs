//! How the actions of a Certificate went, taken into the tables: first of all the versions that writes were answered with.

use std::sync::Arc;
use std::time::Duration;

use acme_core::Timestamp;
use acme_core::backoff::Backoff;
use acme_core::flow::Next;

use super::answer::{Answer, Asked, Read, Refused, Stored, Unwritten, Written};
use super::observe;
use super::record::{Absence, CertificateRecord, InHand, Memory, Seen, Trouble};
use super::wanted::Wanted;
use super::{ask, information, start};
use crate::api::{Refusal, RefusalKind};
use crate::crd::certificate::{Certificate, CertificateStatus};
use crate::key::{Identity, Key, Kind, Name};
use crate::metrics::{Attempt, AttemptEnd, IssuerOf, Metrics};
use crate::plan;
use crate::plan::certificate::{Action, Content, Failure, Place, rest};
use crate::request::{self, RequestRecord};
use crate::secret::{self, named};
use crate::status::{Field, Report};
use crate::world::World;

/// Takes in how an action went.
pub(super) fn fold(world: &mut World, name: &Name, action: &Action, answer: Answer, now: Timestamp) {
    if action.stores_a_pair()
        && let Some(memory) = memory(world, name)
    {
        memory.is_storing = false;
    }
    match answer {
        Answer::Stepped(request, answer) => request::fold(world, &request, answer, now),
        Answer::Object(read) => object(world, name, read, now),
        // Another Secret is wanted by now.
        Answer::Target(of, Ok(_)) if world.certificates.get(name).is_some_and(|it| it.secret != of) => {}
        Answer::Target(_, read) => {
            // Whose attempt has begun comes before those that wait for theirs.
            let has_turn = world.certificates.get(name).is_some_and(|it| !it.is_content);
            if let (Ok(Some(read)), Some(record)) = (&read, world.certificates.get(name)) {
                // From here on its metadata tell again whether anybody wrote it.
                let target = record.secret.clone();
                secret::settle(world, &target, &read.identity.version);
            }
            with_memory(world, name, read, now, |memory, read| {
                let (version, holding, key) = match read {
                    Some(read) => {
                        let Read { identity, holding, key } = *read;
                        (Some(identity.version), Some(Arc::new(holding)), key)
                    }
                    None => (None, None, None),
                };
                // The answer of the write that put it there was lost.
                if let (Some(in_hand), Some(there)) = (&mut memory.key, holding.as_ref().and_then(|it| it.key.as_ref()))
                    && in_hand.facts.place == Place::Memory
                    && in_hand.facts.digest == there.digest
                {
                    in_hand.facts.place = Place::Target;
                }
                memory.target = Some(Seen { version, holding, key });
                memory.absence = Absence::Credible;
                memory.has_turn |= has_turn;
            });
        }
        Answer::Key(secret, read) => with_memory(world, name, read, now, |memory, read| match read {
            Some(in_hand) => memory.key = Some(in_hand),
            None => memory.unfit.push(secret),
        }),
        Answer::Whole(request, Ok(None)) => request::forget(world, &request),
        Answer::Whole(request, read) => with_memory(world, name, read, now, |memory, whole| {
            if let Some(whole) = whole {
                memory.requests.retain(|(it, _)| *it != request);
                memory.requests.push((request, Arc::new(*whole)));
            }
        }),
        Answer::Made(made) => {
            let Some(memory) = memory(world, name) else { return };
            match made {
                Ok(in_hand) => memory.key = Some(in_hand),
                Err(failure) => memory.failure = Some(failure),
            }
        }
        Answer::KeyStored(secret, stored) => key_stored(world, name, secret, stored, now),
        Answer::Requested(request, asked) => requested(world, name, &request, asked, now),
        Answer::Written(written) => self::written(world, name, written, now),
        Answer::Told(told) => {
            if let Action::Report(report) = action {
                self::told(world, name, report, told, now);
            }
        }
        Answer::RequestDropped(request, dropped) => match dropped {
            Ok(()) => {
                request::forget(world, &request);
                if let Some(memory) = memory(world, name) {
                    memory.requests.retain(|(it, _)| *it != request);
                    memory.trouble = None;
                }
            }
            Err(refusal) => refused(world, name, &refusal, now),
        },
        Answer::KeyDropped(secret, dropped) => match dropped {
            Ok(()) => {
                secret::forget_next_key(world, &secret);
                if let Some(memory) = memory(world, name) {
                    let is_of = |it: &InHand| it.facts.place == Place::Stored(secret.object().into());
                    memory.key = memory.key.take().filter(|it| !is_of(it));
                    memory.unfit.retain(|it| *it != secret);
                    memory.trouble = None;
                }
            }
            Err(refusal) => refused(world, name, &refusal, now),
        },
        Answer::Informed { certificate, revision, answer } => {
            information::take(world, name, certificate, revision, answer, now);
        }
        Answer::Announced(note) => {
            if let Some(memory) = memory(world, name) {
                memory.announced.push(note);
            }
        }
        Answer::Gone => {
            // What is missing is looked for again, not at once.
            hold(world, name, None, now);
        }
    }
    forget_if_settled(world, name, now);
}

/// Takes in the Certificate as it is.
fn object(world: &mut World, name: &Name, read: Result<Option<Box<Certificate>>, Refusal>, now: Timestamp) {
    let object = match read {
        Ok(Some(mut object)) => {
            object.metadata.managed_fields = None;
            *object
        }
        Ok(None) => {
            world.certificates.forget(name);
            return;
        }
        Err(refusal) => return refused(world, name, &refusal, now),
    };
    let Some(record) = world.certificates.get_mut(name) else { return };
    let has_turn = record.whole.is_none();
    let memory = record.memory();
    memory.has_turn |= has_turn;
    memory.is_stale = false;
    memory.goes_on(now);
    if let Some(changed) = world.certificates.look(object) {
        super::changed(world, changed);
    }
}

fn key_stored(world: &mut World, name: &Name, secret: Name, stored: Result<Stored, Refusal>, now: Timestamp) {
    let Some(owner) = world.certificates.get(name).map(|it| it.uid.clone()) else { return };
    match stored {
        Ok(Stored::Now(identity)) => {
            secret::learn_next_key(world, &secret, identity, name, owner);
            if let Some(memory) = memory(world, name) {
                memory.trouble = None;
                if let Some(in_hand) = &mut memory.key {
                    in_hand.facts.place = Place::Stored(secret.object().into());
                }
            }
        }
        Ok(Stored::Earlier(identity)) => {
            // The key that is stored counts, not the one in memory.
            secret::learn_next_key(world, &secret, identity, name, owner);
            if let Some(memory) = memory(world, name) {
                memory.key = None;
            }
        }
        Ok(Stored::Taken) => {
            if let Some(memory) = memory(world, name) {
                memory.taken_names += 1;
            }
            hold(world, name, None, now);
            if let Some(trouble) = memory(world, name).and_then(|it| it.trouble.as_mut()) {
                trouble.is_told = true;
            }
        }
        Err(refusal) => refused(world, name, &refusal, now),
    }
}

fn requested(world: &mut World, name: &Name, request: &Name, asked: Result<Box<Asked>, Refused>, now: Timestamp) {
    match asked {
        Ok(asked) => {
            let Asked { identity, object, is_new } = *asked;
            let record = if is_new {
                RequestRecord::made(object, world.certificates.get(name).and_then(start::lent))
            } else {
                RequestRecord::found(object, now)
            };
            request::learn(world, request, identity, record, now);
            if let Some(memory) = memory(world, name) {
                memory.trouble = None;
                memory.obstacle = None;
                memory.begun.get_or_insert(now);
            }
        }
        Err(Refused::Unsigned(error)) => {
            if let Some(memory) = memory(world, name) {
                memory.failure = Some(Failure { reason: "RequestFailed".to_owned(), message: ask::unsigned(&error) });
            }
        }
        Err(Refused::ByServer(refusal)) if refusal.kind() == RefusalKind::Invalid => {
            let message = format!("Failed to create CertificateRequest: {refusal}{}", refusal.hint());
            if let Some(memory) = memory(world, name) {
                memory.failure = Some(Failure { reason: "RequestFailed".to_owned(), message });
            }
        }
        Err(Refused::ByServer(refusal)) => refused(world, name, &refusal, now),
        Err(Refused::Taken) => {
            tracing::warn!(%request, certificate = %name, "somebody else has a request of this name: waiting until it goes");
            if let Some(memory) = memory(world, name) {
                memory.obstacle = Some(request.object().into());
            }
            hold(world, name, None, now);
        }
    }
}

fn written(world: &mut World, name: &Name, written: Result<Box<Written>, Unwritten>, now: Timestamp) {
    let written = match written {
        Ok(written) => *written,
        Err(Unwritten::Unusable(failure)) => {
            if let Some(memory) = memory(world, name) {
                memory.failure = Some(failure);
            }
            return;
        }
        Err(Unwritten::Lacking(reason, what)) => {
            tracing::warn!(certificate = %name, reason, "{what}");
            return hold(world, name, None, now);
        }
        Err(Unwritten::ByServer(refusal)) => {
            if let Some(memory) = memory(world, name)
                && matches!(refusal.kind(), RefusalKind::Conflict | RefusalKind::Lost | RefusalKind::Gone)
            {
                memory.target = None;
                memory.absence = Absence::Doubtful;
            }
            return refused(world, name, &refusal, now);
        }
    };
    let Written { secret, identity, sent, proof, holding, key, is_tls, is_issued } = written;
    let written_to = secret.clone();
    let version = identity.version.clone();
    secret::written(world, secret::Written { name: secret, identity, proof, is_tls }, sent);
    let Some(record) = world.certificates.get_mut(name) else { return };
    if is_issued {
        record.issued.add(now);
        if let Some(object) = record.object() {
            // The watch may show the status before its answer is here; the Secret is written by nobody else.
            count(&world.metrics, &object, AttemptEnd::Issued(record.memory().begun.map(|begun| now.since(begun))));
        }
    }
    let is_wanted = record.secret == written_to;
    let memory = record.memory();
    memory.trouble = None;
    if !is_wanted {
        return;
    }
    if let Some(in_hand) = memory.key.as_mut().filter(|_| !is_issued) {
        in_hand.facts.place = Place::Target;
    }
    memory.stored = is_issued.then_some(now).or(memory.stored);
    memory.target = Some(Seen { version: Some(version), holding: Some(Arc::new(holding)), key });
}

/// Takes in the status as it was written. What the attempt needed goes with its end, which the report tells: the watch may have shown the status already.
fn told(
    world: &mut World,
    name: &Name,
    report: &Report,
    told: Result<Box<(Identity, CertificateStatus)>, Refusal>,
    now: Timestamp,
) {
    if let Some(memory) = memory(world, name) {
        memory.is_reporting = false;
    }
    let (identity, status) = match told {
        Ok(told) => *told,
        Err(refusal) => return refused(world, name, &refusal, now),
    };
    let known = world.certificates.identity(name);
    let is_overtaken = known.is_some_and(|known| identity.version.is_older_than(&known.version));
    let Some(record) = world.certificates.get_mut(name) else { return };
    let Some(whole) = record.object() else { return };
    let is_success = report.revision.is_some();
    let is_failure = matches!(report.failures, Field::Set(_));
    if is_failure {
        let reason = status.conditions.get("Issuing").map(|it| it.reason.as_str()).unwrap_or_default();
        count(&world.metrics, &whole, AttemptEnd::Failed(reason));
    }
    let (uid, memory) = (record.uid.clone(), record.memory());
    if is_success || is_failure {
        memory.attempt_over();
        memory.trouble = None;
    }
    if !report.is_of_lack() {
        // Another write may be what is refused again and again.
        memory.goes_on(now);
    }
    memory.has_turn = false;
    if !is_overtaken {
        // So that it is not copied.
        record.whole = None;
        let mut object = Arc::unwrap_or_clone(whole);
        object.status = Some(status);
        object.metadata.resource_version = Some(identity.version.to_string());
        world.certificates.look(object);
    }
    if is_success {
        for request in request::owned_by(world, &uid).to_vec() {
            if let Some(request) = world.requests.get_mut(&request) {
                request.settle();
            }
        }
    }
}

/// Counts an attempt that ended.
fn count(metrics: &Metrics, object: &Certificate, end: AttemptEnd<'_>) {
    let issuer = &object.spec.issuer_ref;
    metrics
        .attempt(&Attempt { issuer: IssuerOf { group: &issuer.group, kind: &issuer.kind, name: &issuer.name }, end });
}

/// Drops what is remembered of a Certificate for which nothing is to be done.
fn forget_if_settled(world: &mut World, name: &Name, now: Timestamp) {
    let Some(record) = world.certificates.get(name) else { return };
    let Some(memory) = record.memory.as_deref() else { return };
    let is_idle = memory.key.is_none()
        && memory.failure.is_none()
        && memory.trouble.as_ref().is_none_or(|it| it.until.is_due(now))
        && !memory.is_stale
        && !memory.is_reporting
        && !memory.is_storing
        && !(memory.is_informed && is_wanting(world, name, record, now));
    let content = Content { is_content: record.is_content && is_idle, ..observe::content(world, name, record) };
    if rest(&content, now).is_none() {
        return;
    }
    if let Some(record) = world.certificates.get_mut(name) {
        record.memory = None;
        record.whole = None;
    }
}

/// Whether a plan of all that is known wants anything done.
fn is_wanting(world: &World, name: &Name, record: &CertificateRecord, now: Timestamp) -> bool {
    let Some(object) = record.object() else { return false };
    let wanted = Wanted::of(&object);
    let next = plan::certificate::plan(&observe::observe(world, name, record, &object, &wanted, now), now);
    matches!(next, Next::Go(agenda) if !agenda.ready.is_empty())
}

/// Takes in what was read, or that it could not be.
fn with_memory<T>(
    world: &mut World,
    name: &Name,
    read: Result<T, Refusal>,
    now: Timestamp,
    take: impl FnOnce(&mut Memory, T),
) {
    match read {
        Ok(read) => {
            if let Some(memory) = memory(world, name) {
                memory.goes_on(now);
                take(memory, read);
            }
        }
        Err(refusal) => refused(world, name, &refusal, now),
    }
}

fn memory<'a>(world: &'a mut World, name: &Name) -> Option<&'a mut Memory> {
    world.certificates.get_mut(name).map(CertificateRecord::memory)
}

/// The API server did not do what it was asked. What may have changed is read again.
fn refused(world: &mut World, name: &Name, refusal: &Refusal, now: Timestamp) {
    tracing::debug!(certificate = %name, error = %refusal, "a call for a certificate was refused");
    match refusal.kind() {
        RefusalKind::Conflict | RefusalKind::Lost | RefusalKind::Gone | RefusalKind::Exists => {
            if let Some(memory) = memory(world, name) {
                memory.is_stale = true;
            }
        }
        RefusalKind::Forbidden | RefusalKind::Invalid | RefusalKind::Busy => {}
    }
    if refusal.is_of_secrets() {
        named::deny(world, Key::new(Kind::Certificate, name.clone()), &refusal.to_string());
    }
    hold(world, name, Some(refusal), now);
}

/// Nothing is tried for a while; shortest after the first conflict, since reading again is what helps there.
fn hold(world: &mut World, name: &Name, refusal: Option<&Refusal>, now: Timestamp) {
    let Some(memory) = memory(world, name) else { return };
    let failures = memory.trouble.as_ref().map_or(0, |it| it.failures) + 1;
    let is_first_conflict = failures == 1 && refusal.is_some_and(|it| it.kind() == RefusalKind::Conflict);
    let pause = if is_first_conflict { Duration::ZERO } else { PAUSES.pause(failures, &name.to_string()) };
    let pause = refusal.and_then(Refusal::after).map_or(pause, |after| after.max(pause));
    let is_told = refusal.is_some_and(Refusal::is_of_secrets);
    memory.trouble = Some(Trouble { failures, until: now + pause, is_told });
    // From here on it is not its turn that it waits for.
    memory.begun.get_or_insert(now);
}

/// Between two calls that were refused.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(60));
