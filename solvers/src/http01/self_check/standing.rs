//! What several looks in a row showed, and what follows.

use std::time::Duration;

use acme_core::Timestamp;

use super::{Fault, Look};

/// What several looks in a row showed. Keep it beside the challenge: lost, it costs a few looks more.
///
/// Let [`next`](Self::next) fold every [`Look`] in, and do as it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Standing {
    /// How many looks in a row passed.
    pub passes: u32,
    /// Since when no look got any answer.
    pub unreachable_since: Option<Timestamp>,
}

impl Standing {
    /// Before the first look.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a look that ended at `now`, and says what follows.
    pub fn next(&mut self, look: &Look, rules: &Rules, now: Timestamp) -> Verdict {
        match look {
            Look::Passed => {
                self.unreachable_since = None;
                self.passes = self.passes.saturating_add(1);
                if self.passes >= rules.passes { Verdict::Ready } else { Verdict::Again(now + rules.apart) }
            }
            Look::Missed(miss) => {
                self.passes = 0;
                self.unreachable_since = match miss.fault {
                    Fault::Unreachable(_) => Some(self.unreachable_since.unwrap_or(now)),
                    Fault::Status(_)
                    | Fault::Content
                    | Fault::Redirects
                    | Fault::Astray
                    | Fault::Port(_)
                    | Fault::Late
                    | Fault::Forbidden(_) => None,
                };
                match (self.unreachable_since, rules.blind_after) {
                    (Some(since), Some(patience)) if now.since(since) >= patience => Verdict::ReadyUnseen,
                    _ => Verdict::Again(now + rules.again_after),
                }
            }
        }
    }
}

/// When an answer counts as seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "complete by definition")]
pub struct Rules {
    /// So many looks in a row must pass: behind a load balancer one says little.
    pub passes: u32,
    /// How far they are apart.
    pub apart: Duration,
    /// How long after a look that missed another one is worth its cost.
    pub again_after: Duration,
    /// How long nothing at all may answer until the certificate authority is asked all the same: what lies between may be a router that does not lead back
    /// in, and is no business of theirs. `None` never asks. Whatever answers wrongly is never taken for that.
    pub blind_after: Option<Duration>,
}

impl Default for Rules {
    /// Three passes half a second apart, two seconds after a miss, blind after ten minutes.
    fn default() -> Self {
        Self {
            passes: 3,
            apart: Duration::from_millis(500),
            again_after: Duration::from_secs(2),
            blind_after: Some(Duration::from_secs(600)),
        }
    }
}

/// What follows from the looks so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a driver must obey every variant")]
pub enum Verdict {
    /// The certificate authority can be asked to look.
    Ready,
    /// It can be asked to look, and nobody knows what it will see: say so.
    ReadyUnseen,
    /// Look again then.
    Again(Timestamp),
}
