//! What is to be done for an Order and its Challenges.

mod draft;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use acme_core::Timestamp;
use acme_core::flow::{Agenda, ChallengeFlow, Issuance, Next, OrderStage};
use acme_core::protocol::Url;

use crate::challenge::ChallengeRecord;
use crate::codec;
use crate::codec::challenge::{Memory, Sight};
use crate::codec::order::{Failed, Telling as Told};
use crate::crd::challenge::{Challenge, ChallengeStatus};
use crate::crd::order::{Order, OrderStatus};
use crate::engine::Account;
use crate::key::{Name, Uid};
use crate::order::{Action, Run, Telling};

use draft::Draft;

/// What a plan is made from.
pub(crate) struct Observed<'a> {
    pub(crate) standing: Standing<'a>,
    pub(crate) challenges: Vec<Seen<'a>>,
    pub(crate) run: Option<&'a Run>,
    pub(crate) authority: Authority<'a>,
    /// Why nobody can be asked, where nobody else tells people.
    pub(crate) lacks: Option<String>,
    /// The authorizations whose turn it is to be answered for.
    pub(crate) may_answer: HashSet<&'a Url>,
    /// Those that the server may be told of.
    pub(crate) may_tell: HashSet<&'a Url>,
    /// The process is about to end.
    pub(crate) closing: bool,
    /// How long something may last before it must be shown.
    pub(crate) visible_after: Duration,
}

/// What there is of the Order.
#[derive(Clone, Copy)]
pub(crate) enum Standing<'a> {
    /// It is there.
    Here { order: &'a Order, uid: Option<&'a Uid> },
    /// It is valid, and nothing else of it is kept.
    Settled,
    /// It is not there, or about to go.
    Gone,
}

/// A Challenge of the Order.
pub(crate) struct Seen<'a> {
    pub(crate) name: Name,
    pub(crate) record: &'a ChallengeRecord,
}

/// Whether the server can be asked.
#[derive(Clone, Copy)]
pub(crate) enum Authority<'a> {
    /// By this account.
    Ready(&'a Arc<Account>),
    /// The issuer is not ready.
    Missing,
}

/// How the Order ended, as its status has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Issued,
    Failed,
    Gone,
}

/// What is to be done now, or until when there is nothing to do.
pub(crate) fn plan(seen: &Observed<'_>, now: Timestamp) -> Next<Action, ()> {
    let end = seen.end();
    let Some(run) = seen.run else {
        return match (end, seen.closing) {
            (_, true) => Next::Done(()),
            (Some(end), false) if !seen.challenges.iter().any(|it| is_owed(end, it)) => Next::Done(()),
            (_, false) => Next::Go(Agenda::new(vec![Action::Begin], None)),
        };
    };
    if seen.is_stale(run, end) {
        return match run.busy.is_empty() && !seen.closing {
            true => Next::Go(Agenda::new(vec![Action::Begin], None)),
            false => Next::Go(Agenda::new(Vec::new(), None)),
        };
    }
    let mut draft = Draft { seen, run, now, agenda: Agenda::new(Vec::new(), None) };
    match (seen.standing, &run.issuance, end) {
        (Standing::Here { order, .. }, Some(issuance), None) => draft.live(order, issuance),
        // It cannot even be ordered.
        (Standing::Here { .. }, None, None) if run.failure.is_some() => draft.want(Action::Tell(Telling::Failed)),
        (Standing::Here { .. }, None, None) | (_, _, Some(_)) | (Standing::Settled | Standing::Gone, _, None) => {}
    }
    draft.take_away(end);
    draft.finish(end)
}

impl Observed<'_> {
    fn end(&self) -> Option<End> {
        match self.standing {
            Standing::Gone => Some(End::Gone),
            Standing::Settled => Some(End::Issued),
            Standing::Here { order, .. } => {
                let status = order.status.as_ref()?;
                match (codec::order::is_issued(status), codec::order::is_ended(status)) {
                    (true, _) => Some(End::Issued),
                    (false, true) => Some(End::Failed),
                    (false, false) => None,
                }
            }
        }
    }

    /// Does the run remember something else than what the resources say? They may have been worked on by somebody else.
    fn is_stale(&self, run: &Run, end: Option<End>) -> bool {
        let terminating = |it: &&Seen<'_>| it.record.object.metadata.deletion_timestamp.is_some();
        if self
            .challenges
            .iter()
            .filter(terminating)
            .any(|it| it.record.has_finalizer() && !run.left.contains_key(&it.name))
        {
            return true;
        }
        // An order that was ready when it was looked at again never showed its authorizations: what they left is known by their Challenges.
        let is_unknown = |it: &Seen<'_>| {
            let challenge = &it.record.object;
            it.record.has_finalizer()
                && run.flow(&it.name, challenge).is_none()
                && codec::challenge::assignment(&challenge.spec).is_ok()
        };
        if end.is_some() && self.challenges.iter().any(is_unknown) {
            return true;
        }
        // An order that was over at the server before its authorizations were read: nobody knows yet what its Challenges left.
        if end.is_some()
            && !run.was_over
            && self.challenges.iter().any(|it| run.flow(&it.name, &it.record.object).is_none())
        {
            return true;
        }
        match (self.standing, &run.issuance, end) {
            (Standing::Here { order, uid }, Some(issuance), end) => {
                let url = order.status.as_ref().map_or("", |it| it.url.as_str());
                let ended = matches!(issuance.order().stage(), OrderStage::Issued | OrderStage::Failed);
                let elsewhere = !url.is_empty() && issuance.order().url().is_none_or(|it| it.as_str() != url);
                let orphaned = issuance.challenges().any(|(url, flow)| {
                    flow.verdict().is_none() && !run.chosen.contains_key(url) && self.of(flow).is_none()
                });
                run.order.as_ref() != uid || orphaned || elsewhere || (end.is_some() && !ended)
            }
            (Standing::Here { .. }, None, None) => {
                !self.challenges.iter().any(|it| terminating(&it)) && run.failure.is_none()
            }
            (Standing::Gone, Some(_), _) => true,
            (Standing::Here { .. } | Standing::Settled | Standing::Gone, _, _) => false,
        }
    }

    fn of(&self, flow: &ChallengeFlow) -> Option<&Seen<'_>> {
        self.challenges.iter().find(|it| crate::order::is_for(&it.record.object, flow))
    }
}

/// Is there anything left to do for a Challenge whose order is over?
fn is_owed(end: End, seen: &Seen<'_>) -> bool {
    seen.record.has_finalizer() || is_deleted_after(end, &seen.record.object)
}

/// Is a Challenge deleted once its order is over? What failed is kept for people.
fn is_deleted_after(end: End, challenge: &Challenge) -> bool {
    let terminating = challenge.metadata.deletion_timestamp.is_some();
    let failed = challenge.status.as_ref().is_some_and(codec::challenge::is_failed);
    match end {
        End::Issued => !terminating,
        End::Failed => !terminating && !failed,
        // The garbage collector does it.
        End::Gone => false,
    }
}

/// The status that the Order should have; it says what its issuer `lacks`.
pub(crate) fn wanted_status(order: &Order, run: &Run, issuance: &Issuance, lacks: Option<&str>) -> OrderStatus {
    let before = order.status.clone().unwrap_or_default();
    let told = Told {
        flow: issuance.order(),
        finalize: run.finalize.as_ref(),
        authorizations: &run.authorizations,
        described: &run.described,
        stuck: lacks.or_else(|| run.why_stuck()),
        certificate: run.certificate.as_ref(),
        failed: run.failure.as_ref().map(|it| Failed { stage: it.stage, fault: &it.fault, at: it.at }),
    };
    codec::order::encode(told, &before)
}

/// The status that a Challenge should have.
pub(crate) fn wanted_status_of(run: &Run, flow: &ChallengeFlow, challenge: &Challenge) -> ChallengeStatus {
    let before = challenge.status.clone().unwrap_or_default();
    let authorization = &flow.assignment().authorization;
    let memory = Memory {
        presented: run.presented.get(authorization).copied(),
        sight: if run.unseen.contains(authorization) { Sight::Blind } else { Sight::Seen },
    };
    codec::challenge::encode(flow, &challenge.spec, &before, memory)
}

/// Does a Challenge not say yet how far it is?
pub(crate) fn is_untold(run: &Run, flow: &ChallengeFlow, challenge: &Challenge) -> bool {
    wanted_status_of(run, flow, challenge) != challenge.status.clone().unwrap_or_default()
}
