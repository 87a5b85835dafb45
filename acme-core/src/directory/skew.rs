//! How far this machine's clock and the certificate authority's are apart.

use std::fmt;
use std::time::Duration;

use crate::{Error, ErrorKind, Timestamp};

/// The two clocks at the moment of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skew {
    /// This machine's.
    pub here: Timestamp,
    /// The server's, from the answer's `Date`; whole seconds.
    pub there: Timestamp,
}

impl Skew {
    /// Two clocks as they were seen together.
    pub fn new(here: Timestamp, there: Timestamp) -> Self {
        Self { here, there }
    }

    /// How far apart they are, whichever is ahead.
    pub fn amount(self) -> Duration {
        self.here.since(self.there).max(self.there.since(self.here))
    }

    /// The error to report when the clocks are so far apart that certificates would be judged wrongly: an hour, the span by which
    /// public certificate authorities date certificates back.
    pub fn fault(self, server: &str) -> Option<Error> {
        (self.amount() >= FAULT).then(|| {
            Error::new(
                ErrorKind::Internal,
                format!("this machine's clock is {self} {server}'s: set it, and keep it set by NTP"),
            )
        })
    }
}

impl fmt::Display for Skew {
    /// `3 hours ahead of`, in whole units, so that two identical faults read the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.amount().as_secs();
        let (count, unit) = match seconds {
            0..120 => (seconds, "second"),
            120..7_200 => (seconds / 60, "minute"),
            7_200..172_800 => (seconds / 3_600, "hour"),
            _ => (seconds / 86_400, "day"),
        };
        let plural = if count == 1 { "" } else { "s" };
        let side = if self.here > self.there { "ahead of" } else { "behind" };
        write!(f, "{count} {unit}{plural} {side}")
    }
}

const FAULT: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_off_by_hours_is_a_fault_that_says_which_way() {
        let at = |hours: i64| Timestamp::from_unix_seconds(1_800_000_000 + hours * 3_600);
        assert!(Skew::new(at(0), at(0)).fault("ca.example").is_none());
        for (here, there, said) in [
            (5, 0, "5 hours ahead of ca.example"),
            (0, 5, "5 hours behind ca.example"),
            (24 * 70, 0, "70 days ahead of ca.example"),
        ] {
            let fault = Skew::new(at(here), at(there)).fault("ca.example").unwrap();
            assert!(fault.to_string().contains(said), "{fault}");
        }
    }
}
