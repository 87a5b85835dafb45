//! How many writes may be under way: a few at first, more while all goes well, half when the server says that it is too much.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use acme_core::Timestamp;

use super::{Refusal, RefusalKind};
use crate::settings::WriteLimits;

/// How many writes may be under way at once.
#[derive(Debug)]
pub(crate) struct Room {
    most: usize,
    state: Mutex<State>,
    /// Whether more is to be written than there is room for.
    crowded: AtomicBool,
}

#[derive(Debug)]
struct State {
    limit: usize,
    /// Successes since the limit was last changed.
    streak: usize,
    /// No write before this time, as the server asked.
    not_before: Timestamp,
}

impl Room {
    /// Begins with `limits.first`.
    pub(crate) fn new(limits: WriteLimits) -> Self {
        let limit = limits.first.max(LEAST);
        Self {
            most: limits.most.max(limit),
            state: Mutex::new(State { limit, streak: 0, not_before: Timestamp::EPOCH }),
            crowded: AtomicBool::new(false),
        }
    }

    /// How many writes may be under way at `now`.
    pub(crate) fn limit(&self, now: Timestamp) -> usize {
        let state = self.lock();
        if state.not_before.is_due(now) { state.limit } else { 0 }
    }

    /// When writes may go out again, where the server asked for a pause.
    pub(crate) fn opens_at(&self) -> Timestamp {
        self.lock().not_before
    }

    /// Whether more is to be written than there is room for: what is least urgent waits then.
    pub(crate) fn is_crowded(&self) -> bool {
        self.crowded.load(Ordering::Relaxed)
    }

    /// Says whether more is to be written than there is room for.
    pub(crate) fn crowd(&self, crowded: bool) {
        self.crowded.store(crowded, Ordering::Relaxed);
    }

    /// Takes in how a write went.
    pub(crate) fn observe(&self, refusal: Option<&Refusal>, now: Timestamp) {
        let mut state = self.lock();
        match refusal.map(|it| (it.kind(), it.after())) {
            Some((RefusalKind::Busy, after)) => {
                state.limit = (state.limit / 2).max(LEAST);
                state.streak = 0;
                state.not_before = state.not_before.max(now + after.unwrap_or(SHORTEST_PAUSE).min(LONGEST_PAUSE));
            }
            Some(_) | None => {
                state.streak += 1;
                if state.streak >= state.limit && state.limit < self.most {
                    state.limit += 1;
                    state.streak = 0;
                }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

const LEAST: usize = 2;
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
