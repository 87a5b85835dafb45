//! The agenda of an Order: what its flows want, what is made and shown, and what is taken away.

use std::sync::Arc;
use std::time::Duration;

use acme_core::Timestamp;
use acme_core::flow::{
    Agenda, ChallengeAction, ChallengeFlow, ChallengeStage, Issuance, IssuanceAction, Next, OrderAction, OrderStage,
    Verdict, Waiting, Wake,
};
use acme_core::protocol::Url;

use super::{Authority, End, Observed, Seen, is_deleted_after, is_owed, is_untold, wanted_status};
use crate::codec;
use crate::crd::order::Order;
use crate::key::Name;
use crate::order::{Action, Run, Telling};

/// An agenda in the making.
pub(super) struct Draft<'a, 'b> {
    pub(super) seen: &'a Observed<'b>,
    pub(super) run: &'a Run,
    pub(super) now: Timestamp,
    pub(super) agenda: Agenda<Action>,
}

impl Draft<'_, '_> {
    /// The order is under way.
    pub(super) fn live(&mut self, order: &Order, issuance: &Issuance) {
        let before = order.status.clone().unwrap_or_default();
        let wanted = wanted_status(order, self.run, issuance, self.seen.lacks.as_deref());
        // Nothing follows before the order's URL is durable.
        if issuance.order().url().is_some() && before.url.is_empty() {
            return self.want(Action::Tell(Telling::Made));
        }
        match issuance.order().stage() {
            OrderStage::Issued => return self.want(Action::Tell(Telling::Issued)),
            OrderStage::Failed if issuance.challenges().all(|(_, flow)| flow.verdict().is_some()) => {
                // What failed is told of each Challenge before it is told of the Order: after that nobody knows it any more.
                let untold = self.failed_challenges(issuance);
                if untold.is_empty() {
                    self.want(Action::Tell(Telling::Failed));
                }
                return untold.into_iter().for_each(|name| self.want(Action::TellOf(name)));
            }
            OrderStage::Creating
            | OrderStage::Describing
            | OrderStage::Authorizing
            | OrderStage::Finalizing
            | OrderStage::Issuing
            | OrderStage::Downloading
            | OrderStage::Failed => {}
        }
        if !self.seen.closing {
            self.steps(issuance);
            self.make(issuance);
            self.choose();
        }
        if wanted != before {
            self.want_in_time(Action::Tell(Telling::Progress));
        }
        self.show(issuance);
    }

    /// What the flows want.
    fn steps(&mut self, issuance: &Issuance) {
        let Next::Go(agenda) = issuance.next(self.now) else { return };
        self.wake(agenda.wake);
        for action in agenda.ready {
            match action {
                IssuanceAction::Order(action) => self.order_step(action),
                IssuanceAction::Challenge(url, action) => {
                    if let Some(flow) = issuance.challenge(&url) {
                        self.challenge_step(url, flow, action);
                    }
                }
            }
        }
    }

    fn order_step(&mut self, action: OrderAction) {
        // It was read, and waits for somebody to answer.
        if let OrderAction::ReadAuthorization(url) = &action
            && self.run.stuck.contains_key(url)
        {
            return;
        }
        if self.can_ask() {
            self.agenda.ready.push(Action::Order(action));
        }
    }

    fn challenge_step(&mut self, url: Url, flow: &ChallengeFlow, action: ChallengeAction) {
        let there = self.seen.of(flow);
        // Before anything is put into the world that nobody else would take away, the finalizer is there.
        if let (ChallengeAction::Present, Some(it)) = (action, there)
            && codec::challenge::leaves_traces(&it.record.object.spec)
            && !it.record.has_finalizer()
        {
            let name = it.name.clone();
            return self.want(Action::Hold(name));
        }
        let is_there = there.is_some();
        let may = match action {
            ChallengeAction::Present | ChallengeAction::Check => {
                is_there && self.seen.may_answer.contains(&url) && !self.run.busy.contains(&url)
            }
            ChallengeAction::CleanUp => !self.run.busy.contains(&url),
            ChallengeAction::Accept => self.seen.may_tell.contains(&url) && self.can_ask(),
            ChallengeAction::Look | ChallengeAction::Withdraw => self.can_ask(),
        };
        if may {
            self.agenda.ready.push(Action::Challenge(url, action));
        }
    }

    /// A Challenge is made for every authorization that somebody works on.
    fn make(&mut self, issuance: &Issuance) {
        if !matches!(self.seen.authority, Authority::Ready(_)) {
            return;
        }
        let missing: Vec<Url> = issuance
            .challenges()
            .filter(|(url, flow)| {
                flow.verdict().is_none() && self.seen.of(flow).is_none() && self.run.chosen.contains_key(*url)
            })
            .map(|(url, _)| url.clone())
            .collect();
        missing.into_iter().for_each(|url| self.want(Action::Make(url)));
    }

    /// Where nobody could answer, another word of the issuer is another try.
    fn choose(&mut self) {
        let Authority::Ready(account) = self.seen.authority else { return };
        for (url, stuck) in &self.run.stuck {
            if !Arc::ptr_eq(&stuck.by, &account.spec) {
                self.agenda.ready.push(Action::Choose(url.clone()));
            }
        }
    }

    /// How far the Challenges are, where that lasts.
    fn show(&mut self, issuance: &Issuance) {
        let untold: Vec<Name> = self
            .seen
            .challenges
            .iter()
            .filter(|it| {
                let flow = issuance
                    .challenges()
                    .map(|(_, flow)| flow)
                    .find(|flow| crate::order::is_for(&it.record.object, flow));
                flow.is_some_and(|flow| flow.verdict().is_none() && is_untold(self.run, flow, &it.record.object))
            })
            .map(|it| it.name.clone())
            .collect();
        untold.into_iter().for_each(|name| self.want_in_time(Action::TellOf(name)));
        let failed = self.failed_challenges(issuance);
        failed.into_iter().for_each(|name| self.want(Action::TellOf(name)));
    }

    /// Challenges that failed, and do not say so yet.
    fn failed_challenges(&self, issuance: &Issuance) -> Vec<Name> {
        let failed = issuance.challenges().filter(|(_, flow)| matches!(flow.verdict(), Some(Verdict::Invalid(_))));
        failed
            .filter_map(|(_, flow)| self.seen.of(flow))
            .filter(|it| !it.record.object.status.as_ref().is_some_and(codec::challenge::is_failed))
            .map(|it| it.name.clone())
            .collect()
    }

    /// What was presented is taken away, then the finalizer, then, after its order, the Challenge.
    pub(super) fn take_away(&mut self, end: Option<End>) {
        for it in &self.seen.challenges {
            let flow = self.run.flow(&it.name, &it.record.object);
            match flow {
                Some(flow) if flow.stage() != ChallengeStage::Settled => self.clean_up(&it.name, flow, end),
                // Not looked at yet: nobody knows what it left behind.
                None if it.record.has_finalizer() => {}
                Some(_) if it.record.has_finalizer() && self.is_told(flow, it) => {
                    self.want(Action::Release(it.name.clone()));
                }
                Some(_) if it.record.has_finalizer() => {}
                Some(_) | None if end.is_some_and(|end| is_deleted_after(end, &it.record.object)) => {
                    self.want(Action::Delete(it.name.clone()));
                }
                Some(_) | None => {}
            }
        }
    }

    /// A Challenge that failed says so before its finalizer goes.
    fn is_told(&self, flow: Option<&ChallengeFlow>, seen: &Seen<'_>) -> bool {
        let failed = matches!(flow.and_then(ChallengeFlow::verdict), Some(Verdict::Invalid(_)));
        let terminating = seen.record.object.metadata.deletion_timestamp.is_some();
        !failed || terminating || seen.record.object.status.as_ref().is_some_and(codec::challenge::is_ended)
    }

    fn clean_up(&mut self, name: &Name, flow: &ChallengeFlow, end: Option<End>) {
        let url = &flow.assignment().authorization;
        let Next::Go(agenda) = flow.next(self.now) else { return };
        if !self.run.left.contains_key(name) {
            // An order that goes on does this with its other steps.
            if end.is_none() {
                return;
            }
            self.wake(agenda.wake.clone());
            for action in agenda.ready {
                self.challenge_step(url.clone(), flow, action);
            }
            return;
        }
        self.wake(agenda.wake);
        if agenda.ready.contains(&ChallengeAction::CleanUp) && !self.run.busy.contains(url) && !self.seen.closing {
            self.agenda.ready.push(Action::CleanUp(name.clone()));
        }
    }

    fn can_ask(&self) -> bool {
        matches!(self.seen.authority, Authority::Ready(_)) && !self.seen.closing
    }

    /// Wants this now, unless it failed a moment ago.
    pub(super) fn want(&mut self, action: Action) {
        match self.run.hold(&action, self.now) {
            Some(at) => self.wake(Some(Wake::new(at, Waiting::outside("the API server refused a write")))),
            None => self.agenda.ready.push(action),
        }
    }

    /// Wants this when it lasts, or when the process ends.
    fn want_in_time(&mut self, action: Action) {
        let since = self.run.owed.get(&action).copied().unwrap_or(self.now);
        let due = since + self.seen.visible_after;
        match due.is_due(self.now) || self.seen.closing {
            true => self.want(action),
            false => self.wake(Some(Wake::new(due, Waiting::outside("what lasts is shown")))),
        }
    }

    fn wake(&mut self, wake: Option<Wake>) {
        let mine = self.agenda.wake.take();
        self.agenda.wake = match (mine, wake) {
            (Some(mine), Some(theirs)) => Some(if theirs.at < mine.at { theirs } else { mine }),
            (mine, theirs) => mine.or(theirs),
        };
    }

    pub(super) fn finish(mut self, end: Option<End>) -> Next<Action, ()> {
        let over = end.is_some() && !self.seen.challenges.iter().any(|it| end.is_some_and(|end| is_owed(end, it)));
        if over && self.agenda.ready.is_empty() && self.run.busy.is_empty() {
            return match self.seen.closing {
                true => Next::Done(()),
                // What is remembered is needed no more.
                false => Next::Go(Agenda::new(vec![Action::Begin], None)),
            };
        }
        // Whoever has to act wakes this; should that get lost, here is another look.
        if self.agenda.ready.is_empty() {
            self.wake(Some(Wake::new(self.now + LONGEST_WAIT, Waiting::outside("the issuer, or another challenge"))));
        }
        Next::Go(self.agenda)
    }
}

/// The longest wait for others.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
