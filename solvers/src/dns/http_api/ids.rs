//! What a service calls things, remembered for a while.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use acme_core::Timestamp;

use super::turns::Turns;
use crate::{Error, limits};

/// A service's identifiers of zones or of records, so that they are not asked for each time: at most [`limits::DNS_API_IDS`], each believed for
/// [`limits::DNS_API_ID_TTL`]. It spares requests and is never needed: what is not in it is asked for.
#[derive(Debug)]
pub struct Ids<K> {
    known: Mutex<HashMap<K, (String, Timestamp)>>,
    turns: Turns<K>,
}

impl<K: Eq + Hash + Clone> Ids<K> {
    /// Nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self { known: Mutex::default(), turns: Turns::default() }
    }

    /// What `key` is called: what is remembered, else what `found` answers, which is awaited only then; those who ask at the same time wait for one answer.
    ///
    /// # Errors
    /// What `found` says.
    pub async fn of(
        &self,
        key: &K,
        now: Timestamp,
        found: impl Future<Output = Result<String, Error>>,
    ) -> Result<String, Error> {
        if let Some(id) = self.known(key, now) {
            return Ok(id);
        }
        let _turn = self.turns.of(key).await;
        if let Some(id) = self.known(key, now) {
            return Ok(id);
        }
        let id = found.await?;
        self.remember(key.clone(), &id, now);
        Ok(id)
    }

    /// What is remembered of `key`.
    pub fn known(&self, key: &K, now: Timestamp) -> Option<String> {
        self.held().get(key).filter(|(_, until)| !until.is_due(now)).map(|(id, _)| id.clone())
    }

    /// `key` is called `id`.
    pub fn remember(&self, key: K, id: &str, now: Timestamp) {
        let mut held = self.held();
        if held.len() >= limits::DNS_API_IDS {
            held.retain(|_, (_, until)| !until.is_due(now));
        }
        if held.len() >= limits::DNS_API_IDS {
            held.clear();
        }
        held.insert(key, (id.to_owned(), now + limits::DNS_API_ID_TTL));
    }

    /// Forgets what `key` is called: the service knows nothing by that name any more.
    pub fn forget(&self, key: &K) {
        self.held().remove(key);
    }

    fn held(&self) -> MutexGuard<'_, HashMap<K, (String, Timestamp)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Clone> Default for Ids<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded_in_number_and_time() {
        let ids = Ids::new();
        let start = Timestamp::from_unix_seconds(1_000);
        for number in 0..=limits::DNS_API_IDS {
            ids.remember(number, "id", start);
        }
        assert!(ids.held().len() <= limits::DNS_API_IDS);
        assert_eq!(ids.known(&limits::DNS_API_IDS, start), Some("id".to_owned()));
        assert_eq!(ids.known(&limits::DNS_API_IDS, start + limits::DNS_API_ID_TTL), None);
    }
}
