//! When something is to be done about which certificate: ordered by time.

use std::collections::BTreeSet;

use acme_core::Timestamp;

/// The times of the next actions. Finding what is due costs what is due, not what is kept; a million certificates need one timer.
#[derive(Debug, Default)]
pub struct Schedule {
    times: BTreeSet<(Timestamp, u32)>,
    /// The time of each number; [`NEVER`] when it has none.
    of: Vec<Timestamp>,
}

impl Schedule {
    /// A schedule without times.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the time of `number`, in place of the one it had. Numbers are small: they index a table.
    pub fn set(&mut self, number: u32, at: Timestamp) {
        self.clear(number);
        let place = place(number);
        if self.of.len() <= place {
            self.of.resize(place + 1, NEVER);
        }
        let at = at.min(LAST);
        self.of[place] = at;
        self.times.insert((at, number));
    }

    /// Takes away the time of `number`.
    pub fn clear(&mut self, number: u32) {
        let Some(at) = self.of.get_mut(place(number)) else {
            return;
        };
        if *at != NEVER {
            self.times.remove(&(*at, number));
            *at = NEVER;
        }
    }

    /// Takes out the earliest number whose time has come.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<u32> {
        let (at, number) = *self.times.first()?;
        if !at.is_due(now) {
            return None;
        }
        self.clear(number);
        Some(number)
    }

    /// The earliest time.
    pub fn next(&self) -> Option<Timestamp> {
        self.times.first().map(|(at, _)| *at)
    }

    /// How many numbers have a time.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether no number has a time.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}

fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The end of time is nobody's time.
const NEVER: Timestamp = Timestamp::MAX;
const LAST: Timestamp = Timestamp::from_unix_millis(Timestamp::MAX.unix_millis() - 1);
