//! Stops what can only be a fault of ours: one key that acts without end.
//!
//! In a storm ten thousand keys act, each a few times. To count each would take half a megabyte, so keys share counters; those that share one that is high are
//! counted one by one from there on.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use acme_core::Timestamp;

use crate::key::Key;

/// How often keys acted during the last while.
#[derive(Debug)]
pub(super) struct Guard {
    /// Actions of all keys whose hash leads to the same place.
    shared: Vec<usize>,
    /// Actions of one key, since its shared counter is high.
    counts: HashMap<Key, usize>,
    hasher: RandomState,
    since: Timestamp,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            shared: vec![0; PLACES],
            counts: HashMap::new(),
            hasher: RandomState::new(),
            since: Timestamp::default(),
        }
    }
}

impl Guard {
    /// Until when a key that wants to start `actions` more is held back.
    pub(super) fn holds(&mut self, key: &Key, actions: usize, now: Timestamp) -> Option<Timestamp> {
        if now.since(self.since) >= GUARDED {
            self.shared.fill(0);
            self.counts = HashMap::new();
            self.since = now;
        }
        let place = self.hasher.hash_one(key) as usize % PLACES;
        self.shared[place] += actions;
        if actions == 0 || self.shared[place] < HIGH {
            return None;
        }
        let count = self.counts.entry(key.clone()).or_default();
        *count += actions;
        if *count < MOST_ACTIONS {
            return None;
        }
        if *count < MOST_ACTIONS + actions {
            tracing::error!(%key, "held back: it acts without end, which is a fault of this program");
        }
        Some(self.since + GUARDED)
    }
}

/// Counters that are shared: a storm at full speed leaves some twenty actions in each.
const PLACES: usize = 2048;

/// From here on keys are counted one by one.
const HIGH: usize = 500;

/// Actions of one key in [`GUARDED`] that no honest plan comes near: an order of a hundred names has some five hundred.
const MOST_ACTIONS: usize = 5000;
const GUARDED: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use acme_core::Timestamp;

    use super::{GUARDED, Guard, HIGH, MOST_ACTIONS};
    use crate::key::{Key, Kind, Name};

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    fn key(number: usize) -> Key {
        Key::new(Kind::Certificate, Name::new("shop", number.to_string()))
    }

    #[test]
    fn a_key_that_acts_without_end_is_held_back_for_a_while() {
        let mut guard = Guard::default();
        let held = (0..HIGH + MOST_ACTIONS).find_map(|_| guard.holds(&key(0), 1, NOW));
        assert_eq!(held, Some(NOW + GUARDED));
        assert_eq!(guard.holds(&key(0), 0, NOW), None, "it may wait");
        assert_eq!(guard.holds(&key(0), 1, NOW + GUARDED), None);
    }

    #[test]
    fn a_storm_holds_nobody_back_and_is_not_counted_one_by_one() {
        let mut guard = Guard::default();
        for round in 0..4 {
            assert!((0..10_000).all(|number| guard.holds(&key(number), 1, NOW).is_none()), "round {round}");
        }
        assert!(guard.counts.is_empty());
    }

    #[test]
    fn who_shares_a_counter_with_a_key_that_is_held_back_goes_on() {
        let mut guard = Guard::default();
        while guard.holds(&key(0), 1, NOW).is_none() {}
        assert!((1..10_000).all(|number| guard.holds(&key(number), 1, NOW).is_none()));
    }
}
