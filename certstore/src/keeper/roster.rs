//! What is kept, by number, and which certificate of each is served: changed by the work, read by the handles.

use std::collections::HashMap;
use std::sync::Mutex;

use acme_core::{Key, hash};

use super::inbox::lock;
use crate::record::Credential;

/// The leaf as a hash: no two certificates have the same.
pub(super) fn print(credential: &Credential) -> Option<[u8; 32]> {
    credential.chain.leaf().map(|leaf| hash::sha256(leaf))
}

/// The numbers of what is kept, and what is served. It is in memory alone: the next life hands out anew.
#[derive(Default)]
pub(super) struct Roster(Mutex<Rows>);

#[derive(Default)]
struct Rows {
    numbers: HashMap<Key, u32>,
    free: Vec<u32>,
    /// By number: the leaf that whoever serves has taken, as a hash.
    served: Vec<Option<[u8; 32]>>,
}

impl Roster {
    /// The number of a record, a new one unless it has one. Numbers are small, and used again.
    pub(super) fn enter(&self, key: &Key) -> u32 {
        let mut rows = lock(&self.0);
        if let Some(number) = rows.numbers.get(key) {
            return *number;
        }
        let number = rows.free.pop().unwrap_or_else(|| {
            rows.served.push(None);
            u32::try_from(rows.served.len() - 1).unwrap_or(u32::MAX)
        });
        rows.numbers.insert(key.clone(), number);
        number
    }

    /// Whether the record has a number.
    pub(super) fn knows(&self, key: &Key) -> bool {
        lock(&self.0).numbers.contains_key(key)
    }

    /// Gives the number back.
    pub(super) fn leave(&self, key: &Key) {
        let mut rows = lock(&self.0);
        if let Some(number) = rows.numbers.remove(key) {
            rows.set(number, None);
            rows.free.push(number);
        }
    }

    /// Whoever serves has taken this leaf.
    pub(super) fn serve(&self, number: u32, leaf: [u8; 32]) {
        lock(&self.0).set(number, Some(leaf));
    }

    /// Whoever serves was told to serve nothing of this record.
    pub(super) fn withdraw(&self, key: &Key) {
        let mut rows = lock(&self.0);
        if let Some(number) = rows.numbers.get(key).copied() {
            rows.set(number, None);
        }
    }

    /// Whether whoever serves has taken this leaf, and no other since.
    pub(super) fn is_served(&self, number: u32, leaf: &[u8; 32]) -> bool {
        lock(&self.0).served(number).is_some_and(|it| it == leaf)
    }

    /// As [`is_served`](Self::is_served), for those who have no number.
    pub(super) fn is_served_of(&self, key: &Key, leaf: &[u8; 32]) -> bool {
        let rows = lock(&self.0);
        let number = rows.numbers.get(key);
        number.and_then(|number| rows.served(*number)).is_some_and(|it| it == leaf)
    }
}

impl Rows {
    fn set(&mut self, number: u32, leaf: Option<[u8; 32]>) {
        if let Some(served) = self.served.get_mut(index(number)) {
            *served = leaf;
        }
    }

    fn served(&self, number: u32) -> Option<&[u8; 32]> {
        self.served.get(index(number))?.as_ref()
    }
}

/// Where a number is in a table.
pub(super) fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
