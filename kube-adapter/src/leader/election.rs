//! What to do about a Lease: pure, from what was seen of it and the time.
//!
//! The semantics are client-go's: another holder's record counts from the moment *we* saw it change, by our own clock, for the duration that
//! *it* names; nobody's clock is compared with anybody's.

use std::time::Duration;

use acme_core::Timestamp;

use super::lease::{Change, Lease};
use super::timing::Timing;

/// One candidate's view of one Lease. `now` is a clock that never jumps.
#[derive(Debug, Clone)]
pub struct Election {
    identity: String,
    timing: Timing,
    sight: Sight,
    /// Until when this candidate may act.
    held: Option<Timestamp>,
    /// Nothing is done before.
    not_before: Timestamp,
    /// When the next sign of life is due.
    renew_at: Timestamp,
    resign: Option<Timestamp>,
}

#[derive(Debug, Clone)]
enum Sight {
    /// It was never read.
    Unknown,
    /// It said this for the first time at `since`, and may have changed meanwhile: it has to be read again.
    Stale { lease: Lease, since: Timestamp },
    /// There is none.
    Absent,
    /// It said this, for the first time at `since`.
    Seen { lease: Lease, since: Timestamp },
}

/// What an election asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a driver must obey every variant")]
pub enum Next {
    /// Do this now.
    Go(Action),
    /// Nothing before this time.
    Wait(Timestamp),
    /// It resigned; nothing more will be asked for.
    Done,
}

/// One call to the API server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a driver must obey every variant")]
pub enum Action {
    /// Read the Lease.
    Read,
    /// Make it, with this in it.
    Create(Change),
    /// Change it, if it still has this version.
    Patch {
        /// The version that was seen.
        version: String,
        /// What to write.
        change: Change,
    },
}

/// What came of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a driver reports every case")]
pub enum Event {
    /// It was read; `None` when there is none.
    Read(Option<Lease>),
    /// It was written, and stands like this now.
    Written {
        /// What the server answered.
        lease: Lease,
        /// When the call began: the server wrote it after that.
        asked: Timestamp,
    },
    /// Somebody else was faster, or it is gone.
    Conflict,
    /// Nobody knows: no answer, or an error.
    Failed,
}

impl Election {
    /// A candidate that knows nothing yet. Two candidates never share an identity, except one after the other.
    pub fn new(identity: impl Into<String>, timing: Timing) -> Self {
        Self {
            identity: identity.into(),
            timing,
            sight: Sight::Unknown,
            held: None,
            not_before: Timestamp::EPOCH,
            renew_at: Timestamp::EPOCH,
            resign: None,
        }
    }

    /// Until when this candidate may act; `None` when it may not.
    pub fn held_until(&self) -> Option<Timestamp> {
        self.held
    }

    /// Who held the Lease when it was last seen.
    pub fn holder(&self) -> Option<&str> {
        match &self.sight {
            Sight::Seen { lease, .. } | Sight::Stale { lease, .. } => lease.record.holder.as_deref(),
            Sight::Unknown | Sight::Absent => None,
        }
    }

    /// Gives the Lease back, within two calls or not at all.
    pub fn resign(&mut self, now: Timestamp) {
        self.held = None;
        self.not_before = now;
        self.resign.get_or_insert(now + self.timing.call * 2);
    }

    /// What to do at `now`.
    pub fn next(&self, now: Timestamp) -> Next {
        if let Some(deadline) = self.resign {
            return self.next_of_resignation(deadline, now);
        }
        if !self.not_before.is_due(now) {
            return Next::Wait(self.not_before);
        }
        match &self.sight {
            Sight::Unknown | Sight::Stale { .. } => Next::Go(Action::Read),
            Sight::Absent => Next::Go(Action::Create(self.take(0))),
            Sight::Seen { lease, since } => match &lease.record.holder {
                Some(holder) if *holder == self.identity => match self.held {
                    Some(_) if !self.renew_at.is_due(now) => Next::Wait(self.renew_at),
                    // Held, or taken in an earlier life, or by a call whose answer was lost.
                    Some(_) | None => patch(lease, self.renew()),
                },
                Some(_) if !(*since + lease.record.duration).is_due(now) => Next::Go(Action::Read),
                Some(_) | None => patch(lease, self.take(lease.record.transitions.saturating_add(1))),
            },
        }
    }

    /// Takes in what came of an action.
    pub fn apply(&mut self, event: Event, now: Timestamp) {
        match event {
            Event::Read(None) => {
                self.held = None;
                self.sight = Sight::Absent;
            }
            Event::Read(Some(lease)) => self.see(lease, now),
            Event::Written { lease, asked } => {
                let ours = lease.record.holder.as_deref() == Some(self.identity.as_str());
                self.held = (ours && self.resign.is_none()).then(|| asked + self.timing.deadline);
                self.renew_at = asked + self.timing.renew;
                self.not_before = now;
                self.sight = Sight::Seen { lease, since: now };
            }
            Event::Conflict => self.look_again(now + AFTER_CONFLICT),
            Event::Failed => self.look_again(now + self.timing.retry),
        }
    }

    fn look_again(&mut self, at: Timestamp) {
        self.not_before = at;
        self.sight = match std::mem::replace(&mut self.sight, Sight::Unknown) {
            Sight::Seen { lease, since } | Sight::Stale { lease, since } => Sight::Stale { lease, since },
            Sight::Unknown | Sight::Absent => Sight::Unknown,
        };
    }

    fn see(&mut self, lease: Lease, now: Timestamp) {
        let since = match &self.sight {
            // A label that somebody set is a new version, not a sign of life.
            Sight::Seen { lease: before, since } | Sight::Stale { lease: before, since }
                if before.record == lease.record =>
            {
                *since
            }
            Sight::Seen { .. } | Sight::Stale { .. } | Sight::Unknown | Sight::Absent => now,
        };
        if lease.record.holder.as_deref() != Some(self.identity.as_str()) {
            self.held = None;
            if lease.record.holder.is_some() {
                let runs_out = since + lease.record.duration;
                self.not_before = (now + self.timing.look).min(runs_out.max(now));
            }
        }
        self.sight = Sight::Seen { lease, since };
    }

    fn next_of_resignation(&self, deadline: Timestamp, now: Timestamp) -> Next {
        if deadline.is_due(now) {
            return Next::Done;
        }
        match &self.sight {
            Sight::Unknown | Sight::Stale { .. } if !self.not_before.is_due(now) => Next::Wait(self.not_before),
            Sight::Unknown | Sight::Stale { .. } => Next::Go(Action::Read),
            Sight::Seen { lease, .. } if lease.record.holder.as_deref() == Some(self.identity.as_str()) => {
                patch(lease, Change::GiveBack)
            }
            Sight::Seen { .. } | Sight::Absent => Next::Done,
        }
    }

    fn renew(&self) -> Change {
        Change::Renew { holder: self.identity.clone(), duration: self.timing.duration }
    }

    fn take(&self, transitions: u32) -> Change {
        Change::Take { holder: self.identity.clone(), duration: self.timing.duration, transitions }
    }
}

fn patch(lease: &Lease, change: Change) -> Next {
    Next::Go(Action::Patch { version: lease.version.clone(), change })
}

/// The pause after a lost race, so that two candidates do not spin against each other.
const AFTER_CONFLICT: Duration = Duration::from_millis(50);
