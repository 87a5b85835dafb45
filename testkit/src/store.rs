//! A store in memory whose bytes outlive the program under test.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use acme_core::{Entry, Error, ErrorKind, Expect, Key, Page, Prefix, Secret, Store, Version, limits};
use async_trait::async_trait;

use crate::sync::lock;

/// A [`Store`] in memory with the semantics of its contract; copies share their bytes, as processes share a disk.
///
/// Pages hold few keys, so that callers must walk them. Versions are never used twice.
#[derive(Clone, Default)]
pub struct DurableStore(Arc<Mutex<Bytes>>);

#[derive(Default)]
struct Bytes {
    values: BTreeMap<Key, (Vec<u8>, u64)>,
    writes: u64,
}

impl DurableStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes under `key`, as a test looks at them.
    pub fn bytes(&self, key: &Key) -> Option<Vec<u8>> {
        lock(&self.0).values.get(key).map(|(value, _)| value.clone())
    }

    /// Every key, in order.
    pub fn keys(&self) -> Vec<Key> {
        lock(&self.0).values.keys().cloned().collect()
    }

    /// How many changes were made.
    pub fn writes(&self) -> u64 {
        lock(&self.0).writes
    }

    /// A store of its own with the same bytes: a backup, or what another crash would have left.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        let bytes = lock(&self.0);
        Self(Arc::new(Mutex::new(Bytes { values: bytes.values.clone(), writes: bytes.writes })))
    }
}

impl Bytes {
    fn check(&self, key: &Key, expect: &Expect) -> Result<(), Error> {
        let found = self.values.get(key).map(|(_, version)| version_of(*version));
        let met = match expect {
            Expect::Anything => true,
            Expect::Absent => found.is_none(),
            Expect::Version(version) => found.as_ref() == Some(version),
        };
        if met { Ok(()) } else { Err(Error::new(ErrorKind::Conflict, format!("{key} was changed by somebody else"))) }
    }
}

#[async_trait]
impl Store for DurableStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, Error> {
        Ok(lock(&self.0)
            .values
            .get(key)
            .map(|(value, version)| Entry::new(Secret::new(value.clone()), version_of(*version))))
    }

    async fn put(&self, key: &Key, value: Secret<Vec<u8>>, expect: Expect) -> Result<Version, Error> {
        if value.expose().len() > limits::STORE_VALUE {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("the value for {key} is longer than {} bytes", limits::STORE_VALUE),
            ));
        }
        let mut bytes = lock(&self.0);
        bytes.check(key, &expect)?;
        bytes.writes += 1;
        let version = bytes.writes;
        bytes.values.insert(key.clone(), (value.expose().clone(), version));
        Ok(version_of(version))
    }

    async fn delete(&self, key: &Key, expect: Expect) -> Result<(), Error> {
        let mut bytes = lock(&self.0);
        bytes.check(key, &expect)?;
        if bytes.values.remove(key).is_some() {
            bytes.writes += 1;
        }
        Ok(())
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Key>) -> Result<Page, Error> {
        let bytes = lock(&self.0);
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut keys: Vec<Key> = bytes
            .values
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

fn version_of(count: u64) -> Version {
    Version::new(format!("v{count}"))
}

const PAGE: usize = 3;
