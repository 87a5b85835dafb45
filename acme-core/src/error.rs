//! The one error of this crate: what failed, on what, and whether asking again can help.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::protocol::Problem;

/// What went wrong, on what, and what may be done about it.
///
/// Ask [`retry`](Self::retry) whether to try again, [`kind`](Self::kind) who must act, and
/// [`problem`](Self::problem) for the words of the certificate authority. Implementers of the open traits make
/// one with [`Error::new`].
pub struct Error(Box<Parts>);

struct Parts {
    kind: ErrorKind,
    what: Cow<'static, str>,
    retry: Retry,
    problem: Option<Problem>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` that says `what` failed and on what: one lower-case line without secrets.
    ///
    /// The advice on retrying is the kind's own until [`with_retry`](Self::with_retry) says otherwise.
    pub fn new(kind: ErrorKind, what: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Parts { kind, what: what.into(), retry: kind.retry(), problem: None, source: None }))
    }

    /// Replaces the advice on retrying.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Attaches the problem document that the certificate authority sent.
    #[must_use]
    pub fn with_problem(mut self, problem: Problem) -> Self {
        self.0.problem = Some(problem);
        self
    }

    /// Attaches the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Puts `context` in front of what failed, and keeps everything else.
    #[must_use]
    pub fn while_doing(mut self, context: impl fmt::Display) -> Self {
        self.0.what = Cow::Owned(format!("{context}: {}", self.0.what));
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether and when the same thing may be tried again.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// What the certificate authority said, unabridged.
    pub fn problem(&self) -> Option<&Problem> {
        self.0.problem.as_ref()
    }

    /// What failed and on what, without the problem document.
    pub fn what(&self) -> &str {
        &self.0.what
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)?;
        match &self.0.problem {
            Some(problem) => write!(f, ": {problem}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.0.kind).field("what", &self.0.what).field("retry", &self.0.retry);
        if let Some(problem) = &self.0.problem {
            out.field("problem", problem);
        }
        if let Some(source) = &self.0.source {
            out.field("source", source);
        }
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}

/// What kind of failure an [`Error`] is, named by who must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The other side is busy or limits us; wait and ask again.
    Busy,
    /// The other side understood and said no.
    Refused,
    /// Credentials are missing, wrong or not allowed to do this.
    Unauthorized,
    /// The thing asked for is not there (any more).
    NotFound,
    /// Somebody else changed the same thing first.
    Conflict,
    /// The other side, or this build, lacks what was asked.
    Unsupported,
    /// Input, an answer or a stored record could not be understood.
    Malformed,
    /// No answer: names, routes, connections, time limits.
    Unreachable,
    /// A defect or an exhausted resource on this side.
    Internal,
}

impl ErrorKind {
    /// What this kind advises when nothing more is known.
    pub fn retry(self) -> Retry {
        match self {
            Self::Refused | Self::Unauthorized | Self::Unsupported => Retry::Never,
            Self::Busy | Self::NotFound | Self::Conflict | Self::Malformed | Self::Unreachable | Self::Internal => {
                Retry::Backoff
            }
        }
    }
}

/// Whether and when the same thing may be tried again. A driver obeys it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[expect(clippy::exhaustive_enums, reason = "a driver must obey every variant")]
pub enum Retry {
    /// Trying again cannot help until a human changed something.
    Never,
    /// Try again after a pause of your own; this counts as a failed attempt.
    Backoff,
    /// The other side named a time; wait that long. No attempt is spent.
    After(Duration),
}
