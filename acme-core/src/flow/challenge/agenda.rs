//! What a challenge flow wants, state by state.

use super::{ChallengeAction, ChallengeFlow, Cleaned, Settled, State, Watched, Withdraw};
use crate::Timestamp;
use crate::flow::{Agenda, Failures, Next, Waiting};

impl ChallengeFlow {
    pub(in crate::flow) fn agenda(&self, now: Timestamp) -> Next<ChallengeAction, Settled> {
        let (deadline, agenda) = match &self.state {
            State::Settled(settled) => return Next::Done(settled.clone()),
            State::Presenting { deadline, failures } => {
                (deadline, unless_held(ChallengeAction::Present, failures, now))
            }
            State::Checking { deadline, at, missing, failures } => {
                let agenda = if at.is_due(now) {
                    unless_held(ChallengeAction::Check, failures, now)
                } else {
                    let missing = missing.clone().unwrap_or_else(|| "the first look is still to come".to_owned());
                    Agenda::wait(*at, Waiting::Visibility { identifier: self.assignment.identifier.clone(), missing })
                };
                (deadline, agenda)
            }
            State::Accepting { deadline, failures } => (deadline, unless_held(ChallengeAction::Accept, failures, now)),
            State::Polling { deadline, looks, failures } => {
                let waiting = Waiting::Validation { identifiers: vec![self.assignment.identifier.clone()] };
                let agenda = match self.watched {
                    Watched::ByOrder => Agenda::wait(*deadline, waiting),
                    Watched::BySelf if looks.at.is_due(now) => unless_held(ChallengeAction::Look, failures, now),
                    Watched::BySelf => Agenda::wait(looks.at, waiting),
                };
                (deadline, agenda)
            }
            State::Doubting { deadline, failures, .. } => (deadline, unless_held(ChallengeAction::Look, failures, now)),
            State::CleaningUp { deadline, failures, withdraw, cleaned, .. } => {
                let mut agenda = match cleaned {
                    Cleaned::NotYet => unless_held(ChallengeAction::CleanUp, failures, now),
                    Cleaned::Yes | Cleaned::GivenUp(_) => Agenda::empty(),
                };
                if *withdraw == Withdraw::Wanted {
                    agenda.ready.push(ChallengeAction::Withdraw);
                }
                (deadline, agenda)
            }
        };
        Next::Go(by(agenda, *deadline))
    }
}

fn unless_held(action: ChallengeAction, failures: &Failures, now: Timestamp) -> Agenda<ChallengeAction> {
    match failures.hold(now) {
        Some(at) => Agenda::wait(at, failures.waiting(&action.to_string())),
        None => Agenda::start(action),
    }
}

/// No wait goes on beyond `deadline`.
fn by(mut agenda: Agenda<ChallengeAction>, deadline: Timestamp) -> Agenda<ChallengeAction> {
    if let Some(wake) = &mut agenda.wake {
        wake.at = wake.at.min(deadline);
    }
    agenda
}
