//! What to do next for a Certificate, its requests and its Secrets.
//!
//! Every answer comes from what is observed alone, so it is the same after a crash: what was done is seen in the cluster, and what only this process
//! remembers (a key that nobody else has) can be made again.

mod attempt;
mod check;
mod content;
mod information;
mod lacking;
mod observed;
mod report;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use acme_core::Timestamp;
use acme_core::flow::{Agenda, Next, Waiting, Wake};
use acme_core::protocol::CertificateId;
use certstore::policy::renew::Reason;

use crate::request;
use crate::status::{Note, Report};

pub(crate) use check::{Complaint, path};
pub(crate) use content::{Content, rest};
pub(crate) use information::{Answered, Information, Source};
pub(crate) use lacking::{Lacking, TAKEN, TOO_LONG, is_lack};
pub(crate) use observed::{
    Contents, Failure, Holding, KeyFacts, Observed, Place, RequestFacts, Requested, Rules, Sound, Stored, Target,
    WantedFacts,
};

/// What may be done for a Certificate. One at a time for each object that it touches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// Read the Certificate itself.
    ReadObject,
    /// Read the target Secret.
    ReadTarget,
    /// Read a stored next key.
    ReadKey(Arc<str>),
    /// Read a request whole.
    ReadRequest(Arc<str>),
    /// Make a key, in memory.
    MakeKey,
    /// Store the key that is in memory (K).
    StoreKey,
    /// Make the request for this revision (R).
    Request(i64),
    /// Go on with a request (A, X, and what is between).
    Step { request: Arc<str>, action: request::Action },
    /// Write what this request was issued, and the key, into the target Secret (T).
    Store(Arc<str>),
    /// Write what the target Secret holds once more, with all that belongs beside it (T).
    Refresh,
    /// Write a temporary certificate for the key to come, and the key, into the target Secret (T').
    StoreTemporary,
    /// Ask the issuer when this certificate, of this revision, should be renewed.
    AskRenewal { certificate: CertificateId, revision: i64 },
    /// Say something as an Event, and nowhere else.
    Announce(Note),
    /// Write the status (I, S, S').
    Report(Box<Report>),
    /// Delete a request (B, and what cannot be finished).
    DropRequest(Arc<str>),
    /// Delete a stored next key (Q).
    DropKey(Arc<str>),
}

impl Action {
    /// Does it put another key and certificate into the Secret?
    pub(crate) fn stores_a_pair(&self) -> bool {
        matches!(self, Self::Store(_) | Self::StoreTemporary)
    }
}

/// What to do next.
pub(crate) fn plan(observed: &Observed<'_>, now: Timestamp) -> Next<Action, ()> {
    if observed.object.metadata.deletion_timestamp.is_some() {
        return Next::Done(());
    }
    match &observed.lacking {
        Some(lacking) => lacking::plan(observed, lacking, now),
        None => step(observed, now),
    }
}

/// What to do next with every right that is needed.
fn step(observed: &Observed<'_>, now: Timestamp) -> Next<Action, ()> {
    if let Some(until) = observed.held_until.filter(|it| !it.is_due(now)) {
        return wait(until, "the API server is asked again");
    }
    if observed.is_storing {
        // Only its answer tells what the Secret holds. Until then a specification that changed meanwhile takes no request away.
        return wait(now + observed.rules.patience, "the Secret is written");
    }
    if observed.is_stale {
        return act([Action::ReadObject]);
    }
    if let Err(violation) = &observed.wanted {
        return tell(observed, report::violation(violation));
    }
    if let Some(owner) = observed.owner {
        return tell(observed, report::not_owner(observed, owner));
    }
    if let Some(request) = observed.requests.iter().find(|it| it.revision.is_none()) {
        return act([Action::DropRequest(Arc::clone(&request.name))]);
    }
    if matches!(observed.target, Target::Unread) {
        return act([Action::ReadTarget]);
    }
    let current = match observed.current() {
        Some(request) if observed.needs_current() => match &request.facts {
            Some(facts) => Some(facts),
            None => return act([Action::ReadRequest(Arc::clone(&request.name))]),
        },
        Some(_) | None => None,
    };
    if let Some(step) = attempt::finish(observed, now) {
        return step;
    }
    let readiness = check::readiness(observed, current, now);
    match attempt::cause(observed, current, now) {
        Some(cause) => attempt::go_on(observed, cause, readiness, now),
        None => settle(observed, readiness, now),
    }
}

/// A plan is needed, and nothing is known but digests: the object is read, unless calls failed and it is not time yet.
pub(crate) fn read(held_until: Option<Timestamp>, now: Timestamp) -> Next<Action, ()> {
    match held_until.filter(|it| !it.is_due(now)) {
        Some(until) => wait(until, "the API server is asked again"),
        None => act([Action::ReadObject]),
    }
}

/// Nothing has to be issued: the rest is put in order, the Secret first.
fn settle(observed: &Observed<'_>, readiness: Option<Complaint>, now: Timestamp) -> Next<Action, ()> {
    let is_ready = readiness.is_none();
    let mut ready = Vec::new();
    let mut fix_up = None;
    if observed.is_undressed() && is_ready {
        // The same again would be refused again: until something changes, people are told.
        match &observed.failure {
            Some(failure) => ready.extend(observed.unannounced(report::not_refreshed(failure))),
            None if observed.is_asked_for() || observed.fix_up_at.is_due(now) => return act([Action::Refresh]),
            None => fix_up = Some((observed.fix_up_at, "the Secret is put in order")),
        }
    }
    let told = report::standing(observed, readiness);
    if told.is_news(observed.object) {
        ready.push(Action::Report(Box::new(told)));
    } else {
        ready.extend(observed.left_over_keys().map(Action::DropKey));
        if is_ready {
            ready.extend(observed.old_requests().map(Action::DropRequest));
        }
    }
    let due = check::renewal(observed);
    if let Some(due) = due.filter(|due| due.reason == Reason::NoWindow) {
        ready.extend(observed.unannounced(report::no_window(observed, due)));
    }
    let question = match information::question(observed) {
        Some((at, question)) if at.is_due(now) => {
            ready.push(question);
            None
        }
        question => question.map(|(at, _)| (at, "the issuer is asked about the renewal")),
    };
    let renewal = due.map(|due| (due.at, "the certificate is renewed"));
    let end = check::validity(observed).map(|it| (it.not_after + INSTANT, "the certificate expires"));
    let wake = renewal
        .into_iter()
        .chain(end)
        .chain(question)
        .chain(fix_up)
        .filter(|(at, _)| !at.is_due(now))
        .min_by_key(|(at, _)| *at);
    agenda(observed, ready, wake, now)
}

/// Tells it, if that is news, and rests until something changes.
fn tell(observed: &Observed<'_>, report: Report) -> Next<Action, ()> {
    if report.is_news(observed.object) { act([Action::Report(Box::new(report))]) } else { Next::Done(()) }
}

fn act<const N: usize>(actions: [Action; N]) -> Next<Action, ()> {
    Next::Go(Agenda::new(actions.into(), None))
}

fn wait(at: Timestamp, what: &str) -> Next<Action, ()> {
    Next::Go(Agenda::new(Vec::new(), Some(wake(at, what))))
}

fn wake(at: Timestamp, what: &str) -> Wake {
    Wake::new(at, Waiting::Schedule { what: what.to_owned(), at })
}

/// What is ready, one write of the status at a time, and when to look again.
fn agenda(
    observed: &Observed<'_>,
    mut ready: Vec<Action>,
    at: Option<(Timestamp, &str)>,
    now: Timestamp,
) -> Next<Action, ()> {
    let mut next = at.filter(|(at, _)| !at.is_due(now)).map(|(at, what)| wake(at, what));
    if observed.is_reporting {
        ready.retain(|it| !matches!(it, Action::Report(_)));
        // The answer to the write asks again at once; this is only for an agenda that is not empty.
        next = next.or_else(|| Some(wake(now + observed.rules.patience, "the status is written")));
    }
    if ready.is_empty() && next.is_none() { Next::Done(()) } else { Next::Go(Agenda::new(ready, next)) }
}

/// The shortest time that timestamps tell apart.
const INSTANT: Duration = Duration::from_millis(1);
