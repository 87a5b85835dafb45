//! How long a Lease is held, and how often it is looked at.

use std::time::Duration;

use acme_core::{Error, ErrorKind};

/// The times of an election. [`Timing::STEADY`] is the default, [`Timing::FAST`] hands over within five seconds whatever dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timing {
    /// How long others wait after the holder's last sign of life.
    pub duration: Duration,
    /// How long after its last sign of life the holder itself still acts; less than `duration`, so that it stops before others start.
    pub deadline: Duration,
    /// How often the holder gives a sign of life.
    pub renew: Duration,
    /// The pause after a failed call.
    pub retry: Duration,
    /// How often a Lease of somebody else is looked at.
    pub look: Duration,
    /// How long one call may take.
    pub call: Duration,
}

impl Timing {
    /// 30 s, renewed every 10 s: a write in ten seconds.
    pub const STEADY: Self = Self {
        duration: Duration::from_secs(30),
        deadline: Duration::from_secs(27),
        renew: Duration::from_secs(10),
        retry: Duration::from_secs(2),
        look: Duration::from_millis(750),
        call: Duration::from_secs(5),
    };
    /// 4 s, renewed every second: a write a second.
    pub const FAST: Self = Self {
        duration: Duration::from_secs(4),
        deadline: Duration::from_millis(3500),
        renew: Duration::from_secs(1),
        retry: Duration::from_millis(250),
        look: Duration::from_millis(500),
        call: Duration::from_secs(1),
    };

    /// The times as client-go's three names give them: lease duration, renew deadline, retry period. The rest follows from them.
    ///
    /// # Errors
    /// `Malformed` where client-go refuses, too: the duration must be longer than the deadline, the deadline longer than 1.2 times the period.
    pub fn new(duration: Duration, deadline: Duration, renew: Duration) -> Result<Self, Error> {
        if duration < SHORTEST || renew.is_zero() {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!(
                    "a lease of {duration:?} renewed every {renew:?} is too short: take a second at least, and some time between renewals"
                ),
            ));
        }
        if duration <= deadline {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!("the lease duration ({duration:?}) must be longer than the renew deadline ({deadline:?})"),
            ));
        }
        if deadline <= renew.mul_f64(1.2) {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!("the renew deadline ({deadline:?}) must be longer than 1.2 times the retry period ({renew:?})"),
            ));
        }
        Ok(Self {
            duration,
            deadline,
            renew,
            retry: (renew / 5).max(Duration::from_millis(100)),
            look: (renew / 2).min(Self::STEADY.look),
            call: (renew / 2).max(Duration::from_secs(1)).min(Self::STEADY.call),
        })
    }

    /// How long a call may take that is only begun where the Lease outlasts it: as much as is left at any moment to a holder whose renewals
    /// come in time. Take it as the time limit of such calls.
    pub fn longest_act(&self) -> Duration {
        self.deadline.saturating_sub(self.renew + self.call).max(LEAST_ACT)
    }
}

/// Less than this is no time for any call; where the times leave none, some begin in vain.
const LEAST_ACT: Duration = Duration::from_millis(500);

/// The API counts durations in whole seconds.
const SHORTEST: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_client_go_refuses_is_refused() {
        let of = |duration, deadline, renew| {
            Timing::new(Duration::from_secs(duration), Duration::from_secs(deadline), Duration::from_secs(renew))
        };
        assert!(of(60, 40, 15).is_ok(), "cert-manager's own");
        assert!(of(40, 40, 15).is_err());
        assert!(of(60, 18, 15).is_err());
        assert!(of(0, 0, 0).is_err());
    }

    #[test]
    fn both_modes_pass_their_own_check() {
        for it in [Timing::STEADY, Timing::FAST] {
            assert!(Timing::new(it.duration, it.deadline, it.renew).is_ok());
            assert!(it.call + it.retry < it.deadline, "a call that hangs leaves time for another");
            assert!(it.renew + it.call + it.longest_act() <= it.deadline, "acts may begin until the renewal is there");
        }
    }
}
