//! Time that moves only when a test says so.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use acme_core::{Clock, Timestamp};

use crate::sync::lock;

/// A clock that stands still until it is moved; copies share one time.
///
/// Give it to whatever wants a [`Clock`], await [`sleep_until`](Self::sleep_until) where a driver waits, and let
/// [`run`](crate::run) jump from sleeper to sleeper.
#[derive(Clone)]
pub struct VirtualClock(Arc<Mutex<State>>);

struct State {
    now: Timestamp,
    sleepers: BTreeMap<(Timestamp, u64), Waker>,
    next: u64,
}

impl VirtualClock {
    /// A clock that shows `start`.
    pub fn starting_at(start: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(State { now: start, sleepers: BTreeMap::new(), next: 0 })))
    }

    /// A clock that shows 2026-01-02T03:04:05Z, the time at which this project's tests begin.
    pub fn new() -> Self {
        Self::starting_at(START)
    }

    /// Moves time forward and wakes whoever is due.
    pub fn advance(&self, span: Duration) {
        let now = self.now();
        self.set(now + span);
    }

    /// Sets the time, forward or back, and wakes whoever is due.
    pub fn set(&self, now: Timestamp) {
        let due: Vec<Waker> = {
            let mut state = lock(&self.0);
            state.now = now;
            let later = state.sleepers.split_off(&(now, u64::MAX));
            std::mem::replace(&mut state.sleepers, later).into_values().collect()
        };
        due.into_iter().for_each(Waker::wake);
    }

    /// Moves time to the earliest sleeper and wakes it; answers the new time, or `None` when nobody sleeps.
    pub fn advance_to_next_sleeper(&self) -> Option<Timestamp> {
        let at = self.next_sleeper()?;
        self.set(at.max(self.now()));
        Some(self.now())
    }

    /// When the earliest sleeper wants to be woken.
    pub fn next_sleeper(&self) -> Option<Timestamp> {
        lock(&self.0).sleepers.keys().next().map(|(at, _)| *at)
    }

    /// Waits until `at`; at once when it is reached already.
    pub async fn sleep_until(&self, at: Timestamp) {
        Sleep { clock: self, at, key: None }.await;
    }

    /// Waits for `span`.
    pub async fn sleep(&self, span: Duration) {
        let at = self.now() + span;
        self.sleep_until(at).await;
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        lock(&self.0).now
    }
}

struct Sleep<'a> {
    clock: &'a VirtualClock,
    at: Timestamp,
    key: Option<(Timestamp, u64)>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let mut state = lock(&this.clock.0);
        if let Some(key) = this.key.take() {
            state.sleepers.remove(&key);
        }
        if this.at <= state.now {
            return Poll::Ready(());
        }
        let key = (this.at, state.next);
        state.next += 1;
        state.sleepers.insert(key, context.waker().clone());
        this.key = Some(key);
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            lock(&self.clock.0).sleepers.remove(&key);
        }
    }
}

const START: Timestamp = Timestamp::from_unix_seconds(1_767_323_045);
