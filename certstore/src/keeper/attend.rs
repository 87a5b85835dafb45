//! The work on one record: look, decide, act, and say when to look again.

mod draft;
mod issuance;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use acme_core::flow::Fault;
use acme_core::protocol::CertificateId;
use acme_core::{Error, ErrorKind, Key, Retry, Secret, Timestamp, Version};
use futures_util::future::{Either, select};
use issuers::chain::Leaf;

use super::events::Happening;
use super::plan::{DAY, Facts, Plan, plan};
use super::roster;
use super::shared::Shared;
use crate::holding::{Holding, Trouble};
use crate::policy::renew;
use crate::record::{Credential, Record};

pub(super) use issuance::{Active, give_back};

use draft::begin;
use issuance::go_on;

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

/// A record as it was read, what is served of it, and what is to be done about it.
pub(super) struct Looked {
    pub(super) record: Record,
    version: Version,
    leaf: Option<Leaf>,
    pub(super) plan: Plan,
}

/// Reads a record, serves what is in it, and decides. `None` when there is no record.
pub(super) async fn look(shared: &Shared, key: &Key, number: u32) -> Result<Option<Looked>, Error> {
    let Some(entry) = shared.ground.store.get(key).await? else {
        return Ok(None);
    };
    let record = Record::decode(entry.value.expose()).map_err(|error| error.while_doing(key))?;
    let leaf = record.current().and_then(|it| it.leaf().ok());
    if let (Some(credential), Some(leaf)) = (record.current(), &leaf) {
        serve(shared, number, &record.spec.name, credential, leaf);
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
pub(super) async fn attend(shared: &Arc<Shared>, key: &Key, number: u32, active: Option<Box<Active>>) -> Attended {
    if let Some(active) = active {
        return go_on(shared, active, number).await;
    }
    let looked = match look(shared, key, number).await {
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
            Ok(active) => go_on(shared, active, number).await,
            Err(attended) => attended,
        },
    }
}

/// Hands a certificate to whoever serves, unless that was done. What failed is tried again at the next look.
fn serve(shared: &Shared, number: u32, name: &str, credential: &Credential, leaf: &Leaf) {
    let Some(print) = roster::print(credential) else {
        return;
    };
    if shared.roster.is_served(number, &print) {
        return;
    }
    if let Some(serve) = &shared.serve
        && let Err(error) = serve.install(name, &leaf.names, credential)
    {
        tracing::error!(certificate = name, %error, "a certificate cannot be served");
        shared.outlet.tell(name, Happening::NotServed { fault: Fault::from(&error) });
        return;
    }
    // First what `ready` looks at, then what wakes it.
    shared.roster.serve(number, print);
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

fn copy(secret: &Secret<Vec<u8>>) -> Secret<Vec<u8>> {
    Secret::new(secret.expose().clone())
}

/// A clock that stands still must not make a loop.
const SHORTEST: Duration = Duration::from_millis(1);
/// Longer than any issuer's time limits for one answer.
const CALL: Duration = Duration::from_secs(300);
/// After a lost claim: the winner has done something by then.
const TAKEN_OVER: Duration = Duration::from_secs(10);
