//! How patient a flow is. Part of its plan, so that a resumed flow goes on as it began.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::backoff::Backoff;
use crate::{Timestamp, limits};

/// How patient an issuance is: with its order, and with each challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Pace {
    /// With the order.
    pub order: OrderPace,
    /// With each challenge.
    pub challenge: ChallengePace,
}

/// How patient an order flow is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct OrderPace {
    /// To get the order made.
    pub create: Duration,
    /// From the order to the last valid authorization.
    pub authorize: Duration,
    /// From there to the certificate.
    pub issue: Duration,
    /// Pauses after failures.
    pub backoff: Backoff,
    /// Pauses between looks.
    pub polling: Polling,
}

impl Default for OrderPace {
    fn default() -> Self {
        Self {
            create: Duration::from_secs(6 * 3600),
            authorize: Duration::from_secs(6 * 3600),
            issue: Duration::from_secs(24 * 3600),
            backoff: Backoff::new(Duration::from_secs(1), Duration::from_secs(300)),
            polling: Polling::default(),
        }
    }
}

/// How patient a challenge flow is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ChallengePace {
    /// To get the answer presented.
    pub present: Duration,
    /// For the answer to be seen by our own checks. Checks are hints: when this is over, the challenge is accepted all the same.
    pub check: Duration,
    /// To get the acceptance through.
    pub accept: Duration,
    /// From the acceptance to a verdict.
    pub validate: Duration,
    /// To get the answer taken away again.
    pub clean: Duration,
    /// Pauses after failures.
    pub backoff: Backoff,
    /// Pauses between looks.
    pub polling: Polling,
}

impl Default for ChallengePace {
    fn default() -> Self {
        Self {
            present: Duration::from_secs(3600),
            check: Duration::from_secs(600),
            accept: Duration::from_secs(6 * 3600),
            validate: Duration::from_secs(3600),
            clean: Duration::from_secs(1800),
            backoff: Backoff::new(Duration::from_secs(1), Duration::from_secs(120)),
            polling: Polling::default(),
        }
    }
}

/// Pauses between looks at something that changes by itself: a first look soon, then growing pauses; a server's `Retry-After` goes before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Polling {
    /// Before the first look: long enough for a server that is done at once, and nothing to one that takes its time.
    pub first: Duration,
    /// Before the second; doubled for each that follows.
    pub second: Duration,
    /// The longest.
    pub most: Duration,
}

impl Default for Polling {
    fn default() -> Self {
        Self { first: Duration::from_millis(1), second: Duration::from_millis(250), most: Duration::from_secs(15) }
    }
}

/// Where a flow stands between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Looks {
    /// Looks so far.
    pub(super) count: u32,
    /// When to look again.
    pub(super) at: Timestamp,
}

impl Looks {
    /// Before the first look; `retry_after` is what the server said so far.
    pub(super) fn begin(now: Timestamp, polling: Polling, retry_after: Option<Duration>) -> Self {
        Self { count: 0, at: now + retry_after.unwrap_or(polling.first).min(limits::RETRY_AFTER) }
    }

    /// After a look that showed no news.
    pub(super) fn again(self, now: Timestamp, polling: Polling, retry_after: Option<Duration>) -> Self {
        let doubled =
            polling.second.saturating_mul(1u32.checked_shl(self.count.min(31)).unwrap_or(u32::MAX)).min(polling.most);
        let pause = retry_after.unwrap_or(doubled).min(limits::RETRY_AFTER).max(Duration::from_millis(1));
        Self { count: self.count.saturating_add(1), at: now + pause }
    }
}

/// Whether a pace needs not be stored.
pub(super) fn is_usual<T: Default + PartialEq>(pace: &T) -> bool {
    *pace == T::default()
}
