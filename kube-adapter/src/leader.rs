//! One controller at a time: an election on cert-manager's own Lease.
//!
//! An [`Elector`] runs the election ([`Election`] decides, [`Leases`] reads and writes) and keeps its [`Leadership`] up to date. Whoever acts asks
//! the leadership: [`good_for`](Leadership::good_for) before everything that cannot be repeated freely. Losing the Lease ends nothing: the
//! elector goes on and takes it again when it can.

mod election;
mod elector;
mod lease;
mod leases;
mod monotonic;
mod timing;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use acme_core::{Clock, Timestamp};
use tokio::sync::watch;

pub use election::{Action, Election, Event, Next};
pub use elector::Elector;
pub use lease::{Change, Lease, Record};
pub use leases::{KubeLease, Leases};
pub use monotonic::Monotonic;
pub use timing::Timing;

/// May this process act? Clones share one answer, which an [`Elector`] keeps up to date.
#[derive(Clone)]
pub struct Leadership {
    until: Arc<AtomicI64>,
    /// When the elector last did anything.
    pulse: Arc<AtomicI64>,
    clock: Arc<dyn Clock>,
    standing: watch::Receiver<Standing>,
}

/// How a candidate stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "either it leads or it does not")]
pub enum Standing {
    /// It holds the Lease.
    Leading,
    /// Somebody else holds the Lease, or nobody.
    Waiting {
        /// Who, as far as it is known.
        holder: Option<String>,
    },
}

impl Leadership {
    /// The answer of a process that is alone by arrangement: always yes.
    pub fn undisputed() -> Self {
        // The sender may go: a receiver keeps the last value.
        let (_, standing) = watch::channel(Standing::Leading);
        Self::without_elector(FOREVER, standing)
    }

    /// The answer of an election that is held elsewhere: it leads while `standing` says so.
    pub fn told_by(standing: watch::Receiver<Standing>) -> Self {
        Self::without_elector(AS_TOLD, standing)
    }

    fn without_elector(until: i64, standing: watch::Receiver<Standing>) -> Self {
        let [until, pulse] = [until, FOREVER].map(|it| Arc::new(AtomicI64::new(it)));
        Self { until, pulse, clock: Arc::new(Monotonic::new()), standing }
    }

    /// Will the Lease still be held when a call that may take `span` is over? Ask before every act that cannot be repeated freely.
    pub fn good_for(&self, span: Duration) -> bool {
        let until = self.until.load(Ordering::Acquire);
        match until {
            FOREVER => true,
            NEVER => false,
            AS_TOLD => *self.standing.borrow() == Standing::Leading,
            until => self.clock.now() + span <= Timestamp::from_unix_millis(until),
        }
    }

    /// How long the elector has done nothing. It turns several times within the duration of a Lease, whatever the API server does.
    pub fn silent_for(&self) -> Duration {
        self.clock.now().since(Timestamp::from_unix_millis(self.pulse.load(Ordering::Acquire)))
    }

    /// Is the Lease held at this moment?
    pub fn leads(&self) -> bool {
        self.good_for(Duration::ZERO)
    }

    /// How this process stands, as it was last noticed.
    pub fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    /// Waits until the standing is another than it was; for ever when that cannot happen.
    pub async fn changed(&mut self) {
        if self.standing.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the Lease is held; for ever when the elector is gone without it.
    pub async fn led(&mut self) {
        if self.standing.wait_for(|standing| *standing == Standing::Leading).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the Lease is not held any more; for ever when that cannot happen.
    pub async fn lost(&mut self) {
        if self.standing.wait_for(|standing| *standing != Standing::Leading).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

const NEVER: i64 = i64::MIN;
const FOREVER: i64 = i64::MAX;
const AS_TOLD: i64 = i64::MAX - 1;
