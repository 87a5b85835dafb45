//! Failures of one action: counted, kept, and turned into the time of the next attempt.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Waiting;
use crate::backoff::Backoff;
use crate::protocol::Problem;
use crate::{Error, ErrorKind, Retry, Timestamp, limits, text};

/// A failure as a state keeps it: an [`Error`] without its live cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fault {
    /// What failed and on what.
    pub what: String,
    /// What kind of failure it was.
    #[serde(with = "kind_as_word")]
    pub kind: ErrorKind,
    /// Whether and when the same thing may be tried again.
    pub retry: Retry,
    /// What the certificate authority said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Box<Problem>>,
}

impl Fault {
    /// A failure that this side found.
    pub fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Self { what: text::printable(&what.into(), limits::PROBLEM_TEXT), kind, retry: kind.retry(), problem: None }
    }

    /// Replaces the advice on retrying.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Attaches what the certificate authority said.
    #[must_use]
    pub fn with_problem(mut self, problem: Problem) -> Self {
        self.problem = Some(Box::new(problem));
        self
    }

    /// The failure as an error again.
    pub fn to_error(&self) -> Error {
        let error = Error::new(self.kind, self.what.clone()).with_retry(self.retry);
        match &self.problem {
            Some(problem) => error.with_problem((**problem).clone()),
            None => error,
        }
    }
}

impl From<&Error> for Fault {
    fn from(error: &Error) -> Self {
        Self {
            what: text::printable(error.what(), limits::PROBLEM_TEXT),
            kind: error.kind(),
            retry: error.retry(),
            problem: error.problem().cloned().map(Box::new),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Some(problem) => write!(f, "{}: {problem}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// How often an action has failed, how it failed last, and when it may be tried again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Failures {
    /// Attempts spent; a pause that the other side asked for spends none.
    #[serde(skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// The last failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Fault>,
    /// Not before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

/// The shortest pause after a failure, so that every failure moves time.
const SHORTEST: Duration = Duration::from_millis(100);

impl Failures {
    /// Notes a failure at `now`. `Err` gives the fault back when trying again before `deadline` is ruled out.
    pub(crate) fn note(
        &mut self,
        fault: Fault,
        now: Timestamp,
        deadline: Timestamp,
        backoff: Backoff,
        seed: &str,
    ) -> Result<(), Fault> {
        let pause = match fault.retry {
            Retry::Never => return Err(fault),
            Retry::After(pause) => pause.max(SHORTEST),
            Retry::Backoff => {
                self.attempts = self.attempts.saturating_add(1);
                backoff.pause(self.attempts, seed).max(SHORTEST)
            }
        };
        let again = now + pause;
        if again > deadline || again <= now {
            return Err(fault);
        }
        self.not_before = Some(again);
        self.last = Some(fault);
        Ok(())
    }

    /// When the action may be tried again, if that is not yet.
    pub(crate) fn hold(&self, now: Timestamp) -> Option<Timestamp> {
        self.not_before.filter(|at| *at > now)
    }

    /// What is waited for while [`hold`](Self::hold) lasts.
    pub(crate) fn waiting(&self, doing: &str) -> Waiting {
        let because = self.last.as_ref().map(Fault::to_string).unwrap_or_default();
        match self.last.as_ref().map(|it| it.retry) {
            Some(Retry::After(_)) => Waiting::Pause { doing: doing.to_owned(), because },
            Some(Retry::Never | Retry::Backoff) | None => {
                Waiting::Retry { doing: doing.to_owned(), attempts: self.attempts, because }
            }
        }
    }

    /// Forgets everything: the action succeeded.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

mod kind_as_word {
    //! Error kinds as words; unknown ones, from newer releases, read as `internal`.

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::ErrorKind;

    const WORDS: [(ErrorKind, &str); 9] = [
        (ErrorKind::Busy, "busy"),
        (ErrorKind::Refused, "refused"),
        (ErrorKind::Unauthorized, "unauthorized"),
        (ErrorKind::NotFound, "not-found"),
        (ErrorKind::Conflict, "conflict"),
        (ErrorKind::Unsupported, "unsupported"),
        (ErrorKind::Malformed, "malformed"),
        (ErrorKind::Unreachable, "unreachable"),
        (ErrorKind::Internal, "internal"),
    ];

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
    pub(super) fn serialize<S: Serializer>(kind: &ErrorKind, serializer: S) -> Result<S::Ok, S::Error> {
        let word = WORDS.iter().find(|(known, _)| known == kind).map_or("internal", |(_, word)| word);
        serializer.serialize_str(word)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ErrorKind, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(WORDS.iter().find(|(_, word)| *word == text).map_or(ErrorKind::Internal, |(kind, _)| *kind))
    }
}
