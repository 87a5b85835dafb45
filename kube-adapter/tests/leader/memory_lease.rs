//! A Lease in memory, with the preconditions of the API server.

use std::sync::{Arc, Mutex, PoisonError};

use acme_core::{Clock, Error, ErrorKind};
use async_trait::async_trait;
use certwright_kube_adapter::leader::{Change, Lease, Leases, Record};
use testkit::VirtualClock;

/// Copies share one Lease.
#[derive(Clone)]
pub(crate) struct MemoryLease {
    clock: VirtualClock,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    lease: Option<Lease>,
    writes: u64,
    away: bool,
    lose_next_answer: bool,
}

impl MemoryLease {
    pub(crate) fn absent(clock: &VirtualClock) -> Self {
        Self { clock: clock.clone(), state: Arc::default() }
    }

    /// What somebody else writes, without asking.
    pub(crate) fn put(&self, record: Record) {
        self.with(|state| {
            state.writes += 1;
            state.lease = Some(Lease { version: state.writes.to_string(), record });
        });
    }

    pub(crate) fn record(&self) -> Option<Record> {
        self.with(|state| state.lease.as_ref().map(|lease| lease.record.clone()))
    }

    pub(crate) fn writes(&self) -> u64 {
        self.with(|state| state.writes)
    }

    pub(crate) fn delete(&self) {
        self.with(|state| state.lease = None);
    }

    /// No call is answered until it is back.
    pub(crate) fn go_away(&self) {
        self.with(|state| state.away = true);
    }

    pub(crate) fn come_back(&self) {
        self.with(|state| state.away = false);
    }

    /// The next write happens, and nobody hears of it.
    pub(crate) fn lose_next_answer(&self) {
        self.with(|state| state.lose_next_answer = true);
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn reach(&self) {
        if self.with(|state| state.away) {
            std::future::pending::<()>().await;
        }
    }

    async fn write(&self, expected: Option<&str>, change: &Change) -> Result<Lease, Error> {
        self.reach().await;
        let now = self.clock.now();
        let (lease, lost) = self.with(|state| {
            if state.lease.as_ref().map(|lease| lease.version.as_str()) != expected {
                return Err(Error::new(ErrorKind::Conflict, "the lease has another version"));
            }
            let before = state.lease.as_ref().map(|lease| lease.record.clone()).unwrap_or_default();
            state.writes += 1;
            let lease = Lease { version: state.writes.to_string(), record: change.applied_to(&before, now) };
            state.lease = Some(lease.clone());
            Ok((lease, std::mem::take(&mut state.lose_next_answer)))
        })?;
        if lost {
            std::future::pending::<()>().await;
        }
        Ok(lease)
    }
}

#[async_trait]
impl Leases for MemoryLease {
    async fn read(&self) -> Result<Option<Lease>, Error> {
        self.reach().await;
        Ok(self.with(|state| state.lease.clone()))
    }

    async fn create(&self, change: &Change) -> Result<Lease, Error> {
        self.write(None, change).await
    }

    async fn patch(&self, version: &str, change: &Change) -> Result<Lease, Error> {
        self.write(Some(version), change).await
    }
}
