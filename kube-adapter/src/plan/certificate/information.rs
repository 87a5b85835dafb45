//! What a certificate authority says of when a certificate should be renewed (RFC 9773), as far as it was asked.

use std::time::Duration;

use acme_core::Timestamp;
use acme_core::protocol::CertificateId;
use certstore::record::RenewalPlan;

use super::{Action, Observed};
use crate::crd::certificate::{RenewalInformation, SuggestedWindow};
use crate::crd::time::Time;
use crate::status::Field;

/// What is known of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Information<'a> {
    pub(crate) source: Source,
    /// The certificate in the Secret, as its authority calls it.
    pub(crate) certificate: Option<CertificateId>,
    /// What was answered of this very certificate.
    pub(crate) answer: Option<&'a Answered>,
    /// The instant chosen in the window that was suggested for it last, by this process or an earlier one.
    pub(crate) chosen: Option<Timestamp>,
}

/// Whether there is anybody to ask.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Source {
    /// The issuer is not ready, so nobody knows.
    #[default]
    Unknown,
    /// The issuer says nothing of renewals, or shall not be asked.
    Silent,
    /// The issuer can be asked, next at this time.
    Offered { next: Timestamp },
}

/// What was answered of a certificate, or that nothing was.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) plan: RenewalPlan,
    /// When it was asked last.
    pub(crate) asked: Timestamp,
    /// Why the last question had no answer; empty when it had one.
    pub(crate) error: String,
    /// The revision of the certificate.
    pub(crate) revision: i64,
}

impl Information<'_> {
    /// The instant at which the authority would like the certificate renewed.
    pub(super) fn suggested(&self) -> Option<Timestamp> {
        self.chosen.filter(|_| self.source != Source::Silent)
    }
}

/// The next question about the certificate in the Secret, and when it is asked.
pub(super) fn question(observed: &Observed<'_>) -> Option<(Timestamp, Action)> {
    let Source::Offered { next } = observed.information.source else { return None };
    let certificate = observed.information.certificate.clone()?;
    Some((next, Action::AskRenewal { certificate, revision: observed.revision() }))
}

/// The first question about a certificate that was issued just now, while nothing was asked.
pub(super) fn first_question(observed: &Observed<'_>, revision: i64) -> Option<Action> {
    let Information { source: Source::Offered { .. }, answer: None, certificate, .. } = &observed.information else {
        return None;
    };
    Some(Action::AskRenewal { certificate: certificate.clone()?, revision })
}

/// What the status shall say of it: something else than it does, or the same once a day, so that people see that it is looked at.
pub(super) fn told(observed: &Observed<'_>) -> Field<Box<RenewalInformation>> {
    let status = observed.object.status.as_ref().and_then(|it| it.acme.as_ref());
    match (observed.information.source, observed.information.answer) {
        (Source::Silent, _) if status.is_some() => Field::Cleared,
        (Source::Silent, _) | (Source::Unknown | Source::Offered { .. }, None) => Field::Kept,
        (Source::Unknown | Source::Offered { .. }, Some(answer)) => {
            let shown = shown(answer);
            let is_fresh = |it: &RenewalInformation| {
                let checked = it.last_checked.as_ref().and_then(Time::timestamp);
                let is_same = it.suggested_window == shown.suggested_window
                    && it.explanation_url == shown.explanation_url
                    && it.last_error == shown.last_error;
                is_same && checked.is_some_and(|at| answer.asked.since(at) < SHOWN_AGAIN)
            };
            match status.and_then(|it| it.ari.as_ref()) {
                Some(before) if is_fresh(before) => Field::Kept,
                Some(_) | None => Field::Set(Box::new(shown)),
            }
        }
    }
}

/// What the status shall say of a certificate that was issued just now: nothing of the one before.
pub(super) fn told_first(observed: &Observed<'_>) -> Field<Box<RenewalInformation>> {
    match told(observed) {
        Field::Kept if observed.information.answer.is_none() => Field::Cleared,
        told @ (Field::Kept | Field::Cleared | Field::Set(_)) => told,
    }
}

fn shown(answer: &Answered) -> RenewalInformation {
    let Answered { plan, asked, error, revision: _ } = answer;
    let time = |at: Timestamp| Some(Time::from(at));
    RenewalInformation {
        suggested_window: plan.window.map(|it| SuggestedWindow { start: time(it.start), end: time(it.end) }),
        explanation_url: plan.explanation_url.clone().unwrap_or_default(),
        last_checked: time(*asked),
        next_check: time(plan.poll_at),
        last_error: error.clone(),
    }
}

/// What changes nothing is shown again after this time.
const SHOWN_AGAIN: Duration = Duration::from_secs(24 * 3600);
