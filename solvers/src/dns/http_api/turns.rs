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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn turns_that_nobody_holds_are_bounded_in_number() {
        let turns = Turns::default();
        let held = turns.of(&0).await;
        for number in 1..=2 * limits::ZONE_CACHE {
            turns.of(&number).await;
        }
        assert!(turns.0.lock().unwrap().len() <= limits::ZONE_CACHE);
        assert!(turns.of(&0).now_or_never().is_none(), "somebody has this turn");
        drop(held);
        assert!(turns.of(&0).now_or_never().is_some());
    }
}
