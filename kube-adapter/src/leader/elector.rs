//! The loop around an election: the only part of it that waits.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use acme_core::{Clock, Error, ErrorKind, Timestamp};
use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use issuers::Timer;
use tokio::sync::watch;

use super::election::{Action, Election, Event, Next};
use super::leases::Leases;
use super::timing::Timing;
use super::{Leadership, NEVER, Standing};

/// Stands for election, as long as [`run`](Self::run) runs.
pub struct Elector {
    election: Election,
    timing: Timing,
    leases: Arc<dyn Leases>,
    timer: Arc<dyn Timer>,
    until: Arc<AtomicI64>,
    pulse: Arc<AtomicI64>,
    standing: watch::Sender<Standing>,
    last_error: Option<String>,
}

impl Elector {
    /// A candidate called `identity`, and what it tells others about its success.
    ///
    /// The identity is the pod's uid where there is a pod: a container that crashed takes up what its earlier life held, at once. `timer` must
    /// never jump ([`Monotonic`](super::Monotonic)).
    pub fn new(
        identity: impl Into<String>,
        timing: Timing,
        leases: Arc<dyn Leases>,
        timer: Arc<dyn Timer>,
    ) -> (Self, Leadership) {
        let until = Arc::new(AtomicI64::new(NEVER));
        let (sender, standing) = watch::channel(Standing::Waiting { holder: None });
        let clock: Arc<dyn Clock> = Arc::clone(&timer) as Arc<dyn Clock>;
        let pulse = Arc::new(AtomicI64::new(clock.now().unix_millis()));
        let leadership = Leadership { until: Arc::clone(&until), pulse: Arc::clone(&pulse), clock, standing };
        let election = Election::new(identity, timing);
        (Self { election, timing, leases, timer, until, pulse, standing: sender, last_error: None }, leadership)
    }

    /// Stands for election until `stop` is over, and gives the Lease back then: await everything that still writes before you let `stop` end.
    ///
    /// Errors are logged when they change, and tried again.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop.fuse());
        let mut stopping = false;
        loop {
            if !stopping && (&mut stop).now_or_never().is_some() {
                stopping = true;
                self.election.resign(self.timer.now());
                self.publish();
            }
            match self.election.next(self.timer.now()) {
                Next::Done => return,
                Next::Go(action) => {
                    let event = self.perform(&action).await;
                    self.election.apply(event, self.timer.now());
                    self.publish();
                }
                Next::Wait(at) => {
                    let loss = self.election.held_until().filter(|until| !until.is_due(self.timer.now()));
                    let sleep = self.timer.sleep_until(loss.map_or(at, |loss| loss.min(at)));
                    if stopping {
                        sleep.await;
                    } else if let Either::Left(((), _)) = select(&mut stop, sleep).await {
                        stopping = true;
                        self.election.resign(self.timer.now());
                    }
                    self.publish();
                }
            }
        }
    }

    async fn perform(&mut self, action: &Action) -> Event {
        let asked = self.timer.now();
        let leases = Arc::clone(&self.leases);
        let call = async {
            match action {
                Action::Read => leases.read().await.map(Event::Read),
                Action::Create(change) => leases.create(change).await.map(|lease| Event::Written { lease, asked }),
                Action::Patch { version, change } => {
                    leases.patch(version, change).await.map(|lease| Event::Written { lease, asked })
                }
            }
        };
        let answer = match select(pin!(call), self.timer.sleep_until(asked + self.timing.call)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(Error::new(
                ErrorKind::Unreachable,
                format!("the API server did not answer about the lease within {:?}", self.timing.call),
            )),
        };
        match answer {
            Ok(event) => {
                if self.last_error.take().is_some() {
                    tracing::info!("leader election works again");
                }
                event
            }
            Err(error) if error.kind() == ErrorKind::Conflict => Event::Conflict,
            Err(error) => {
                let said = error.to_string();
                if self.last_error.as_ref() != Some(&said) {
                    tracing::warn!(%error, "leader election: the lease cannot be read or written");
                    self.last_error = Some(said);
                }
                Event::Failed
            }
        }
    }

    fn publish(&self) {
        let now = self.timer.now();
        self.pulse.store(now.unix_millis(), Ordering::Release);
        let until = self.election.held_until().filter(|until| !until.is_due(now));
        self.until.store(until.map_or(NEVER, Timestamp::unix_millis), Ordering::Release);
        let standing = match until {
            Some(_) => Standing::Leading,
            None => Standing::Waiting { holder: self.election.holder().map(str::to_owned) },
        };
        self.standing.send_if_modified(|before| {
            let changed = *before != standing;
            if changed {
                match (&*before, &standing) {
                    (_, Standing::Leading) => tracing::info!("this process leads"),
                    (Standing::Leading, Standing::Waiting { .. }) => {
                        tracing::warn!("this process leads no more; it goes on watching");
                    }
                    (Standing::Waiting { .. }, Standing::Waiting { holder }) => {
                        tracing::info!(holder, "another process leads");
                    }
                }
                *before = standing;
            }
            changed
        });
    }
}
