//! A store that lives as long as the process.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use acme_core::{Entry, Error, Expect, Key, Page, Prefix, Secret, Store, Version};
use async_trait::async_trait;

use super::{check_expected, check_length};

/// A [`Store`] in memory: for tests, and for certificates that may be lost with the process.
///
/// Clones share one content. What a public certificate authority issues is worth a store that outlives the process.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Content>>);

#[derive(Default)]
struct Content {
    entries: BTreeMap<Key, Kept>,
    writes: u64,
}

struct Kept {
    value: Secret<Vec<u8>>,
    version: Version,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        // No code between a lock and its release leaves the content half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, Error> {
        Ok(self
            .lock()
            .entries
            .get(key)
            .map(|kept| Entry::new(Secret::new(kept.value.expose().clone()), kept.version.clone())))
    }

    async fn put(&self, key: &Key, value: Secret<Vec<u8>>, expect: Expect) -> Result<Version, Error> {
        check_length(key, value.expose())?;
        let mut content = self.lock();
        let found = content.entries.get(key).map(|kept| &kept.version);
        check_expected(key, &expect, found)?;
        content.writes += 1;
        let version = Version::new(content.writes.to_string());
        let kept = Kept { value, version: version.clone() };
        content.entries.insert(key.clone(), kept);
        Ok(version)
    }

    async fn delete(&self, key: &Key, expect: Expect) -> Result<(), Error> {
        let mut content = self.lock();
        let found = content.entries.get(key).map(|kept| &kept.version);
        check_expected(key, &expect, found)?;
        content.entries.remove(key);
        Ok(())
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Key>) -> Result<Page, Error> {
        let content = self.lock();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut keys: Vec<Key> = content
            .entries
            .range::<Key, _>((from, Bound::Unbounded))
            .map(|(key, _)| key)
            .filter(|key| prefix.holds(key))
            .take(PAGE + 1)
            .cloned()
            .collect();
        let more = keys.len() > PAGE;
        keys.truncate(PAGE);
        Ok(Page::new(keys, more))
    }
}

const PAGE: usize = 1000;
