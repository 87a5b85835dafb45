//! One attempt to have a certificate issued: key, request, Secret, status, in the order that a crash can do no harm in.

use std::sync::Arc;
use std::time::Duration;

use acme_core::Timestamp;
use acme_core::flow::Next;

use super::check::{self, Complaint};
use super::{Action, Contents, Observed, Place, RequestFacts, Requested, Target, act, agenda, information, report};
use crate::request::{Ended, Prospect, Standing};
use crate::status::text;

/// Why a certificate must be issued.
#[derive(Debug, Clone)]
pub(super) struct Cause {
    complaint: Complaint,
    /// Since when the status says so. After a failure that is somebody's wish to try again at once.
    since: Option<Timestamp>,
}

/// Why a certificate must be issued, if it must: because the status says so, or because what is there does not do.
pub(super) fn cause(observed: &Observed<'_>, current: Option<&RequestFacts>, now: Timestamp) -> Option<Cause> {
    let complaint = check::trigger(observed, current, now);
    let conditions = observed.object.status.as_ref().map(|it| &it.conditions);
    let told = conditions.filter(|it| it.is_true("Issuing")).and_then(|it| it.get("Issuing"));
    match (told, complaint) {
        (None, complaint) => complaint.map(|complaint| Cause { complaint, since: None }),
        (Some(told), complaint) => Some(Cause {
            complaint: complaint.unwrap_or_else(|| Complaint::new(BY_HAND, text::RENEWED_BY_HAND)),
            since: told.last_transition_time.as_ref().and_then(|it| it.timestamp()),
        }),
    }
}

/// The certificate that was asked for is in the Secret already: that is told, and nothing else.
pub(super) fn finish(observed: &Observed<'_>, now: Timestamp) -> Option<Next<Action, ()>> {
    let holding = observed.holding()?;
    let Contents::Sound(sound) = &holding.contents else { return None };
    let mut successors = observed.successors();
    successors.retain(|it| observed.left_until(it, now).is_none());
    let mut issued = successors.iter().filter(|it| matches!(it.standing, Some(Standing::Issued)));
    if let Some(unread) = issued.clone().find(|it| it.facts.is_none()) {
        return Some(act([Action::ReadRequest(Arc::clone(&unread.name))]));
    }
    let stored = issued.find(|it| it.facts.as_ref().is_some_and(|facts| facts.leaf == Some(sound.leaf)))?;
    let because = because(observed);
    let report = Action::Report(Box::new(report::issued(observed, stored, because, now)));
    // One status says both where the answer is quick; it is not waited for longer than people wait for a word.
    let Some(question) = information::first_question(observed, stored.revision.unwrap_or_default()) else {
        return Some(agenda(observed, vec![report], None, now));
    };
    match observed.stored_at.map(|it| it + observed.rules.visible_after).filter(|it| !it.is_due(now)) {
        Some(until) => Some(agenda(observed, vec![question], Some((until, "the issuer tells of the renewal")), now)),
        None => Some(agenda(observed, vec![question, report], None, now)),
    }
}

/// What the Event of a success says of its cause.
fn because(observed: &Observed<'_>) -> &'static str {
    let status = observed.object.status.as_ref();
    let told = status.and_then(|it| it.conditions.get("Issuing")).map(|it| it.reason.as_str());
    match (told, observed.revision()) {
        (Some(BY_HAND), _) => "renewed by hand",
        (_, 0) => "issued for the first time",
        (Some("Renewing"), _) => "renewal was scheduled",
        (_, _) => "issued anew",
    }
}

/// Goes on with the attempt, or begins one.
pub(super) fn go_on(
    observed: &Observed<'_>,
    cause: Cause,
    readiness: Option<Complaint>,
    now: Timestamp,
) -> Next<Action, ()> {
    let step = Step { observed, cause, readiness, now };
    let (left, successors): (Vec<_>, Vec<_>) =
        observed.successors().into_iter().partition(|it| observed.left_until(it, now).is_some());
    if let (Some(other), true) = (left.first(), successors.is_empty()) {
        let ready = observed.unannounced(report::left(observed, other)).into_iter().collect();
        let until = left.iter().filter_map(|it| observed.left_until(it, now)).max();
        return agenda(observed, ready, until.map(|at| (at, "another controller ends what it began")), now);
    }
    if let Some(surplus) = step.surplus(&successors) {
        return act([Action::DropRequest(Arc::clone(&surplus.name))]);
    }
    match successors.last() {
        Some(successor) => step.with(successor),
        None => step.begin(),
    }
}

struct Step<'a, 'b> {
    observed: &'b Observed<'a>,
    cause: Cause,
    readiness: Option<Complaint>,
    now: Timestamp,
}

impl Step<'_, '_> {
    /// One request too many for this revision: all but the one whose key is at hand, or else the newest.
    fn surplus<'r>(&self, successors: &[&'r Requested]) -> Option<&'r Requested> {
        let key = self.observed.key.as_ref().map(|it| it.digest);
        let is_ours = |it: &&&Requested| key.is_some() && it.facts.as_ref().and_then(|it| it.key) == key;
        let kept = successors.iter().find(is_ours).or_else(|| successors.last())?;
        successors.iter().find(|it| it.name != kept.name).copied()
    }

    /// There is a request.
    fn with(&self, successor: &Requested) -> Next<Action, ()> {
        let Some(facts) = &successor.facts else { return act([Action::ReadRequest(Arc::clone(&successor.name))]) };
        let drop = || act([Action::DropRequest(Arc::clone(&successor.name))]);
        if let Some(failure) = &self.observed.failure {
            return self.fail(&failure.reason, &failure.message);
        }
        let is_other = facts.broken.is_some() || !facts.unlike.is_empty();
        if let Some(Standing::Ended(ended)) = &successor.standing {
            if !is_other && !self.is_accounted(ended) {
                return self.fail(&ended.reason, &ended.message);
            }
            return if is_other { self.lift().unwrap_or_else(drop) } else { self.pause().unwrap_or_else(drop) };
        }
        if is_other {
            return drop();
        }
        let is_issued = matches!(successor.standing, Some(Standing::Issued));
        if is_issued && self.failed_at().is_some_and(|it| it >= successor.created) {
            // What it was given was found to be of no use.
            return self.pause().unwrap_or_else(drop);
        }
        if self.observed.key.as_ref().map(|it| it.digest) != facts.key {
            if let Some(unread) = self.unread_key() {
                return act([Action::ReadKey(unread)]);
            }
            if matches!(self.observed.target, Target::Proven { .. }) {
                return act([Action::ReadTarget]);
            }
            // Its key was in a process that is gone, and signed nothing but this request.
            return drop();
        }
        match &successor.standing {
            Some(Standing::Issued) => {
                let store = Action::Store(Arc::clone(&successor.name));
                // The last try came to nothing, as without the password of a key store: people are told while that lasts.
                match self.observed.held_until {
                    Some(_) => self.visibly(vec![store], None, successor.created),
                    None => act([store]),
                }
            }
            Some(Standing::Going(going)) => {
                let step =
                    |action: &_| Action::Step { request: Arc::clone(&successor.name), action: Clone::clone(action) };
                let actions = going.ready.iter().map(step).collect();
                self.visibly(actions, going.wake.as_ref().map(|it| it.at), successor.created)
            }
            Some(Standing::Ended(_)) | None => drop(),
        }
    }

    /// There is no request: a key, and then one.
    fn begin(&self) -> Next<Action, ()> {
        let observed = self.observed;
        if let Some(failure) = &observed.failure {
            return self.fail(&failure.reason, &failure.message);
        }
        if let Some(pause) = self.pause() {
            return pause;
        }
        let Ok(wanted) = &observed.wanted else { return Next::Done(()) };
        if observed.is_closing {
            return self.visibly(Vec::new(), None, self.now);
        }
        if let Some(until) = observed.loop_until {
            let writer = observed.holding().and_then(|it| it.writer.as_deref()).unwrap_or("nobody known");
            let message = format!(
                "The certificate was issued again and again within an hour and is not issued anew before {until}: \
                 something changes Secret {:?} every time (written last by {writer})",
                observed.object.spec.secret_name
            );
            return self.blocked(&Complaint::new("IssuanceLoop", message), Some(until));
        }
        if let Some(holding) = observed.holding() {
            let secret = &observed.object.spec.secret_name;
            if holding.is_immutable {
                let message =
                    format!("Secret \"{secret}\" is immutable: delete it, or give the Certificate another secretName");
                return self.blocked(&Complaint::new("SecretImmutable", message), None);
            }
            let unlike = holding.key.as_ref().map(|it| it.unlike(wanted.key)).unwrap_or_default();
            if wanted.keeps_key && !unlike.is_empty() {
                let message = text::cannot_regenerate(secret, &unlike);
                return self.blocked(&Complaint::new("CannotRegenerateKey", message), None);
            }
        }
        if wanted.keeps_key && matches!(observed.target, Target::Proven { .. }) {
            return act([Action::ReadTarget]);
        }
        let mut said: Vec<Action> =
            observed.obstacle.and_then(|it| observed.unannounced(report::name_taken(it))).into_iter().collect();
        // Once for an attempt: a temporary certificate that it stored is another cause, and none that is news.
        let is_said = observed.announced.iter().any(|it| it.reason == report::TRIGGERED);
        if observed.rules.says_all && self.cause.since.is_none() && !is_said {
            said.extend(observed.unannounced(report::triggered(&self.cause.complaint)));
        }
        let unlike = observed.key.as_ref().map(|it| it.unlike(wanted.key)).unwrap_or_default();
        match observed.key.as_ref().filter(|_| unlike.is_empty()) {
            Some(key) => match key.place {
                Place::Memory if self.hears_soon().is_some() => self.visibly(Vec::new(), self.hears_soon(), self.now),
                // What people are told tells of the temporary certificate, so it follows.
                Place::Memory if observed.stores_keys() && observed.wants_temporary() => {
                    said.push(Action::StoreTemporary);
                    agenda(observed, said, None, self.now)
                }
                Place::Memory if observed.stores_keys() => {
                    said.push(Action::StoreKey);
                    self.visibly(said, None, self.now)
                }
                Place::Memory | Place::Stored(_) | Place::Target => {
                    said.push(Action::Request(observed.revision() + 1));
                    self.visibly(said, None, self.now)
                }
            },
            None => match (self.unread_key(), observed.stored.first()) {
                (Some(unread), _) => act([Action::ReadKey(unread)]),
                (None, Some(unfit)) => {
                    let is_said = observed.rules.says_all && !unlike.is_empty();
                    let note = is_said.then(|| report::key_dropped(&unlike));
                    let mut ready: Vec<Action> = note.and_then(|it| observed.unannounced(it)).into_iter().collect();
                    ready.push(Action::DropKey(Arc::clone(&unfit.name)));
                    agenda(observed, ready, None, self.now)
                }
                (None, None) => act([Action::MakeKey]),
            },
        }
    }

    /// Until when it pays to wait for news of the issuer: a key that need not be stored is two writes less.
    fn hears_soon(&self) -> Option<Timestamp> {
        let until = self.observed.begun? + self.observed.rules.visible_after.min(MOMENT);
        let is_unclear = self.observed.prospect == Prospect::Unclear && !self.observed.rules.stores_keys;
        (is_unclear && !until.is_due(self.now)).then_some(until)
    }

    /// A stored key that nobody looked at yet.
    fn unread_key(&self) -> Option<Arc<str>> {
        let in_hand = match self.observed.key.as_ref().map(|it| &it.place) {
            Some(Place::Stored(name)) => Some(name),
            Some(Place::Memory | Place::Target) | None => None,
        };
        let unread = |it: &&super::Stored| !it.is_unfit && Some(&it.name) != in_hand;
        self.observed.stored.iter().find(unread).map(|it| Arc::clone(&it.name))
    }

    /// The failure is in the status already, or somebody wanted another attempt since.
    fn is_accounted(&self, ended: &Ended) -> bool {
        let Some(at) = ended.at else { return self.failed_at().is_some() };
        let is_after = |it: Option<Timestamp>| it.is_some_and(|it| it >= at);
        is_after(self.failed_at()) || self.cause.since.is_some_and(|it| it > at)
    }

    fn failed_at(&self) -> Option<Timestamp> {
        let status = self.observed.object.status.as_ref()?;
        status.last_failure_time.as_ref()?.timestamp()
    }

    /// After a failure nothing is tried before its time, unless somebody wants it now.
    fn pause(&self) -> Option<Next<Action, ()>> {
        let failed = self.failed_at()?;
        if self.cause.since.is_some_and(|it| it >= failed) {
            return None;
        }
        let attempts = self.observed.object.status.as_ref().and_then(|it| it.failed_issuance_attempts);
        let attempts = attempts.and_then(|it| u32::try_from(it).ok()).unwrap_or_default();
        let until = self.observed.rules.backoff.until(attempts, failed);
        if until.is_due(self.now) {
            return None;
        }
        let mut ready: Vec<Action> = self.observed.left_over_keys().map(Action::DropKey).collect();
        let told = report::standing(self.observed, self.readiness.clone());
        if told.is_news(self.observed.object) {
            ready.push(Action::Report(Box::new(told)));
        }
        Some(agenda(self.observed, ready, Some((until, "another attempt is made")), self.now))
    }

    /// A specification that the failed request no longer fits ends the pause. That stands in the status before the request goes: nothing else would tell it then.
    fn lift(&self) -> Option<Next<Action, ()>> {
        self.pause()?;
        let told = report::issuing(self.observed, &self.cause.complaint, self.readiness.clone());
        Some(agenda(self.observed, vec![Action::Report(Box::new(told))], None, self.now))
    }

    /// The attempt failed.
    fn fail(&self, reason: &str, message: &str) -> Next<Action, ()> {
        let report = report::failed(self.observed, reason, message, self.readiness.clone(), self.now);
        agenda(self.observed, vec![Action::Report(Box::new(report))], None, self.now)
    }

    /// A person has to act, or some time has to pass.
    fn blocked(&self, why: &Complaint, until: Option<Timestamp>) -> Next<Action, ()> {
        let report = report::blocked(self.observed, why, self.readiness.clone());
        let is_news = report.is_news(self.observed.object);
        let ready = is_news.then(|| Action::Report(Box::new(report))).into_iter().collect();
        agenda(self.observed, ready, until.map(|at| (at, "another attempt is made")), self.now)
    }

    /// These actions, and a word to people when it is due.
    fn visibly(&self, mut ready: Vec<Action>, at: Option<Timestamp>, created: Timestamp) -> Next<Action, ()> {
        let observed = self.observed;
        let told = report::issuing(observed, &self.cause.complaint, self.readiness.clone());
        let due = if observed.prospect == Prospect::LongWait || observed.is_closing {
            self.now
        } else {
            observed.begun.unwrap_or(created) + observed.rules.visible_after
        };
        let is_news = told.is_news(observed.object);
        if is_news && due.is_due(self.now) {
            ready.push(Action::Report(Box::new(told)));
        }
        let shown = (is_news && !due.is_due(self.now)).then_some(due);
        let at = at.into_iter().chain(shown).min().map(|at| (at, "the certificate is issued"));
        agenda(observed, ready, at, self.now)
    }
}

/// An issuer that was applied together with its Certificate is looked at within this time.
const MOMENT: Duration = Duration::from_secs(2);

/// The reason of `cmctl renew`.
const BY_HAND: &str = "ManuallyTriggered";
