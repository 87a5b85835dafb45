//! What may not be done, where Secrets are followed by name: people are told, and nothing else suffers.

use acme_core::Timestamp;
use acme_core::flow::Next;

use super::{Action, Observed, act, step, wait};
use crate::events::Severity;
use crate::secret::named::{FORBIDDEN, TOO_MANY};
use crate::status::{Field, LACKING, Note, Report, Told, text};

/// What may not be done, and what to do about it.
#[derive(Debug, Clone)]
pub(crate) struct Lacking {
    /// The reason of the condition that says so.
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    /// Nothing is known of a Secret until that changes; else it is one call that was refused, which is made again from time to time.
    pub(crate) is_closed: bool,
}

/// What to do next without it.
pub(super) fn plan(observed: &Observed<'_>, lacking: &Lacking, now: Timestamp) -> Next<Action, ()> {
    if observed.is_stale || observed.is_storing || observed.wanted.is_err() || observed.owner.is_some() {
        return step(observed, now);
    }
    let told = report(observed, lacking);
    let is_news = told.is_news(observed.object) && !observed.is_reporting;
    let told = Action::Report(Box::new(told));
    if lacking.is_closed {
        return match observed.held_until.filter(|it| !it.is_due(now)) {
            Some(until) => wait(until, "the API server is asked again"),
            None if is_news => act([told]),
            None => Next::Done(()),
        };
    }
    if is_news {
        return act([told]);
    }
    // What else the status could say would take turns with it, until the call succeeds.
    match step(observed, now) {
        Next::Go(mut agenda) if agenda.ready.iter().any(|it| !is_mere_report(it)) => {
            agenda.ready.retain(|it| !is_mere_report(it));
            Next::Go(agenda)
        }
        next @ (Next::Go(_) | Next::Done(())) => next,
    }
}

/// Whether the reason of a condition is that of something that may not be done.
pub(crate) fn is_lack(reason: &str) -> bool {
    [FORBIDDEN, TOO_MANY, TAKEN, TOO_LONG].contains(&reason)
}

/// A certificate that is good stays so: then what lacks is told of the next one.
fn report(observed: &Observed<'_>, lacking: &Lacking) -> Report {
    let Lacking { reason, message, .. } = lacking;
    let conditions = observed.object.status.as_ref().map(|it| &it.conditions);
    let ready = conditions.filter(|it| it.is_true("Ready")).and_then(|it| it.get("Ready"));
    let is_ready = ready.is_some_and(|it| Some(it.observed_generation) == observed.object.metadata.generation);
    let issuing = conditions.filter(|it| it.is_true("Issuing")).and_then(|it| it.get("Issuing"));
    Report {
        why: LACKING,
        ready: (!is_ready).then(|| Told::no(*reason, message.as_str())),
        issuing: match issuing {
            Some(issuing) => {
                Field::Set(Told::yes(issuing.reason.as_str(), text::waiting(&issuing.message, Some(message))))
            }
            None if is_ready => Field::Set(Told::no(*reason, message.as_str())),
            None => Field::Kept,
        },
        event: Some(Note { severity: Severity::Warning, reason: (*reason).to_owned(), text: message.clone() }),
        ..Report::default()
    }
}

fn is_mere_report(action: &Action) -> bool {
    matches!(action, Action::Report(report) if !report.is_outcome())
}

/// The reason where the name of a next key is somebody else's.
pub(crate) const TAKEN: &str = "NextKeyNameTaken";

/// The reason where it would be too long.
pub(crate) const TOO_LONG: &str = "SecretNameTooLong";
