//! A solver at work for one Challenge.

use std::sync::Arc;
use std::time::Duration;

use acme_core::flow::{ChallengeAction, ChallengeEvent};
use acme_core::{Error, ErrorKind, Retry, Timestamp};
use issuers::acme::step;
use solvers::Solver;

use super::{Answer, is_ours, not_leading};
use crate::codec;
use crate::codec::words;
use crate::context::Context;
use crate::crd::challenge::Challenge;
use crate::http01::lead::Lead;
use crate::key::Name;
use crate::order::announce::{self, About};
use crate::order::{DnsSolvers, leads, observe, solver};
use crate::world::World;

/// With `waitInsteadOfSelfCheck` nothing is looked for: so long after it was presented, an answer counts as visible.
pub(super) fn waited(challenge: &Challenge, presented: Option<Timestamp>, now: Timestamp) -> Option<ChallengeEvent> {
    let wait = challenge.spec.solver.wait_instead_of_self_check.as_ref()?.duration()?;
    let told = challenge.status.as_ref().and_then(|it| it.presented_at.as_ref()?.timestamp());
    let since = told.or(presented).unwrap_or(now);
    let ready = since + wait;
    Some(match ready.is_due(now) {
        true => ChallengeEvent::Visible,
        false => ChallengeEvent::NotVisible {
            again_after: ready.since(now).max(Duration::from_millis(1)),
            missing: String::new(),
        },
    })
}

/// A solver at work for one Challenge.
pub(super) struct Work {
    context: Arc<Context>,
    challenge: Arc<Challenge>,
    issuer: Name,
    solver: Option<Arc<dyn Solver>>,
    /// What its account has made of solvers of DNS-01; none where there is no account any more.
    made: Option<Arc<DnsSolvers>>,
    /// The way to its answer, where it needs one.
    lead: Result<Option<Arc<Lead>>, Error>,
    about: About,
}

impl Work {
    pub(super) fn new(
        world: &mut World,
        context: &Arc<Context>,
        order: &Name,
        name: &Name,
        challenge: Arc<Challenge>,
    ) -> Self {
        let lead = leads::lead(world, context, order, name, &challenge);
        let solver = world.order_index.runs.get(order).and_then(|run| run.solvers.get(name)).cloned();
        let issuer = observe::issuer_of(name, &challenge.spec.issuer_ref);
        let made = world.order_index.accounts.get(&issuer).map(|account| Arc::clone(&account.dns_solvers));
        let about = About { kind: "Challenge", name: name.clone(), identity: world.challenges.identity(name).cloned() };
        Self { context: Arc::clone(context), challenge, issuer, solver, made, lead, about }
    }

    pub(super) async fn run(self, action: ChallengeAction) -> Answer {
        let spec = &self.challenge.spec;
        if action == ChallengeAction::Present {
            announce::mention(&self.context, &self.about, "Started", words::SCHEDULED.to_owned());
        }
        let made = match &self.solver {
            Some(solver) => Ok(Arc::clone(solver)),
            None => match &self.lead {
                Ok(lead) => {
                    let made = self.made.as_deref();
                    solver::make(&self.context, &self.challenge, &self.issuer, lead.clone(), made).await
                }
                Err(error) => Err(again(error)),
            },
        };
        let event = match (&made, codec::challenge::presentation(spec)) {
            (Ok(_), Ok(_)) if action == ChallengeAction::Present && !is_ours(&self.context) => Err(not_leading()),
            (Ok(solver), Ok(presentation)) => {
                step::solve(&**solver, action, &presentation).await.map_err(|error| self.failed(action, error))
            }
            (Err(error), _) => Err(again(error)),
            (Ok(_), Err(error)) => Err(error),
        };
        self.announce(action, &event);
        // What failed may have failed by its credentials: they are read anew.
        let solver = made.ok().filter(|_| event.is_ok());
        Answer::Challenge { event, solver }
    }

    /// What failed may have failed by what a person corrects: a Secret, a right, a zone. Until the answer is there that is waited for.
    fn failed(&self, action: ChallengeAction, error: Error) -> Error {
        let Some(dns01) = &self.challenge.spec.solver.dns01 else { return error };
        if let Some(made) = &self.made {
            made.failed(dns01, error.kind());
        }
        let is_final = matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Internal);
        match error.retry() {
            Retry::Never if action == ChallengeAction::Present && !is_final => error.with_retry(Retry::Backoff),
            Retry::Never | Retry::Backoff | Retry::After(_) => error,
        }
    }

    fn announce(&self, action: ChallengeAction, event: &Result<ChallengeEvent, Error>) {
        let (context, kind) = (&self.context, &self.challenge.spec.kind);
        let said = |error: &Error| words::fault(&acme_core::flow::Fault::from(error));
        match (action, event) {
            (ChallengeAction::Present, Ok(_)) => {
                let note = format!("Presented challenge using {kind} challenge mechanism");
                announce::mention(context, &self.about, "Presented", note);
            }
            (ChallengeAction::Present, Err(error)) => {
                announce::warn(context, &self.about, "PresentError", words::not_presented(&said(error)));
            }
            (ChallengeAction::CleanUp, Err(error)) => {
                announce::warn(context, &self.about, "CleanUpError", words::not_cleaned_up(&said(error)));
            }
            (
                ChallengeAction::Check
                | ChallengeAction::CleanUp
                | ChallengeAction::Accept
                | ChallengeAction::Look
                | ChallengeAction::Withdraw,
                _,
            ) => {}
        }
    }
}

/// The same error for the flow; the original stays where it was found.
fn again(error: &Error) -> Error {
    let told = Error::new(error.kind(), error.what().to_owned()).with_retry(error.retry());
    match error.problem() {
        Some(problem) => told.with_problem(problem.clone()),
        None => told,
    }
}
