//! When to try again after a failed attempt.

use std::time::Duration;

use acme_core::backoff::fraction;
use acme_core::{Retry, Timestamp};

use super::renew::SHORT;

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pause {
    /// No attempt before this time.
    pub until: Timestamp,
    /// Failed attempts, this one included where it counts.
    pub failures: u32,
}

/// The life of the certificate in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Life {
    /// All of it.
    pub whole: Duration,
    /// What is left.
    pub left: Duration,
}

impl Life {
    /// A life of which something is left.
    pub fn new(whole: Duration, left: Duration) -> Self {
        Self { whole, left }
    }
}

/// The pause after a failure when `failures` came before it: 1, 10, 100 minutes, then a day, each up to a tenth longer; at most a tenth of
/// what is left of a short life. A time that the other side named is kept to the second and spends no attempt. What only a human can
/// mend is looked at once a day. There is no end: a daily attempt stays within every certificate authority's bounds.
pub fn pause(failures: u32, retry: Retry, life: Option<Life>, seed: &str, now: Timestamp) -> Pause {
    let counted = failures.saturating_add(1);
    let (stage, failures) = match retry {
        Retry::After(pause) => {
            return Pause { until: now + pause.max(SHORTEST), failures };
        }
        Retry::Never => (DAY, counted),
        Retry::Backoff => {
            let stage = match counted {
                1 => MINUTE,
                2 => 10 * MINUTE,
                3 => 100 * MINUTE,
                _ => DAY,
            };
            let capped = life
                .filter(|life| life.whole < SHORT)
                .map_or(stage, |life| stage.min((life.left / 10).max(10 * MINUTE)).max(MINUTE));
            (capped, counted)
        }
    };
    let jitter = (stage / 10).mul_f64(fraction(format!("{failures}/{seed}").as_bytes()));
    Pause { until: now + stage + jitter, failures }
}

/// Pauses that double from the shortest to the longest, without jitter, so that anybody can work them out from what a status shows: cert-manager's, an
/// hour up to 32 for want of another wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "complete by definition")]
pub struct Doubling {
    /// The pause after the first failure (`--certificate-request-minimum-backoff-duration`).
    pub shortest: Duration,
    /// No pause is longer (`--certificate-request-maximum-backoff-duration`).
    pub longest: Duration,
}

impl Doubling {
    /// The pause after so many failures in a row; none counts as one.
    pub fn pause(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.shortest.saturating_mul(1 << doublings).min(self.longest)
    }

    /// When to try again after so many failures in a row, the last of them at `failed`.
    pub fn until(self, failures: u32, failed: Timestamp) -> Timestamp {
        failed + self.pause(failures)
    }
}

impl Default for Doubling {
    fn default() -> Self {
        Self { shortest: 60 * MINUTE, longest: 32 * 60 * MINUTE }
    }
}

const SHORTEST: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);
