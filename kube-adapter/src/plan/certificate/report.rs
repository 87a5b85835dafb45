//! What the status shall say at each turn.

use acme_core::{Timestamp, text as acme_text};
use certstore::policy::renew::Due;

use super::check::{self, Complaint};
use super::{Failure, Observed, Place, Requested, Target, information, lacking};
use crate::events::Severity;
use crate::limits;
use crate::status::{Failures, Field, Note, Report, Told, text};

/// The specification is none: what the webhook says of it.
pub(super) fn violation(why: &str) -> Report {
    let message = acme_text::printable(why, limits::TEXT);
    Report { why: "invalid", ready: Some(Told::no("InvalidSpec", message)), ..Report::default() }
}

/// The Secret is another Certificate's.
pub(super) fn not_owner(observed: &Observed<'_>, owner: &str) -> Report {
    let message = text::issued_for(owner, &observed.object.spec.secret_name);
    Report { why: "not-owner", ready: Some(Told::no("IncorrectCertificate", message)), ..Report::default() }
}

/// Nothing is under way.
pub(super) fn standing(observed: &Observed<'_>, readiness: Option<Complaint>) -> Report {
    let status = observed.object.status.as_ref();
    let has_failed = status.is_some_and(|it| it.last_failure_time.is_some() || it.failed_issuance_attempts.is_some());
    let conditions = status.map(|it| &it.conditions);
    let lacked = conditions.and_then(|it| it.get("Issuing")).is_some_and(|it| lacking::is_lack(&it.reason));
    let recovers = has_failed && readiness.is_none();
    Report {
        why: "ready",
        issuing: if recovers || lacked { Field::Cleared } else { Field::Kept },
        failures: if recovers { Field::Cleared } else { Field::Kept },
        next_key: Field::Cleared,
        information: information::told(observed),
        ..seen(observed, readiness)
    }
}

/// A certificate is being fetched.
pub(super) fn issuing(observed: &Observed<'_>, cause: &Complaint, readiness: Option<Complaint>) -> Report {
    let conditions = observed.object.status.as_ref().map(|it| &it.conditions);
    let told = conditions.filter(|it| it.is_true("Issuing")).and_then(|it| it.get("Issuing"));
    let (reason, before) = told.map_or((cause.reason, &*cause.message), |it| (&*it.reason, &*it.message));
    let message = text::waiting(before, observed.hint.as_deref());
    let next_key = match observed.key.as_ref().map(|it| &it.place) {
        Some(Place::Stored(name)) => Field::Set(name.to_string()),
        Some(Place::Target) => Field::Set(observed.object.spec.secret_name.clone()),
        // It is being stored at the same time.
        Some(Place::Memory) if observed.stores_keys() && observed.wants_temporary() => {
            Field::Set(observed.object.spec.secret_name.clone())
        }
        Some(Place::Memory) if observed.stores_keys() => Field::Set(observed.key_name.clone()),
        Some(Place::Memory) | None => Field::Kept,
    };
    Report {
        why: "issuing",
        issuing: match told {
            Some(told) if told.message == message => Field::Kept,
            Some(_) | None => Field::Set(Told::yes(reason, message)),
        },
        next_key,
        ..seen(observed, readiness)
    }
}

/// The certificate is in the Secret.
pub(super) fn issued(observed: &Observed<'_>, successor: &Requested, because: &str, now: Timestamp) -> Report {
    let readiness = check::readiness(observed, successor.facts.as_ref(), now);
    let revision = successor.revision.unwrap_or_default();
    let end = check::validity(observed).map_or(now, |it| it.not_after);
    let issuer = &observed.object.spec.issuer_ref;
    let text = text::issued(revision, issuer, end, because);
    Report {
        why: "issued",
        revision: Some(revision),
        issuing: Field::Cleared,
        failures: Field::Cleared,
        next_key: Field::Cleared,
        information: information::told_first(observed),
        event: Some(Note { severity: Severity::Normal, reason: "Issuing".to_owned(), text }),
        ..seen(observed, readiness)
    }
}

/// The attempt failed.
pub(super) fn failed(
    observed: &Observed<'_>,
    reason: &str,
    message: &str,
    readiness: Option<Complaint>,
    now: Timestamp,
) -> Report {
    let before = observed.object.status.as_ref().and_then(|it| it.failed_issuance_attempts).unwrap_or_default();
    let attempts = before.max(0).saturating_add(1);
    let next = observed.rules.backoff.until(u32::try_from(attempts).unwrap_or(u32::MAX), whole_second(now));
    let text = text::failed(&text::lines(message, limits::TEXT), attempts, next);
    Report {
        why: "failed",
        issuing: Field::Set(Told::no(reason, &*text)),
        next_key: Field::Cleared,
        failures: Field::Set(Failures { attempts, at: now }),
        event: Some(Note { severity: Severity::Warning, reason: reason.to_owned(), text }),
        ..seen(observed, readiness)
    }
}

/// Nothing can be tried until a person changes something.
pub(super) fn blocked(observed: &Observed<'_>, why: &Complaint, readiness: Option<Complaint>) -> Report {
    Report {
        why: "blocked",
        issuing: Field::Set(Told::no(why.reason, &*why.message)),
        event: Some(Note { severity: Severity::Warning, reason: why.reason.to_owned(), text: why.message.clone() }),
        ..seen(observed, readiness)
    }
}

/// The renewal cannot be in a window that was asked for.
pub(super) fn no_window(observed: &Observed<'_>, due: Due) -> Note {
    let validity = check::validity(observed);
    let text =
        text::no_window(due, validity.map_or(due.at, |it| it.not_before), validity.map_or(due.at, |it| it.not_after));
    Note { severity: Severity::Warning, reason: "WindowError".to_owned(), text }
}

/// Somebody else has a request of the name that the next one would have.
pub(super) fn name_taken(request: &str) -> Note {
    Note { severity: Severity::Warning, reason: "RequestNameTaken".to_owned(), text: text::name_taken(request) }
}

/// The Secret cannot be made what it should be.
pub(super) fn not_refreshed(failure: &Failure) -> Note {
    let text = text::lines(&failure.message, limits::TEXT);
    Note { severity: Severity::Warning, reason: failure.reason.clone(), text }
}

/// A certificate is needed: for those who want to hear all that cert-manager says.
pub(super) fn triggered(cause: &Complaint) -> Note {
    Note { severity: Severity::Normal, reason: TRIGGERED.to_owned(), text: cause.message.clone() }
}

/// The reason of the Event that an attempt begins with.
pub(super) const TRIGGERED: &str = "Issuing";

/// The next key is of another kind than is wanted by now, and goes: for those who want to hear all that cert-manager says.
pub(super) fn key_dropped(fields: &[&str]) -> Note {
    Note { severity: Severity::Normal, reason: "Deleted".to_owned(), text: text::key_dropped(fields) }
}

/// A request is another controller's, by all that is known.
pub(super) fn left(observed: &Observed<'_>, request: &Requested) -> Note {
    let text = text::left_to_another(&request.name, observed.rules.stranger_patience);
    Note { severity: Severity::Warning, reason: "AnotherController".to_owned(), text }
}

/// What the Secret holds, and whether that is what is asked for.
fn seen(observed: &Observed<'_>, readiness: Option<Complaint>) -> Report {
    let is_read = match &observed.target {
        Target::Absent | Target::There(_) => true,
        Target::Unread | Target::Proven { .. } => false,
    };
    let shown = |is_there: bool| is_read && !is_there;
    let validity = check::validity(observed);
    let renewal = check::renewal(observed);
    let ready = match readiness {
        None => Told::yes("Ready", text::UP_TO_DATE),
        Some(complaint) => Told::no(complaint.reason, complaint.message),
    };
    Report {
        ready: Some(ready),
        validity: match validity {
            Some(validity) => Field::Set(validity),
            None if shown(false) => Field::Cleared,
            None => Field::Kept,
        },
        renewal: match renewal {
            Some(due) => Field::Set(due.at),
            None => Field::Cleared,
        },
        ..Report::default()
    }
}

/// The second that a status can say.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_unix_seconds(at.unix_seconds())
}
