//! One after the other, where a service has no guard of its own.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::lock::{Mutex as Turn, OwnedMutexGuard};

use crate::limits;

/// Turns by zone or by name: for services whose sets are read, changed and written, and for questions that many ask at once. Within a process, one at a time.
#[derive(Debug)]
pub struct Turns<K>(Mutex<HashMap<K, Arc<Turn<()>>>>);

impl<K: Eq + Hash + Clone> Turns<K> {
    /// Waits for the turn at `key`; it ends when the answer is dropped.
    pub async fn of(&self, key: &K) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if turns.len() >= limits::ZONE_CACHE {
                // One that somebody holds or waits for is held elsewhere, too.
                turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            }
            Arc::clone(turns.entry(key.clone()).or_default())
        };
        turn.lock_owned().await
    }
}

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}
