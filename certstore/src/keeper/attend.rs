//! The work on one record: look, decide, act, and say when to look again.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use acme_core::backoff::Backoff;
use acme_core::flow::{Fault, Waiting};
use acme_core::protocol::CertificateId;
use acme_core::{Error, ErrorKind, Key, PrivateKey, Retry, Secret, Signer as _, Timestamp, Version, hash};
use futures_util::future::{Either, select};
use issuers::chain::{self, Leaf};
use issuers::{CertificateRequest, Issued, Issuer, Maker, Step};

use super::events::Happening;
use super::plan::{DAY, Facts, Plan, Why, plan};
use super::shared::Shared;
use crate::blocking::blocking;
use crate::holding::{Holding, Trouble};
use crate::policy::after_failure::{self, Life};
use crate::policy::rotation::{self, NextKey, Wanted};
use crate::policy::{reissue, renew};
use crate::record::{Credential, Failure, Issuance, Pending, Record};
use crate::{Keys, Spec};

/// What came of the work.
pub(super) struct Attended {
    pub(super) next: Next,
    /// The issuance under way, to go on with.
    pub(super) active: Option<Box<Active>>,
}

impl Attended {
    fn at(at: Timestamp) -> Self {
        Self { next: Next::At(at), active: None }
    }
}

/// When to look again.
pub(super) enum Next {
    At(Timestamp),
    /// When issuing begins.
    Parked,
    /// Never: there is no record any more.
    Gone,
}

/// An issuance under way.
pub(super) struct Active {
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

/// A record as it was read, what is served of it, and what is to be done about it.
pub(super) struct Looked {
    pub(super) record: Record,
    version: Version,
    leaf: Option<Leaf>,
    pub(super) plan: Plan,
}

/// Reads a record, serves what is in it, and decides. `None` when there is no record.
pub(super) async fn look(
    shared: &Shared,
    key: &Key,
    installed: &mut Option<[u8; 32]>,
) -> Result<Option<Looked>, Error> {
    let Some(entry) = shared.ground.store.get(key).await? else {
        return Ok(None);
    };
    let record = Record::decode(entry.value.expose()).map_err(|error| error.while_doing(key))?;
    let leaf = record.current().and_then(|it| it.leaf().ok());
    if let (Some(credential), Some(leaf)) = (record.current(), &leaf) {
        serve(shared, &record.spec.name, credential, leaf, installed);
    }
    let plan = decide(shared, &record, leaf.as_ref());
    Ok(Some(Looked { version: entry.version, record, leaf, plan }))
}

pub(super) fn decide(shared: &Shared, record: &Record, leaf: Option<&Leaf>) -> Plan {
    let asked = record.current().and_then(|it| shared.issuer(&it.issuer));
    plan(&Facts {
        record,
        leaf,
        node: &shared.ground.node,
        issuer: record.spec.issuer.as_ref(),
        answers: asked.is_some_and(|it| it.renewal_info().is_some()),
        cap: shared.cap,
        now: shared.ground.now(),
    })
}

/// One round of work on a record.
pub(super) async fn attend(
    shared: &Arc<Shared>,
    key: &Key,
    installed: &mut Option<[u8; 32]>,
    active: Option<Box<Active>>,
) -> Attended {
    if let Some(active) = active {
        return go_on(shared, active, installed).await;
    }
    let looked = match look(shared, key, installed).await {
        Ok(Some(looked)) => looked,
        Ok(None) => {
            return Attended { next: Next::Gone, active: None };
        }
        Err(error) => return store_failed(shared, key.as_str(), &error),
    };
    let now = shared.ground.now();
    match looked.plan {
        Plan::Rest { at, .. } => Attended::at(at.max(now + SHORTEST)),
        Plan::Ask(ref certificate) => {
            let certificate = certificate.clone();
            ask(shared, key, looked, certificate).await
        }
        Plan::Issue(_) if shared.is_held_back() => Attended { next: Next::Parked, active: None },
        Plan::Issue(why) => match begin(shared, key, looked, why).await {
            Ok(active) => go_on(shared, active, installed).await,
            Err(attended) => attended,
        },
    }
}

fn serve(shared: &Shared, name: &str, credential: &Credential, leaf: &Leaf, installed: &mut Option<[u8; 32]>) {
    let Some(bytes) = credential.chain.leaf() else {
        return;
    };
    let print = hash::sha256(bytes);
    if *installed == Some(print) {
        return;
    }
    *installed = Some(print);
    if let Some(serve) = &shared.serve
        && let Err(error) = serve.install(name, &leaf.names, credential)
    {
        tracing::error!(certificate = name, %error, "a certificate cannot be served");
        return;
    }
    let serial = leaf.serial.clone();
    shared.outlet.tell(name, Happening::Serving { serial });
}

/// Asks the issuer when it would like the certificate renewed; under the claim, so that a fleet asks once.
async fn ask(shared: &Shared, key: &Key, looked: Looked, certificate: CertificateId) -> Attended {
    let Looked { record, version, .. } = looked;
    let name = record.spec.name.clone();
    let issuer = record.current().and_then(|it| shared.issuer(&it.issuer));
    let Some(issuer) = issuer.cloned() else {
        return Attended::at(shared.ground.now() + DAY);
    };
    let mut holding = match Holding::take(&shared.ground, key, record, version, |_| {}).await {
        Ok(holding) => holding,
        Err(trouble) => return not_held(shared, &name, trouble),
    };
    let answer = match issuer.renewal_info() {
        Some(renewal) => within_limit(shared, renewal.renewal_info(&certificate)).await,
        None => return Attended::at(shared.ground.now() + DAY),
    };
    let now = shared.ground.now();
    let kept = match answer {
        Ok(answer) => renew::answered(certificate, answer, now),
        Err(error) => {
            tracing::debug!(certificate = name, %error, "no answer about renewal; the schedule holds");
            let asked_for = match error.retry() {
                Retry::After(pause) => Some(pause),
                Retry::Backoff | Retry::Never => None,
            };
            renew::unanswered(certificate, holding.record.renewal.clone(), asked_for, now)
        }
    };
    if let Some(at) = kept.chosen.filter(|_| kept.failures == 0) {
        shared.outlet.tell(&name, Happening::RenewalSuggested { at });
    }
    let written = holding.write(|record| {
        record.renewal = Some(kept.clone());
        record.claim = None;
    });
    match written.await {
        Ok(()) => Attended::at(now),
        Err(trouble) => not_held(shared, &name, trouble),
    }
}

/// Claims the record and makes key and signing request durable, in one write, before the first word to the issuer.
async fn begin(shared: &Shared, key: &Key, looked: Looked, why: Why) -> Result<Box<Active>, Attended> {
    let Looked { record, version, leaf, .. } = looked;
    let name = record.spec.name.clone();
    let prepared = match shared.issuer_for(&record.spec) {
        Ok(issuer) => prepare(shared, &**issuer, &record, leaf.as_ref()).await,
        Err(error) => Err(error),
    };
    let (private, fresh) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            let mut holding = Holding::take(&shared.ground, key, record, version, |_| {})
                .await
                .map_err(|trouble| not_held(shared, &name, trouble))?;
            return Err(failed(shared, &mut holding, &error, Void::Progress).await);
        }
    };
    let taken = Holding::take(&shared.ground, key, record, version, |record| {
        if fresh.is_some() {
            record.pending = fresh;
        }
    });
    let holding = taken.await.map_err(|trouble| not_held(shared, &name, trouble))?;
    shared.outlet.tell(&name, Happening::Began { why });
    Ok(Box::new(Active { holding, key: private, unsaved: None }))
}

/// The key of the issuance under way, or a new one with its signing request.
async fn prepare(
    shared: &Shared,
    issuer: &dyn Issuer,
    record: &Record,
    leaf: Option<&Leaf>,
) -> Result<(PrivateKey, Option<Pending>), Error> {
    let spec = &record.spec;
    let pending = record.pending.as_ref();
    if let Some(pending) = pending.filter(|it| reissue::serves(spec, issuer.id(), it))
        && let Ok(key) = PrivateKey::from_pkcs8_der(copy(&pending.key))
    {
        return Ok((key, None));
    }
    let key = match kept(record)? {
        Some(key) => key,
        None => {
            let kind = spec.key_type;
            blocking(move || PrivateKey::generate(kind)).await?
        }
    };
    let csr = match spec.contents.signature_algorithm {
        None => spec.draft()?.sign_now(&key)?,
        // A key that is read back signs as it always does; so does the one that goes on from here.
        Some(algorithm) => {
            let again = PrivateKey::from_pkcs8_der(copy(key.to_pkcs8_der()))?;
            let signing = again.signing_with(algorithm).map_err(|error| error.with_retry(Retry::Never))?;
            spec.draft()?.sign_now(&signing)?
        }
    };
    let same_issuer = record.current().is_some_and(|it| it.issuer == *issuer.id() && issuer.renewal_info().is_some());
    let replaces = leaf
        .filter(|leaf| same_issuer && spec.identifiers.iter().any(|it| leaf.covers(it)))
        .and_then(|leaf| leaf.id.clone());
    let pending = Pending {
        key: copy(key.to_pkcs8_der()),
        key_type: spec.key_type,
        csr,
        identifiers: spec.identifiers.clone(),
        issuer: issuer.id().clone(),
        profile: spec.profile.clone(),
        contents: spec.contents.clone(),
        replaces,
        begun_at: shared.ground.now(),
        progress: None,
        waiting: None,
    };
    Ok((key, Some(pending)))
}

/// The key in use, when the next certificate shall have it too.
fn kept(record: &Record) -> Result<Option<PrivateKey>, Error> {
    let Some(current) = record.current().filter(|_| record.spec.keys != Keys::Fresh) else {
        return Ok(None);
    };
    let key = PrivateKey::from_pkcs8_der(copy(&current.key))?;
    let existing = rotation::Existing::new(key.public_key())?;
    let next = rotation::next_key(record.spec.keys, &Wanted::new(record.spec.key_type), Some(&existing))?;
    Ok((next == NextKey::Existing).then_some(key))
}

/// Asks the issuer for the next step, or stores what it gave.
async fn go_on(shared: &Shared, mut active: Box<Active>, installed: &mut Option<[u8; 32]>) -> Attended {
    if active.unsaved.is_some() {
        return store(shared, active, installed).await;
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
            store(shared, active, installed).await
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
async fn store(shared: &Shared, mut active: Box<Active>, installed: &mut Option<[u8; 32]>) -> Attended {
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
            serve(shared, &name, credential, leaf, installed);
            Attended::at(now)
        }
        Err(Trouble::Lost) => not_held(shared, &name, Trouble::Lost),
        Err(Trouble::Failed(error)) => {
            serve(shared, &name, credential, leaf, installed);
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
enum Void {
    /// What the issuer remembered; key and signing request are used again.
    Progress,
    /// The key too: a certificate for it exists.
    Everything,
}

/// Notes a failed attempt, gives the claim back, and says when to try again.
async fn failed(shared: &Shared, holding: &mut Holding, error: &Error, void: Void) -> Attended {
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

fn not_held(shared: &Shared, name: &str, trouble: Trouble) -> Attended {
    match trouble {
        Trouble::Lost => {
            shared.outlet.tell(name, Happening::TakenOver);
            Attended::at(shared.ground.now() + TAKEN_OVER)
        }
        Trouble::Failed(error) => store_failed(shared, name, &error),
    }
}

fn store_failed(shared: &Shared, name: &str, error: &Error) -> Attended {
    let pause = match error.retry() {
        Retry::After(pause) => pause,
        Retry::Backoff => Duration::from_secs(5),
        // A record that cannot be read, or one of a newer release: a human acts, or nobody.
        Retry::Never => Duration::from_secs(600),
    };
    let fault = Fault::from(error);
    shared.outlet.tell(name, Happening::StoreFailed { fault });
    Attended::at(shared.ground.now() + pause)
}

/// Gives up on a call that hangs: every wait ends.
async fn within_limit<T>(shared: &Shared, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let timer = &shared.ground.timer;
    let end = timer.now() + CALL;
    let late = async {
        while !end.is_due(timer.now()) {
            timer.sleep_until(end).await;
        }
    };
    match select(pin!(call), pin!(late)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => {
            Err(Error::new(ErrorKind::Unreachable, format!("the issuer did not answer within {CALL:?}")))
        }
    }
}

/// Gives back what is claimed, so that another keeper can go on at once.
pub(super) async fn give_back(mut active: Box<Active>) {
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

fn copy(secret: &Secret<Vec<u8>>) -> Secret<Vec<u8>> {
    Secret::new(secret.expose().clone())
}

/// A clock that stands still must not make a loop.
const SHORTEST: Duration = Duration::from_millis(1);
/// Longer than any issuer's time limits for one answer.
const CALL: Duration = Duration::from_secs(300);
/// After a lost claim: the winner has done something by then.
const TAKEN_OVER: Duration = Duration::from_secs(10);
const STORE: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(300));
