//! An issuance under way: one call of the issuer after the other, until the certificate is stored or the attempt failed.

use std::time::Duration;

use acme_core::backoff::Backoff;
use acme_core::flow::{Fault, Waiting};
use acme_core::{Error, ErrorKind, PrivateKey, Timestamp};
use issuers::chain::{self, Leaf};
use issuers::{CertificateRequest, Issued, Maker, Step};

use super::super::events::Happening;
use super::super::plan::DAY;
use super::super::shared::Shared;
use super::{Attended, Next, SHORTEST, copy, not_held, serve, within_limit};
use crate::Spec;
use crate::holding::{Holding, Trouble};
use crate::policy::after_failure::{self, Life};
use crate::policy::renew;
use crate::record::{Credential, Failure, Issuance};

/// An issuance under way.
pub(in crate::keeper) struct Active {
    holding: Holding,
    key: PrivateKey,
    /// Issued, served, and not stored yet.
    unsaved: Option<Unsaved>,
}

struct Unsaved {
    credential: Credential,
    leaf: Leaf,
    tries: u32,
}

impl Active {
    /// Held, with this key, and nothing asked yet.
    pub(super) fn begun(holding: Holding, key: PrivateKey) -> Self {
        Self { holding, key, unsaved: None }
    }
}

/// Asks the issuer for the next step, or stores what it gave.
pub(super) async fn go_on(shared: &Shared, mut active: Box<Active>, number: u32) -> Attended {
    if active.unsaved.is_some() {
        return store(shared, active, number).await;
    }
    if let Err(attended) = still_held(shared, &mut active.holding).await {
        return attended;
    }
    let Active { holding, key, .. } = &mut *active;
    let stepped = step(shared, holding, key).await;
    let name = holding.record.spec.name.clone();
    if matches!(holding.trouble, Some(Trouble::Lost)) {
        return not_held(shared, &name, Trouble::Lost);
    }
    match stepped {
        Ok(Stepped::NotYet { again, waiting }) => wait(shared, active, again, waiting).await,
        Ok(Stepped::Issued(issued, leaf)) => {
            let Some(credential) = credential(shared, holding, issued) else {
                return not_held(shared, &name, Trouble::Lost);
            };
            active.unsaved = Some(Unsaved { credential, leaf, tries: 0 });
            store(shared, active, number).await
        }
        Ok(Stepped::Useless(error)) => failed(shared, holding, &error, Void::Everything).await,
        Err(error) => match holding.trouble.take() {
            Some(trouble @ Trouble::Failed(_)) => {
                let mut attended = not_held(shared, &name, trouble);
                attended.active = Some(active);
                attended
            }
            Some(Trouble::Lost) | None => failed(shared, holding, &error, Void::Progress).await,
        },
    }
}

/// Who slept past its claim looks whether it still holds the record before it says another word.
async fn still_held(shared: &Shared, holding: &mut Holding) -> Result<(), Attended> {
    let ground = &shared.ground;
    let now = ground.now();
    if holding.record.claim.as_ref().is_some_and(|it| !it.until.is_due(now)) {
        return Ok(());
    }
    let until = now + ground.lease;
    let written = holding.write(|record| {
        if let Some(claim) = &mut record.claim {
            claim.until = until;
        }
    });
    match written.await {
        Ok(()) => Ok(()),
        Err(trouble) => {
            let name = holding.record.spec.name.clone();
            Err(not_held(shared, &name, trouble))
        }
    }
}

/// What one call of the issuer came to.
enum Stepped {
    NotYet {
        again: Timestamp,
        waiting: Waiting,
    },
    Issued(Issued, Leaf),
    /// What it gave is not what it was asked for.
    Useless(Error),
}

/// One call of the issuer; what it gives is checked.
async fn step(shared: &Shared, holding: &mut Holding, key: &PrivateKey) -> Result<Stepped, Error> {
    let spec: Spec = holding.record.spec.clone();
    let Some(pending) = &holding.record.pending else {
        holding.trouble = Some(Trouble::Lost);
        let lost = Error::new(ErrorKind::Conflict, "the issuance was taken away");
        return Err(lost);
    };
    let (csr, identifiers) = (pending.csr.clone(), pending.identifiers.clone());
    let (profile, usages) = (pending.profile.clone(), pending.contents.usages());
    let is_ca = pending.contents.authority.is_some();
    let Some(issuer) = shared.issuer(&pending.issuer).cloned() else {
        let unknown = shared.unknown(&pending.issuer);
        return Err(unknown);
    };
    let mut request = CertificateRequest::new(&csr, &identifiers);
    request.maker = Maker::Asker;
    request.labels = &spec.labels;
    request.duration = spec.duration;
    request.is_ca = is_ca;
    request.usages = usages.as_ref();
    request.replaces = pending.replaces.clone();
    request.profile = profile.as_deref();
    request.signer = Some(key);
    holding.trouble = None;
    Ok(match within_limit(shared, issuer.issue(&request, holding)).await? {
        Step::NotYet { again, waiting } => Stepped::NotYet { again, waiting },
        Step::Issued(issued) => match chain::check_for(&issued.chain, &request, shared.ground.now()) {
            Ok(leaf) => Stepped::Issued(issued, leaf),
            Err(error) => Stepped::Useless(error),
        },
    })
}

/// Keeps the claim for as long as is waited, and says for what.
async fn wait(shared: &Shared, mut active: Box<Active>, again: Timestamp, waiting: Waiting) -> Attended {
    let ground = &shared.ground;
    let again = again.max(ground.now() + SHORTEST);
    let holding = &mut active.holding;
    let name = holding.record.spec.name.clone();
    let until = holding.record.claim.as_ref().map(|it| it.until);
    if until < Some(again + ground.lease / 2) {
        let until = again + ground.lease;
        let extended = holding.write(|record| {
            if let Some(claim) = &mut record.claim {
                claim.until = until;
            }
            if let Some(pending) = &mut record.pending {
                pending.waiting = Some(waiting.clone());
            }
        });
        match extended.await {
            Ok(()) => {}
            Err(trouble @ Trouble::Lost) => return not_held(shared, &name, trouble),
            Err(Trouble::Failed(error)) => {
                tracing::warn!(certificate = name, %error, "a claim could not be extended");
            }
        }
    }
    shared.set_waiting(&active.holding.key, waiting.clone());
    shared.outlet.tell(&name, Happening::Waiting { waiting, until: again });
    Attended { next: Next::At(again), active: Some(active) }
}

fn credential(shared: &Shared, holding: &Holding, issued: Issued) -> Option<Credential> {
    let pending = holding.record.pending.as_ref()?;
    for leftover in &issued.leftovers {
        tracing::warn!(certificate = holding.record.spec.name, leftover, "something could not be cleaned up");
    }
    for remark in issued.remarks {
        shared.outlet.tell(&holding.record.spec.name, Happening::Remarked { remark });
    }
    let mut credential = Credential::new(
        copy(&pending.key),
        pending.key_type,
        issued.chain,
        pending.identifiers.clone(),
        pending.issuer.clone(),
        shared.ground.now(),
    );
    credential.root = issued.root;
    credential.profile.clone_from(&pending.profile);
    credential.contents.clone_from(&pending.contents);
    Some(credential)
}

/// Stores a new certificate and serves it. When it cannot be stored it is served all the same, and storing is tried again: it is never ordered again.
async fn store(shared: &Shared, mut active: Box<Active>, number: u32) -> Attended {
    let Active { holding, unsaved, .. } = &mut *active;
    let Some(Unsaved { credential, leaf, tries }) = unsaved else {
        return Attended::at(shared.ground.now());
    };
    let name = holding.record.spec.name.clone();
    let now = shared.ground.now();
    let written = holding.write(|record| {
        record.history.issued.retain(|it| it.at + DAY > now);
        let issuance = Issuance { at: credential.issued_at, set: record.spec.set(), serial: leaf.serial.clone() };
        if !record.history.issued.contains(&issuance) {
            record.history.issued.push(issuance);
        }
        record.history.failures = 0;
        record.history.last = None;
        record.history.not_before = None;
        // A wish from the time of the issuance was for the next one.
        record.requested = record.requested.filter(|at| *at > credential.issued_at);
        record.served = vec![duplicate(credential)];
        record.pending = None;
        record.claim = None;
        record.renewal = None;
    });
    match written.await {
        Ok(()) => {
            shared.outlet.tell(&name, Happening::Issued { serial: leaf.serial.clone(), not_after: leaf.not_after });
            serve(shared, number, &name, credential, leaf);
            Attended::at(now)
        }
        Err(Trouble::Lost) => not_held(shared, &name, Trouble::Lost),
        Err(Trouble::Failed(error)) => {
            serve(shared, number, &name, credential, leaf);
            *tries = tries.saturating_add(1);
            let again = now + STORE.pause(*tries, &name);
            let fault = Fault::from(&error);
            shared.outlet.tell(&name, Happening::NotStored { fault });
            Attended { next: Next::At(again), active: Some(active) }
        }
    }
}

/// What a failure makes useless.
#[derive(Clone, Copy)]
pub(super) enum Void {
    /// What the issuer remembered; key and signing request are used again.
    Progress,
    /// The key too: a certificate for it exists.
    Everything,
}

/// Notes a failed attempt, gives the claim back, and says when to try again.
pub(super) async fn failed(shared: &Shared, holding: &mut Holding, error: &Error, void: Void) -> Attended {
    let now = shared.ground.now();
    let name = holding.record.spec.name.clone();
    let leaf = holding.record.current().and_then(|it| it.leaf().ok());
    let life = leaf.map(|leaf| Life::new(renew::lifetime(&leaf), leaf.not_after.since(now)));
    let pause = after_failure::pause(holding.record.history.failures, error.retry(), life, &name, now);
    let fault = Fault::from(error);
    let written = holding.write(|record| {
        record.history.failures = pause.failures;
        record.history.not_before = Some(pause.until);
        record.history.last = Some(Failure { at: now, fault: fault.clone() });
        match (void, &mut record.pending) {
            (Void::Progress, Some(pending)) => {
                pending.progress = None;
                pending.waiting = None;
            }
            (Void::Progress, None) => {}
            (Void::Everything, _) => {
                record.history.issued.retain(|it| it.at + DAY > now);
                let set = record.spec.set();
                record.history.issued.push(Issuance { at: now, set, serial: String::new() });
                record.pending = None;
            }
        }
        record.claim = None;
    });
    if let Err(trouble) = written.await {
        // Not noted, but kept: the schedule below holds in this life, and a store that fails has no later one.
        tracing::warn!(certificate = name, ?trouble, "a failure could not be noted");
    }
    shared.outlet.tell(&name, Happening::Failed { fault, failures: pause.failures, again: pause.until });
    Attended::at(pause.until)
}

/// Gives back what is claimed, so that another keeper can go on at once.
pub(in crate::keeper) async fn give_back(mut active: Box<Active>) {
    if active.unsaved.is_none()
        && let Err(trouble) = active.holding.write(|record| record.claim = None).await
    {
        tracing::debug!(?trouble, "a claim was not given back; it ends by itself");
    }
}

/// One to store, one to serve.
fn duplicate(credential: &Credential) -> Credential {
    let mut duplicate = Credential::new(
        copy(&credential.key),
        credential.key_type,
        credential.chain.clone(),
        credential.identifiers.clone(),
        credential.issuer.clone(),
        credential.issued_at,
    );
    duplicate.root.clone_from(&credential.root);
    duplicate.profile.clone_from(&credential.profile);
    duplicate.contents.clone_from(&credential.contents);
    duplicate
}

const STORE: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(300));
