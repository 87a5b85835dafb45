//! One certificate from one account: an order and its challenges as a single value, for a driver in one process.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::order::OrderOutcome;
use super::{
    Agenda, Applied, Assignment, ChallengeAction, ChallengeEvent, ChallengeFlow, FORMAT, Fault, Leftover, Next,
    OrderAction, OrderEvent, OrderFlow, Pace, SolverId, Standing, Verdict,
};
use crate::client::{Alternates, Chain};
use crate::envelope;
use crate::protocol::{
    Authorization, AuthorizationStatus, ChallengeStatus, ChallengeType, NewOrder, Problem, ProblemType, Url,
};
use crate::{Error, ErrorKind, Retry, Timestamp};

/// What an issuance is for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuancePlan {
    /// What is ordered.
    pub order: NewOrder,
    /// Whether alternate chains are fetched too.
    pub alternates: Alternates,
    /// How patient it is.
    pub pace: Pace,
}

impl IssuancePlan {
    /// A plan for `order` at the usual pace, with the default chain alone.
    pub fn new(order: NewOrder) -> Self {
        Self { order, alternates: Alternates::Skip, pace: Pace::default() }
    }
}

/// The state machine of one issuance.
///
/// Tell it an authorization that was read, together with the solver chosen for it, through [`IssuanceEvent::Authorization`]; it makes the
/// [`ChallengeFlow`] and tells the [`OrderFlow`]. One look at the order stands for all its authorizations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuance {
    order: OrderFlow,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    challenges: BTreeMap<Url, ChallengeFlow>,
    #[serde(default, skip_serializing_if = "super::pacing::is_usual")]
    pace: Pace,
}

/// What an issuance wants done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a driver must carry out every action")]
pub enum IssuanceAction {
    /// Something with the order.
    Order(OrderAction),
    /// Something with the challenge of this authorization. Run one at a time for each authorization.
    Challenge(Url, ChallengeAction),
}

impl IssuanceAction {
    /// Whether it spends something that cannot be given back: the state of [`Issuance::before`] must be saved first.
    pub fn is_irreversible(&self) -> bool {
        match self {
            Self::Order(action) => action.is_irreversible(),
            Self::Challenge(..) => false,
        }
    }
}

impl fmt::Display for IssuanceAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(action) => action.fmt(f),
            Self::Challenge(_, action) => action.fmt(f),
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum IssuanceEvent {
    /// Something with the order; authorizations that were read come as [`Authorization`](Self::Authorization).
    Order(OrderEvent),
    /// An authorization was read.
    Authorization {
        /// Which.
        url: Url,
        /// How it stands.
        authorization: Box<Authorization>,
        /// Who solves which of its challenges; asked for only while it is pending. A fault ends the issuance.
        choice: Result<Choice, Fault>,
    },
    /// Something with the challenge of this authorization.
    Challenge(Url, ChallengeEvent),
}

/// Who solves which challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choice {
    /// The solver.
    pub solver: SolverId,
    /// The type of the challenge.
    pub kind: ChallengeType,
    /// Where its flow begins.
    pub begin: Begin,
}

impl Choice {
    /// `solver` solves the challenge of type `kind`.
    pub fn new(solver: SolverId, kind: ChallengeType) -> Self {
        Self { solver, kind, begin: Begin::Presenting }
    }

    /// Says how far a process before this one came with it.
    #[must_use]
    pub fn beginning_with(mut self, begin: Begin) -> Self {
        self.begin = begin;
        self
    }
}

/// Where the flow of a challenge begins, by what a process before this one is known to have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
pub enum Begin {
    /// Nothing, as far as is known.
    #[default]
    Presenting,
    /// It presented the answer.
    Checking,
    /// It told the server to check.
    Polling,
}

/// How an issuance ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuanceOutcome {
    /// The certificate's chains, the server's default first; or why there is none.
    pub result: Result<Vec<Chain>, Fault>,
    /// Where the order is, if it was made.
    pub order: Option<Url>,
    /// What could not be taken away again.
    pub leftovers: Vec<Leftover>,
}

impl Issuance {
    /// The beginning of an issuance.
    pub fn new(plan: IssuancePlan, now: Timestamp) -> Self {
        Self {
            order: OrderFlow::new(plan.order, plan.alternates, plan.pace.order, now),
            challenges: BTreeMap::new(),
            pace: plan.pace,
        }
    }

    /// An issuance whose order was made before, and of which only the order's URL is known: it looks at the order and its authorizations first.
    pub fn resume(plan: IssuancePlan, url: Url, now: Timestamp) -> Self {
        Self {
            order: OrderFlow::resume(plan.order, url, plan.alternates, plan.pace.order, now),
            challenges: BTreeMap::new(),
            pace: plan.pace,
        }
    }

    /// Takes it that a process before this one may have made the order: it is looked for before another one is made.
    #[must_use]
    pub fn perhaps_made(mut self) -> Self {
        self.order = self.order.perhaps_made();
        self
    }

    /// The order.
    pub fn order(&self) -> &OrderFlow {
        &self.order
    }

    /// The challenge flow of the authorization at `url`.
    pub fn challenge(&self, url: &Url) -> Option<&ChallengeFlow> {
        self.challenges.get(url)
    }

    /// The challenge flows, by the URLs of their authorizations.
    pub fn challenges(&self) -> impl Iterator<Item = (&Url, &ChallengeFlow)> {
        self.challenges.iter()
    }

    /// Lets the challenge of this authorization look for its verdict itself, instead of leaving that to the order: somebody waits for it to end.
    pub fn watch(&mut self, url: &Url) {
        if let Some(challenge) = self.challenges.get_mut(url) {
            challenge.watch_itself();
        }
    }

    /// What to do at `now`.
    pub fn next(&self, now: Timestamp) -> Next<IssuanceAction, IssuanceOutcome> {
        // Whatever happened was settled when it was applied; since then only a deadline can have passed.
        if !self.is_overdue(now) {
            return self.agenda(now);
        }
        let mut current = self.clone();
        let _ = current.settle(now);
        current.agenda(now)
    }

    /// The state to save before `action` runs: that of a process which does not know whether it happened.
    #[must_use]
    pub fn before(&self, action: &IssuanceAction) -> Self {
        match action {
            IssuanceAction::Order(action) => {
                Self { order: self.order.before(action), challenges: self.challenges.clone(), pace: self.pace }
            }
            IssuanceAction::Challenge(..) => self.clone(),
        }
    }

    /// Takes in what happened.
    pub fn apply(&mut self, event: IssuanceEvent, now: Timestamp) -> Applied {
        let overdue = self.settle(now);
        let applied = match event {
            IssuanceEvent::Order(event) => self.order.apply(event, now),
            IssuanceEvent::Authorization { url, authorization, choice } => {
                self.authorize(url, &authorization, choice, now)
            }
            IssuanceEvent::Challenge(url, event) => match self.challenges.get_mut(&url) {
                Some(challenge) => challenge.apply(event, now),
                None => Applied::Ignored,
            },
        };
        let learned = self.settle(now);
        if overdue || learned || applied == Applied::Changed { Applied::Changed } else { Applied::Ignored }
    }

    /// The state as bytes for a record.
    ///
    /// # Errors
    /// `Internal` when it cannot be written.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        envelope::encode("issuance", FORMAT, self)
    }

    /// A state from the bytes of a record.
    ///
    /// # Errors
    /// `Unsupported` when a newer release wrote it, `Malformed` when it cannot be read.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        envelope::decode("issuance", FORMAT, bytes)
    }

    /// Whether a deadline has passed.
    fn is_overdue(&self, now: Timestamp) -> bool {
        let deadlines = self.challenges.values().filter_map(ChallengeFlow::deadline).chain(self.order.deadline());
        deadlines.into_iter().any(|deadline| deadline.is_due(now))
    }

    /// What time alone changes, and what order and challenges learn from each other; says whether anything did.
    fn settle(&mut self, now: Timestamp) -> bool {
        let mut changed = false;
        for challenge in self.challenges.values_mut() {
            changed |= challenge.settle(now);
        }
        for (url, challenge) in &self.challenges {
            let standing = match challenge.verdict() {
                Some(Verdict::Valid) => Standing::Valid,
                Some(Verdict::Invalid(fault)) => Standing::Invalid(fault.clone()),
                Some(Verdict::Abandoned) => continue,
                None if challenge.is_polling() => Standing::Answered,
                None => Standing::Pending,
            };
            changed |= self.order.stand(url, standing, challenge.look_at(), now);
        }
        changed |= self.order.settle(now);
        let event = match self.order.fault() {
            Some(fault) => ChallengeEvent::Doubted(fault.clone()),
            None if self.order.is_authorized() => ChallengeEvent::Validated,
            None => return changed,
        };
        for challenge in self.challenges.values_mut().filter(|it| it.verdict().is_none()) {
            changed |= challenge.apply(event.clone(), now) == Applied::Changed;
        }
        changed
    }

    fn authorize(
        &mut self,
        url: Url,
        authorization: &Authorization,
        choice: Result<Choice, Fault>,
        now: Timestamp,
    ) -> Applied {
        let standing = match authorization.status {
            AuthorizationStatus::Valid => Standing::Valid,
            AuthorizationStatus::Pending | AuthorizationStatus::Other(_) => {
                match self.assign(&url, authorization, choice, now) {
                    Ok(()) => Standing::Pending,
                    Err(fault) => Standing::Invalid(fault),
                }
            }
            AuthorizationStatus::Invalid
            | AuthorizationStatus::Deactivated
            | AuthorizationStatus::Expired
            | AuthorizationStatus::Revoked => {
                let fault = Fault::new(
                    ErrorKind::Refused,
                    format!("the authorization for {} is {}", authorization.ordered(), authorization.status),
                )
                .with_retry(Retry::Backoff);
                Standing::Invalid(match authorization.challenges.iter().find_map(|it| it.error.clone()) {
                    Some(problem) => fault.with_problem(problem),
                    None => fault,
                })
            }
        };
        self.order.apply(OrderEvent::Authorization { url, identifier: authorization.ordered(), standing }, now)
    }

    fn assign(
        &mut self,
        url: &Url,
        authorization: &Authorization,
        choice: Result<Choice, Fault>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        if self.challenges.contains_key(url) {
            return Ok(());
        }
        let choice = choice?;
        let challenge = authorization.challenges.iter().find(|it| it.kind == choice.kind).ok_or_else(|| {
            Fault::new(
                ErrorKind::Unsupported,
                format!(
                    "the certificate authority offers no {} challenge for {}",
                    choice.kind,
                    authorization.ordered()
                ),
            )
        })?;
        let assignment = Assignment::new(url.clone(), authorization, challenge, choice.solver)
            .map_err(|error| Fault::from(&error))?;
        let flow = ChallengeFlow::new(assignment, self.pace.challenge, now).watched_by_order();
        let flow = match choice.begin {
            _ if challenge.status == ChallengeStatus::Processing => flow.already_accepted(now),
            Begin::Presenting => flow,
            Begin::Checking => flow.already_presented(now),
            Begin::Polling => flow.already_accepted(now),
        };
        self.challenges.insert(url.clone(), flow);
        Ok(())
    }

    fn agenda(&self, now: Timestamp) -> Next<IssuanceAction, IssuanceOutcome> {
        let mut agenda = Agenda::empty();
        let outcome = match self.order.agenda(now) {
            Next::Go(order) => {
                agenda.merge(order, IssuanceAction::Order);
                None
            }
            Next::Done(outcome) => Some(outcome),
        };
        let mut leftovers = Vec::new();
        let mut busy = false;
        for (url, challenge) in &self.challenges {
            match challenge.agenda(now) {
                Next::Go(theirs) => {
                    busy = true;
                    agenda.merge(theirs, |action| IssuanceAction::Challenge(url.clone(), action));
                }
                Next::Done(settled) => leftovers.extend(settled.leftover),
            }
        }
        match outcome {
            Some(outcome) if !busy => Next::Done(self.outcome(outcome, leftovers)),
            Some(_) | None => Next::Go(agenda),
        }
    }

    fn outcome(&self, outcome: OrderOutcome, leftovers: Vec<Leftover>) -> IssuanceOutcome {
        match outcome {
            OrderOutcome::Issued { url, chains } => IssuanceOutcome { result: Ok(chains), order: Some(url), leftovers },
            OrderOutcome::Failed { url, fault } => {
                IssuanceOutcome { result: Err(self.explain(fault)), order: url, leftovers }
            }
        }
    }

    /// The order's fault, with what the challenges heard in place of a bare "the order failed".
    fn explain(&self, fault: Fault) -> Fault {
        let mut heard: Vec<(&ChallengeFlow, &Fault)> = Vec::new();
        for challenge in self.challenges.values() {
            if let Some(Verdict::Invalid(theirs)) = challenge.verdict()
                && theirs.problem.is_some()
            {
                heard.push((challenge, theirs));
            }
        }
        match heard.as_slice() {
            [] => fault,
            [(_, theirs)] if fault.problem.is_none() => Fault { retry: fault.retry, ..(*theirs).clone() },
            _ => {
                let mut problem = fault.problem.as_deref().cloned().unwrap_or_else(|| {
                    Problem::new(ProblemType::Compound, "several identifiers could not be validated")
                });
                if problem.subproblems.is_empty() {
                    problem.subproblems = heard
                        .iter()
                        .filter_map(|(challenge, theirs)| {
                            let mut sub = (**theirs.problem.as_ref()?).clone();
                            sub.identifier.get_or_insert_with(|| challenge.assignment().identifier.clone());
                            Some(sub)
                        })
                        .take(crate::limits::SUBPROBLEMS)
                        .collect();
                }
                fault.with_problem(problem)
            }
        }
    }
}
