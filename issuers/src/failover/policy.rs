//! Whose fault an error is, and for how long an issuer rests after it. Pure.

use std::time::Duration;

use acme_core::backoff::Backoff;
use acme_core::protocol::ProblemType;
use acme_core::{Error, ErrorKind, Retry};

/// When to leave an issuer alone, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// How long an issuer rests after it failed; longer with each failure that follows without a success in between.
    pub rest: Backoff,
    /// The longest rest, where an issuer names a time itself.
    pub longest: Duration,
    /// How many failures in a row of which nobody can tell whose they are count as the issuer's own.
    pub patience: u32,
}

/// What an error says of the issuer that it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the request's fault, or this side's: another issuer would not help.
    NotItsFault,
    /// It cannot do what was asked, and is well otherwise: the next one is asked.
    Unable,
    /// It limits exactly these names: for them the next one is asked.
    Limited,
    /// It fails everybody: the next one is asked.
    Failing,
    /// Nobody can tell; after [`Policy::patience`] of them in a row it is failing.
    Doubtful,
}

impl Policy {
    /// What `error` says. `has_saved` tells whether the issuer had saved a state, so that something may be under way there.
    ///
    /// | kind | verdict |
    /// |---|---|
    /// | `Busy` with the problem `rateLimited` | `Limited` |
    /// | `Busy`, `Unreachable`, `Unauthorized` | `Failing` |
    /// | `Unsupported` with nothing under way | `Unable` |
    /// | `NotFound`, `Malformed` | `Doubtful` |
    /// | `Refused`, `Conflict`, `Internal`, `Unsupported` with something under way | `NotItsFault` |
    pub(super) fn verdict(self, error: &Error, has_saved: bool) -> Verdict {
        let is_limit = error.problem().is_some_and(|it| it.kind == ProblemType::RateLimited);
        let kind = error.kind();
        if kind == ErrorKind::Busy && is_limit {
            Verdict::Limited
        } else if matches!(kind, ErrorKind::Busy | ErrorKind::Unreachable | ErrorKind::Unauthorized) {
            Verdict::Failing
        } else if kind == ErrorKind::Unsupported && !has_saved {
            Verdict::Unable
        } else if matches!(kind, ErrorKind::NotFound | ErrorKind::Malformed) {
            Verdict::Doubtful
        } else {
            Verdict::NotItsFault
        }
    }

    /// How long an issuer rests after failure number `failures` in a row (from 1). `seed` spreads those who failed together.
    pub(super) fn pause(self, failures: u32, error: &Error, seed: &str) -> Duration {
        let own = self.rest.pause(failures, seed);
        match error.retry() {
            Retry::After(named) => named.max(own).min(self.longest.max(own)),
            Retry::Backoff | Retry::Never => own,
        }
    }
}

impl Default for Policy {
    /// Rests from a minute to an hour, a day where the issuer says so, and patience for three.
    fn default() -> Self {
        Self {
            rest: Backoff::new(Duration::from_secs(60), Duration::from_secs(3600)),
            longest: Duration::from_secs(24 * 3600),
            patience: 3,
        }
    }
}
