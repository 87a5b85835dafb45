//! Who wants to be asked again, and when: one ordered index, one timer.
//!
//! Every Certificate that is content waits here for its renewal. A heap of places in one list of entries, and a table that finds them, take 40 bytes for each;
//! a tree of times and keys beside a map of keys and times took 77.

use std::hash::BuildHasher as _;

use acme_core::Timestamp;
use hashbrown::HashTable;

use crate::key::Key;
use crate::maps::Hasher;

/// Keys and the times at which they want to be asked again.
#[derive(Default)]
pub(super) struct Timers {
    entries: Vec<Entry>,
    /// Places in `entries`, the earliest time first: none is earlier than the one at half its rank.
    heap: Vec<u32>,
    /// Places in `entries`, by key.
    places: HashTable<u32>,
    hasher: Hasher,
}

struct Entry {
    at: Timestamp,
    key: Key,
    /// Where in the heap its place stands.
    rank: u32,
}

impl Timers {
    /// From now on this key wants to be asked again at this time, or at none.
    pub(super) fn set(&mut self, key: &Key, at: Option<Timestamp>) {
        let Some(at) = at else { return self.clear(key) };
        if let Some(place) = self.place(key) {
            let entry = &mut self.entries[place as usize];
            entry.at = at;
            let rank = entry.rank as usize;
            return self.settle(rank);
        }
        let rank = self.heap.len();
        let place = number(self.entries.len());
        self.entries.push(Entry { at, key: key.clone(), rank: number(rank) });
        self.heap.push(place);
        let (entries, hasher) = (&self.entries, &self.hasher);
        let hash = |place: &u32| hasher.hash_one(&entries[*place as usize].key);
        self.places.insert_unique(hash(&place), place, hash);
        self.settle(rank);
    }

    /// This key does not want to be asked again.
    pub(super) fn clear(&mut self, key: &Key) {
        if let Some(place) = self.place(key) {
            self.remove(place);
        }
    }

    /// The earliest time.
    pub(super) fn first(&self) -> Option<Timestamp> {
        self.heap.first().map(|place| self.entries[*place as usize].at)
    }

    /// Takes out the keys whose time has come, the earliest first.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<Key> {
        let mut due = Vec::new();
        while self.first().is_some_and(|at| at.is_due(now)) {
            due.push(self.remove(self.heap[0]));
        }
        due
    }

    fn place(&self, key: &Key) -> Option<u32> {
        let is_it = |place: &u32| self.entries[*place as usize].key == *key;
        self.places.find(self.hasher.hash_one(key), is_it).copied()
    }

    /// Takes out an entry; the last one moves to its place.
    fn remove(&mut self, place: u32) -> Key {
        self.rename(place, None);
        let rank = self.entries[place as usize].rank as usize;
        self.heap.swap_remove(rank);
        let last = number(self.entries.len() - 1);
        if last != place {
            self.rename(last, Some(place));
        }
        let removed = self.entries.swap_remove(place as usize).key;
        if let Some(moved) = self.entries.get(place as usize) {
            // Where the heap's own last one took the rank that is free now, the moved one may be that.
            let rank = if moved.rank as usize == self.heap.len() { rank } else { moved.rank as usize };
            self.heap[rank] = place;
        }
        if rank < self.heap.len() {
            self.settle(rank);
        }
        removed
    }

    /// In the table, an entry stands at another place, or at none.
    fn rename(&mut self, place: u32, to: Option<u32>) {
        let hash = self.hasher.hash_one(&self.entries[place as usize].key);
        if let Ok(mut found) = self.places.find_entry(hash, |it| *it == place) {
            match to {
                Some(to) => *found.get_mut() = to,
                None => drop(found.remove()),
            }
        }
    }

    /// Moves what stands at this rank up or down to where its time belongs.
    fn settle(&mut self, mut rank: usize) {
        while rank > 0 && self.at(rank) < self.at((rank - 1) / 2) {
            self.swap(rank, (rank - 1) / 2);
            rank = (rank - 1) / 2;
        }
        loop {
            let below = [2 * rank + 1, 2 * rank + 2].into_iter().filter(|it| *it < self.heap.len());
            match below.min_by_key(|it| self.at(*it)) {
                Some(earlier) if self.at(earlier) < self.at(rank) => {
                    self.swap(rank, earlier);
                    rank = earlier;
                }
                Some(_) | None => break,
            }
        }
        self.entries[self.heap[rank] as usize].rank = number(rank);
    }

    fn at(&self, rank: usize) -> Timestamp {
        self.entries[self.heap[rank] as usize].at
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.heap.swap(one, other);
        for rank in [one, other] {
            self.entries[self.heap[rank] as usize].rank = number(rank);
        }
    }
}

fn number(place: usize) -> u32 {
    u32::try_from(place).expect("fewer keys than that are known")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use acme_core::Timestamp;

    use super::Timers;
    use crate::key::{Key, Kind, Name};

    fn key(number: u64) -> Key {
        Key::new(Kind::Certificate, Name::new("shop", number.to_string()))
    }

    fn at(second: u64) -> Timestamp {
        Timestamp::from_unix_seconds(i64::try_from(second).expect("it is small"))
    }

    #[test]
    fn the_last_time_that_was_said_counts() {
        let mut timers = Timers::default();
        timers.set(&key(1), Some(at(5)));
        timers.set(&key(2), Some(at(3)));
        timers.set(&key(1), Some(at(2)));
        timers.set(&key(3), Some(at(1)));
        timers.set(&key(3), None);
        assert_eq!(timers.first(), Some(at(2)));
        assert_eq!(timers.due(at(2)), [key(1)]);
        assert_eq!(timers.due(at(2)), []);
        assert_eq!((timers.due(at(9)), timers.first()), (vec![key(2)], None));
    }

    #[test]
    fn it_says_what_a_list_of_all_times_says() {
        let (mut timers, mut all) = (Timers::default(), BTreeMap::new());
        let mut random: u64 = 7;
        for now in 0..5_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (who, when) = (random >> 33 & 0xff, now / 10 + (random >> 50));
            if random >> 41 & 3 == 0 {
                timers.clear(&key(who));
                all.remove(&who);
            } else {
                timers.set(&key(who), Some(at(when)));
                all.insert(who, when);
            }
            let mut due: Vec<Key> = timers.due(at(now)).into_iter().collect();
            due.sort();
            let mut expected: Vec<Key> =
                all.iter().filter(|(_, when)| **when <= now).map(|(who, _)| key(*who)).collect();
            expected.sort();
            assert_eq!(due, expected);
            all.retain(|_, when| *when > now);
            assert_eq!(timers.first(), all.values().min().map(|it| at(*it)));
        }
    }
}
