//! What becomes of a challenge flow, event by event.

use std::time::Duration;

use super::{
    ChallengeAction, ChallengeEvent, ChallengeFlow, Cleaned, Leftover, Settled, State, Verdict, Withdraw, late, polling,
};
use crate::flow::{Failures, Fault};
use crate::protocol::{Authorization, AuthorizationStatus, ChallengeStatus, Problem};
use crate::{ErrorKind, Retry, Timestamp, text};

impl ChallengeFlow {
    /// What time alone changes; says whether it changed anything.
    pub(in crate::flow) fn settle(&mut self, now: Timestamp) -> bool {
        let before = std::mem::discriminant(&self.state);
        self.let_time_pass(now);
        std::mem::discriminant(&self.state) != before
    }

    fn let_time_pass(&mut self, now: Timestamp) {
        match &self.state {
            State::Presenting { deadline, failures } if deadline.is_due(now) => {
                let because =
                    failures.last.clone().unwrap_or_else(|| late("the challenge could not be presented in time"));
                self.give_up(because, now);
            }
            State::Checking { deadline, .. } if deadline.is_due(now) => {
                self.state = State::Accepting { deadline: now + self.pace.accept, failures: Failures::default() };
            }
            State::Accepting { deadline, failures } if deadline.is_due(now) => {
                let because =
                    failures.last.clone().unwrap_or_else(|| late("the challenge could not be accepted in time"));
                self.doubt(because, now);
            }
            State::Polling { deadline, .. } if deadline.is_due(now) => {
                let because = late("the certificate authority did not finish validating in time");
                self.doubt(because, now);
            }
            State::Doubting { because, deadline, .. } if deadline.is_due(now) => {
                let because = because.clone();
                self.give_up(because, now);
            }
            State::CleaningUp { verdict, deadline, failures, withdraw, cleaned } => {
                let over = deadline.is_due(now);
                let cleaned = match cleaned {
                    Cleaned::NotYet if over => Cleaned::GivenUp(
                        failures.last.clone().unwrap_or_else(|| late("no attempt to clean up ended in time")),
                    ),
                    Cleaned::NotYet | Cleaned::Yes | Cleaned::GivenUp(_) => cleaned.clone(),
                };
                let leftover = match &cleaned {
                    Cleaned::NotYet => return,
                    Cleaned::Yes => None,
                    Cleaned::GivenUp(because) => Some(Leftover {
                        identifier: self.assignment.identifier.clone(),
                        kind: self.assignment.kind.clone(),
                        solver: self.assignment.solver.clone(),
                        because: because.clone(),
                    }),
                };
                if *withdraw == Withdraw::Over || over {
                    self.state = State::Settled(Settled { verdict: verdict.clone(), leftover });
                }
            }
            State::Presenting { .. }
            | State::Checking { .. }
            | State::Accepting { .. }
            | State::Polling { .. }
            | State::Doubting { .. }
            | State::Settled(_) => {}
        }
    }

    pub(super) fn take(&mut self, event: ChallengeEvent, now: Timestamp) {
        let pace = self.pace;
        match event {
            ChallengeEvent::Presented => {
                if let State::Presenting { .. } = self.state {
                    self.state = State::Checking {
                        deadline: now + pace.check,
                        at: now,
                        missing: None,
                        failures: Failures::default(),
                    };
                }
            }
            ChallengeEvent::Visible => {
                if let State::Checking { .. } = self.state {
                    self.state = State::Accepting { deadline: now + pace.accept, failures: Failures::default() };
                }
            }
            ChallengeEvent::NotVisible { again_after, missing } => {
                if let State::Checking { at, missing: known, failures, .. } = &mut self.state {
                    *at = now + again_after.max(Duration::from_millis(1));
                    *known = Some(text::printable(&missing, 500));
                    failures.clear();
                }
            }
            ChallengeEvent::Accepted { challenge, retry_after } => {
                if let State::Accepting { .. } = self.state {
                    match challenge.status {
                        ChallengeStatus::Valid => self.clean(Verdict::Valid, Withdraw::Over, now),
                        ChallengeStatus::Invalid => {
                            let fault = self.refused(challenge.error.as_ref());
                            self.clean(Verdict::Invalid(fault), Withdraw::Over, now);
                        }
                        ChallengeStatus::Pending | ChallengeStatus::Processing | ChallengeStatus::Other(_) => {
                            self.state = polling(&pace, now, retry_after)
                        }
                    }
                }
            }
            ChallengeEvent::Seen { authorization, retry_after } => self.see(&authorization, retry_after, now),
            ChallengeEvent::Validated => {
                if self.verdict().is_none() {
                    self.clean(Verdict::Valid, Withdraw::Over, now);
                }
            }
            ChallengeEvent::Doubted(because) => match self.state {
                State::Polling { .. } | State::Accepting { .. } => self.doubt(because, now),
                State::Presenting { .. } | State::Checking { .. } => {
                    self.clean(Verdict::Abandoned, Withdraw::Wanted, now)
                }
                State::Doubting { .. } | State::CleaningUp { .. } | State::Settled(_) => {}
            },
            ChallengeEvent::Abandoned => {
                if self.verdict().is_none() {
                    self.clean(Verdict::Abandoned, Withdraw::Wanted, now);
                }
            }
            ChallengeEvent::CleanedUp => {
                if let State::CleaningUp { cleaned, .. } = &mut self.state {
                    *cleaned = Cleaned::Yes;
                }
            }
            ChallengeEvent::Withdrawn => {
                if let State::CleaningUp { withdraw, .. } = &mut self.state {
                    *withdraw = Withdraw::Over;
                }
            }
            ChallengeEvent::Failed { action, fault } => self.fail(action, fault, now),
        }
    }

    fn see(&mut self, authorization: &Authorization, retry_after: Option<Duration>, now: Timestamp) {
        let polling = self.pace.polling;
        match authorization.status {
            AuthorizationStatus::Valid => {
                if self.verdict().is_none() {
                    self.clean(Verdict::Valid, Withdraw::Over, now);
                }
            }
            AuthorizationStatus::Invalid
            | AuthorizationStatus::Deactivated
            | AuthorizationStatus::Expired
            | AuthorizationStatus::Revoked => {
                if self.verdict().is_none() {
                    let mine = authorization.challenges.iter().find(|it| it.url == self.assignment.challenge);
                    let problem = mine
                        .and_then(|it| it.error.as_ref())
                        .or_else(|| authorization.challenges.iter().find_map(|it| it.error.as_ref()));
                    let fault = match problem {
                        Some(problem) => self.refused(Some(problem)),
                        None => Fault::new(
                            ErrorKind::Refused,
                            format!("the authorization for {} is {}", self.assignment.identifier, authorization.status),
                        )
                        .with_retry(Retry::Backoff),
                    };
                    self.clean(Verdict::Invalid(fault), Withdraw::Over, now);
                }
            }
            AuthorizationStatus::Pending | AuthorizationStatus::Other(_) => match &mut self.state {
                State::Polling { looks, failures, .. } => {
                    *looks = looks.again(now, polling, retry_after);
                    failures.clear();
                }
                State::Doubting { because, .. } => {
                    // A server that still tries shows how its last attempt ended (RFC 8555 section 8.2).
                    let mine = authorization.challenges.iter().find(|it| it.url == self.assignment.challenge);
                    let because = match mine.and_then(|it| it.error.clone()) {
                        Some(problem) if because.problem.is_none() => because.clone().with_problem(problem),
                        Some(_) | None => because.clone(),
                    };
                    self.give_up(because, now);
                }
                State::Presenting { .. }
                | State::Checking { .. }
                | State::Accepting { .. }
                | State::CleaningUp { .. }
                | State::Settled(_) => {}
            },
        }
    }

    fn fail(&mut self, action: ChallengeAction, fault: Fault, now: Timestamp) {
        let seed = self.assignment.challenge.as_str();
        let backoff = self.pace.backoff;
        match (&mut self.state, action) {
            (State::Presenting { deadline, failures }, ChallengeAction::Present) => {
                if let Err(fault) = failures.note(fault, now, *deadline, backoff, seed) {
                    self.give_up(fault, now);
                }
            }
            (State::Checking { deadline, failures, .. }, ChallengeAction::Check) => {
                // A check is a hint: when it cannot be made, the server's own look decides.
                if failures.note(fault, now, *deadline, backoff, seed).is_err() {
                    self.state = State::Accepting { deadline: now + self.pace.accept, failures: Failures::default() };
                }
            }
            (State::Accepting { deadline, failures }, ChallengeAction::Accept) => {
                if let Err(fault) = failures.note(fault, now, *deadline, backoff, seed) {
                    self.doubt(fault, now);
                }
            }
            // Nothing is left to look at: the server forgot the authorization, or the account.
            (State::Polling { .. }, ChallengeAction::Look) if fault.kind == ErrorKind::NotFound => {
                self.give_up(fault, now);
            }
            (State::Doubting { because, .. }, ChallengeAction::Look) if fault.kind == ErrorKind::NotFound => {
                let because = because.clone();
                self.give_up(because, now);
            }
            (State::Polling { deadline, failures, .. }, ChallengeAction::Look) => {
                if let Err(fault) = failures.note(fault, now, *deadline, backoff, seed) {
                    self.give_up(fault, now);
                }
            }
            (State::Doubting { because, deadline, failures }, ChallengeAction::Look) => {
                if failures.note(fault, now, *deadline, backoff, seed).is_err() {
                    let because = because.clone();
                    self.give_up(because, now);
                }
            }
            (
                State::CleaningUp { deadline, failures, cleaned: cleaned @ Cleaned::NotYet, .. },
                ChallengeAction::CleanUp,
            ) => {
                if let Err(fault) = failures.note(fault, now, *deadline, backoff, seed) {
                    *cleaned = Cleaned::GivenUp(fault);
                }
            }
            // Giving an authorization up is a courtesy: one attempt.
            (State::CleaningUp { withdraw, .. }, ChallengeAction::Withdraw) => *withdraw = Withdraw::Over,
            _ => {}
        }
    }

    fn doubt(&mut self, because: Fault, now: Timestamp) {
        // Long enough for a few attempts at one look, short against the stage before it.
        let deadline = now + (self.pace.accept / 24).max(Duration::from_secs(1));
        self.state = State::Doubting { because, deadline, failures: Failures::default() };
    }

    fn give_up(&mut self, because: Fault, now: Timestamp) {
        self.clean(Verdict::Invalid(because), Withdraw::Wanted, now);
    }

    pub(super) fn clean(&mut self, verdict: Verdict, withdraw: Withdraw, now: Timestamp) {
        self.state = State::CleaningUp {
            verdict,
            deadline: now + self.pace.clean,
            failures: Failures::default(),
            withdraw,
            cleaned: Cleaned::NotYet,
        };
    }

    /// The server looked, and did not find what it should.
    fn refused(&self, problem: Option<&Problem>) -> Fault {
        let fault = Fault::new(
            ErrorKind::Refused,
            format!("the {} challenge for {} failed", self.assignment.kind, self.assignment.identifier),
        )
        .with_retry(Retry::Backoff);
        match problem {
            Some(problem) => fault.with_problem(problem.clone()),
            None => fault,
        }
    }
}
