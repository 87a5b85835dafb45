//! One authorization: present an answer, see it, have it checked, take it away again.

mod agenda;
mod assignment;
mod origin;
mod transitions;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use assignment::Assignment;
use origin::Origin;

use super::pacing::Looks;
use super::{Applied, ChallengePace, FORMAT, Failures, Fault, Next, SolverId};
use crate::envelope;
use crate::protocol::{Authorization, Challenge, ChallengeType};
use crate::{Error, ErrorKind, Identifier, Timestamp};

/// The state machine of one challenge.
///
/// Its driver runs at most one of `Present`, `Check` and `CleanUp` at a time, so that nothing is presented after it was cleaned up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengeFlow {
    assignment: Assignment,
    #[serde(default, skip_serializing_if = "super::pacing::is_usual")]
    pace: ChallengePace,
    /// Who looks for the verdict: this flow itself, or the order above it.
    watched: Watched,
    state: State,
    #[serde(skip)]
    origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Watched {
    BySelf,
    ByOrder,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Presenting {
        deadline: Timestamp,
        failures: Failures,
    },
    Checking {
        deadline: Timestamp,
        at: Timestamp,
        missing: Option<String>,
        failures: Failures,
    },
    Accepting {
        deadline: Timestamp,
        failures: Failures,
    },
    Polling {
        deadline: Timestamp,
        looks: Looks,
        failures: Failures,
    },
    /// One more look before the end that `because` names.
    Doubting {
        because: Fault,
        deadline: Timestamp,
        failures: Failures,
    },
    CleaningUp {
        verdict: Verdict,
        deadline: Timestamp,
        failures: Failures,
        withdraw: Withdraw,
        cleaned: Cleaned,
    },
    Settled(Settled),
}

/// Whether the authorization is still to be given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Withdraw {
    Wanted,
    Over,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Cleaned {
    NotYet,
    Yes,
    GivenUp(Fault),
}

/// How far a challenge is; later stages are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "who stores stages must know every one")]
pub enum ChallengeStage {
    /// The answer is to be made available.
    Presenting,
    /// It is made available, and looked for.
    Checking,
    /// The server is to be told.
    Accepting,
    /// The server was told, and checks.
    Polling,
    /// One more look before giving up.
    Doubting,
    /// The verdict is known; the answer is to be taken away.
    CleaningUp,
    /// It is over.
    Settled,
}

/// What keeps a flow from going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "who shows obstacles must handle both")]
pub enum Obstacle<'a> {
    /// A check does not find this.
    Missing(&'a str),
    /// The last attempt failed.
    Failed {
        /// How.
        fault: &'a Fault,
        /// When the next one is due.
        again: Option<Timestamp>,
    },
}

/// How an authorization ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "a driver must handle every variant")]
pub enum Verdict {
    /// Proven.
    Valid,
    /// Not proven, and why.
    Invalid(Fault),
    /// Needed no more: the order ended without it.
    Abandoned,
}

/// How a challenge flow ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Settled {
    /// How the authorization ended.
    pub verdict: Verdict,
    /// What could not be taken away again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leftover: Option<Leftover>,
}

/// An answer that could not be taken away again, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Leftover {
    /// Whose answer it is.
    pub identifier: Identifier,
    /// The challenge's type.
    pub kind: ChallengeType,
    /// Who presented it.
    pub solver: SolverId,
    /// Why it is still there.
    pub because: Fault,
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the {} answer for {} by solver {} was left behind: {}",
            self.kind, self.identifier, self.solver, self.because
        )
    }
}

/// What a challenge flow wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a driver must carry out every action")]
pub enum ChallengeAction {
    /// Make the answer available: the solver's `present`.
    Present,
    /// See whether it is visible: the solver's `check`.
    Check,
    /// Tell the server to check: `Call::Accept`.
    Accept,
    /// Look at the authorization: `Call::ReadAuthorization`.
    Look,
    /// Take the answer away: the solver's `clean_up`.
    CleanUp,
    /// Give the authorization up: `Call::Deactivate`.
    Withdraw,
}

impl fmt::Display for ChallengeAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Present => "presenting the challenge",
            Self::Check => "checking the challenge",
            Self::Accept => "accepting the challenge",
            Self::Look => "reading the authorization",
            Self::CleanUp => "cleaning up the challenge",
            Self::Withdraw => "giving up the authorization",
        })
    }
}

/// What happened to a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by definition")]
#[expect(clippy::large_enum_variant, reason = "an event is taken in as soon as it is made")]
pub enum ChallengeEvent {
    /// The answer is available.
    Presented,
    /// The answer is visible.
    Visible,
    /// The answer is not visible yet.
    NotVisible {
        /// How long to wait before checking again.
        again_after: Duration,
        /// What is missing, and where.
        missing: String,
    },
    /// The server took the acceptance.
    Accepted {
        /// The challenge as it stands now.
        challenge: Challenge,
        /// How long the server wants us to wait.
        retry_after: Option<Duration>,
    },
    /// The authorization was looked at.
    Seen {
        /// How it stands.
        authorization: Authorization,
        /// How long the server wants us to wait.
        retry_after: Option<Duration>,
    },
    /// The order says that the authorization is valid.
    Validated,
    /// The order failed; this authorization may be why.
    Doubted(Fault),
    /// The order ended without this authorization.
    Abandoned,
    /// The answer is gone.
    CleanedUp,
    /// The authorization is given up.
    Withdrawn,
    /// An action failed.
    Failed {
        /// Which.
        action: ChallengeAction,
        /// How.
        fault: Fault,
    },
}

impl ChallengeFlow {
    /// A flow that looks for its verdict itself.
    pub fn new(assignment: Assignment, pace: ChallengePace, now: Timestamp) -> Self {
        Self {
            assignment,
            pace,
            watched: Watched::BySelf,
            state: State::Presenting { deadline: now + pace.present, failures: Failures::default() },
            origin: Origin::Here,
        }
    }

    /// Leaves looking for the verdict to the order above: this flow looks only in doubt, or when its time is over.
    #[must_use]
    pub fn watched_by_order(mut self) -> Self {
        self.watched = Watched::ByOrder;
        self
    }

    /// Goes on from a challenge that the server is checking already: somebody presented and accepted it before.
    #[must_use]
    pub fn already_accepted(mut self, now: Timestamp) -> Self {
        self.state = polling(&self.pace, now, None);
        self
    }

    /// Goes on from an answer that somebody presented before, and that nobody asked the server to look at so far.
    #[must_use]
    pub fn already_presented(mut self, now: Timestamp) -> Self {
        self.state =
            State::Checking { deadline: now + self.pace.check, at: now, missing: None, failures: Failures::default() };
        self
    }

    /// Takes away what somebody may have presented before, and nothing else: how the authorization ended is known, or does not matter any more.
    #[must_use]
    pub fn already_over(mut self, verdict: Verdict, now: Timestamp) -> Self {
        self.clean(verdict, Withdraw::Over, now);
        self
    }

    /// Looks for the verdict from now on, also where that was left to the order above: somebody waits for this challenge to end.
    pub fn watch_itself(&mut self) {
        self.watched = Watched::BySelf;
    }

    /// How far it is.
    pub fn stage(&self) -> ChallengeStage {
        match self.state {
            State::Presenting { .. } => ChallengeStage::Presenting,
            State::Checking { .. } => ChallengeStage::Checking,
            State::Accepting { .. } => ChallengeStage::Accepting,
            State::Polling { .. } => ChallengeStage::Polling,
            State::Doubting { .. } => ChallengeStage::Doubting,
            State::CleaningUp { .. } => ChallengeStage::CleaningUp,
            State::Settled(_) => ChallengeStage::Settled,
        }
    }

    /// What keeps it from going on: what a check missed, or how the last attempt failed. For a status that people read.
    pub fn obstacle(&self) -> Option<Obstacle<'_>> {
        match &self.state {
            State::Checking { missing: Some(missing), failures, .. } if failures.last.is_none() => {
                Some(Obstacle::Missing(missing))
            }
            State::Presenting { failures, .. }
            | State::Checking { failures, .. }
            | State::Accepting { failures, .. }
            | State::Polling { failures, .. }
            | State::Doubting { failures, .. }
            | State::CleaningUp { failures, .. } => {
                failures.last.as_ref().map(|fault| Obstacle::Failed { fault, again: failures.not_before })
            }
            State::Settled(_) => None,
        }
    }

    /// Which challenge it is.
    pub fn assignment(&self) -> &Assignment {
        &self.assignment
    }

    /// Whether nobody can have presented the answer yet: the state was begun in this process, and no attempt has failed. What came from a record may have
    /// been acted upon by a process that died.
    pub fn is_untouched(&self) -> bool {
        matches!((&self.origin, &self.state), (Origin::Here, State::Presenting { failures, .. }) if failures.last.is_none())
    }

    /// What to do at `now`.
    pub fn next(&self, now: Timestamp) -> Next<ChallengeAction, Settled> {
        let mut current = self.clone();
        let _ = current.settle(now);
        current.agenda(now)
    }

    /// Whether the server has been told to check, and has not said how it went.
    pub fn is_polling(&self) -> bool {
        matches!(self.state, State::Polling { .. })
    }

    /// When the server wants to be looked at, while it checks.
    pub(super) fn look_at(&self) -> Option<Timestamp> {
        match &self.state {
            State::Polling { looks, .. } => Some(looks.at),
            State::Presenting { .. }
            | State::Checking { .. }
            | State::Accepting { .. }
            | State::Doubting { .. }
            | State::CleaningUp { .. }
            | State::Settled(_) => None,
        }
    }

    /// The time that ends the state, if one does.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match &self.state {
            State::Presenting { deadline, .. }
            | State::Checking { deadline, .. }
            | State::Accepting { deadline, .. }
            | State::Polling { deadline, .. }
            | State::Doubting { deadline, .. }
            | State::CleaningUp { deadline, .. } => Some(*deadline),
            State::Settled(_) => None,
        }
    }

    /// How the authorization ended, once that is known; cleaning up may still be going on.
    pub fn verdict(&self) -> Option<&Verdict> {
        match &self.state {
            State::CleaningUp { verdict, .. } | State::Settled(Settled { verdict, .. }) => Some(verdict),
            State::Presenting { .. }
            | State::Checking { .. }
            | State::Accepting { .. }
            | State::Polling { .. }
            | State::Doubting { .. } => None,
        }
    }

    /// Takes in what happened.
    pub fn apply(&mut self, event: ChallengeEvent, now: Timestamp) -> Applied {
        let before = self.state.clone();
        let _ = self.settle(now);
        self.take(event, now);
        let _ = self.settle(now);
        if self.state == before { Applied::Ignored } else { Applied::Changed }
    }

    /// The state as bytes for a record.
    ///
    /// # Errors
    /// `Internal` when it cannot be written.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        envelope::encode("challenge", FORMAT, self)
    }

    /// A state from the bytes of a record.
    ///
    /// # Errors
    /// `Unsupported` when a newer release wrote it, `Malformed` when it cannot be read.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        envelope::decode("challenge", FORMAT, bytes)
    }
}

fn polling(pace: &ChallengePace, now: Timestamp, retry_after: Option<Duration>) -> State {
    State::Polling {
        deadline: now + pace.validate,
        looks: Looks::begin(now, pace.polling, retry_after),
        failures: Failures::default(),
    }
}

fn late(what: &str) -> Fault {
    Fault::new(ErrorKind::Unreachable, what)
}
