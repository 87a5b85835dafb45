//! Stores that break one clause each. The suite must catch every one of them.
#![expect(clippy::wildcard_enum_match_arm, reason = "a flaw shows in one place, and nothing is wrong elsewhere")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use acme_core::{Entry, Error, ErrorKind, Expect, Key, Page, Prefix, Secret, Store, Version};
use async_trait::async_trait;

use certwright_testkit::DurableStore;

/// What is wrong with a [`Broken`] store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Flaw {
    /// Clause 1: a handle remembers what it read.
    Stale,
    /// Clause 1: what was deleted can still be read through other handles.
    DeletesForItselfAlone,
    /// Clause 2: a value appears in two parts.
    Torn,
    /// Clause 2: a value is written later, by whoever has the handle.
    WritesBehind,
    /// Clause 3: it compares, and swaps some time after.
    ComparesThenSwaps,
    /// Clause 3: it does not look whether something is there.
    IgnoresAbsent,
    /// Clause 4: a lost race has another kind.
    MisnamesConflicts,
    /// Clause 4: a lost race is reported, and won all the same.
    WritesOnConflict,
    /// Clause 4: a delete does not look at the version.
    DeletesAnything,
    /// Clause 6: every value has the same version.
    OneVersion,
    /// Clause 7: long values are cut.
    Cuts,
    /// Clause 7: long values are refused.
    RefusesLong,
    /// Clause 7: what is too long is taken.
    TakesAnything,
    /// Clause 8: what is not there cannot be deleted.
    MissesDeleted,
    /// Clause 9: keys come in any order.
    ListsUnordered,
    /// Clause 9: the last page never says that there is more.
    ForgetsMore,
    /// Clause 9: a page begins with the key that the one before it ended with.
    RepeatsKeys,
    /// Clause 9: the prefix is ignored.
    ListsEverything,
    /// Clause 10: one caller at a time.
    OneCaller,
}

impl Flaw {
    /// Every flaw, with the clause that it breaks.
    pub(crate) const ALL: [(Self, u8); 19] = [
        (Self::Stale, 1),
        (Self::DeletesForItselfAlone, 1),
        (Self::Torn, 2),
        (Self::WritesBehind, 2),
        (Self::ComparesThenSwaps, 3),
        (Self::IgnoresAbsent, 3),
        (Self::MisnamesConflicts, 4),
        (Self::WritesOnConflict, 4),
        (Self::DeletesAnything, 4),
        (Self::OneVersion, 6),
        (Self::Cuts, 7),
        (Self::RefusesLong, 7),
        (Self::TakesAnything, 7),
        (Self::MissesDeleted, 8),
        (Self::ListsUnordered, 9),
        (Self::ForgetsMore, 9),
        (Self::RepeatsKeys, 9),
        (Self::ListsEverything, 9),
        (Self::OneCaller, 10),
    ];
}

/// A handle of a store with one flaw.
pub(crate) struct Broken {
    flaw: Flaw,
    inner: DurableStore,
    cache: Mutex<HashMap<Key, Vec<u8>>>,
    callers: Arc<AtomicUsize>,
}

/// The content that the handles of a broken store share.
#[derive(Clone, Default)]
pub(crate) struct Shared {
    inner: DurableStore,
    callers: Arc<AtomicUsize>,
}

impl Shared {
    /// A handle with a flaw.
    pub(crate) fn open(&self, flaw: Flaw) -> Broken {
        Broken { flaw, inner: self.inner.clone(), cache: Mutex::default(), callers: Arc::clone(&self.callers) }
    }
}

impl Broken {
    fn cached(&self, key: &Key) -> Option<Vec<u8>> {
        self.cache.lock().unwrap().get(key).cloned()
    }

    fn remember(&self, key: &Key, value: &[u8]) {
        self.cache.lock().unwrap().insert(key.clone(), value.to_vec());
    }
}

#[async_trait]
impl Store for Broken {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, Error> {
        let remembers = match self.flaw {
            Flaw::Stale => key.as_str().starts_with("seen"),
            Flaw::WritesBehind => key.as_str() == "durable",
            _ => false,
        };
        if let Some(value) = self.cached(key).filter(|_| remembers) {
            return Ok(Some(Entry::new(Secret::new(value), Version::new("cached"))));
        }
        let Some(entry) = self.inner.get(key).await? else {
            let gone = self.cached(key).filter(|_| self.flaw == Flaw::DeletesForItselfAlone);
            return Ok(gone.map(|value| Entry::new(Secret::new(value), Version::new("gone"))));
        };
        if remembers || self.flaw == Flaw::DeletesForItselfAlone {
            self.remember(key, entry.value.expose());
        }
        Ok(Some(match self.flaw {
            Flaw::OneVersion if key.as_str() == "versions" => Entry::new(entry.value, Version::new("same")),
            _ => entry,
        }))
    }

    async fn put(&self, key: &Key, value: Secret<Vec<u8>>, expect: Expect) -> Result<Version, Error> {
        let length = value.expose().len();
        match self.flaw {
            Flaw::Torn if length == 20_000 => {
                let half = Secret::new(value.expose()[..length / 2].to_vec());
                self.inner.put(key, half, Expect::Anything).await?;
                yield_once().await;
                self.inner.put(key, value, expect).await
            }
            Flaw::WritesBehind if key.as_str() == "durable" => {
                self.remember(key, value.expose());
                Ok(Version::new("cached"))
            }
            Flaw::ComparesThenSwaps => {
                let found = self.inner.get(key).await?.map(|entry| entry.version);
                let met = match &expect {
                    Expect::Anything => true,
                    Expect::Absent => found.is_none(),
                    Expect::Version(version) => found.as_ref() == Some(version),
                };
                if !met {
                    return self.inner.put(key, value, expect).await;
                }
                yield_once().await;
                self.inner.put(key, value, Expect::Anything).await
            }
            Flaw::IgnoresAbsent if expect == Expect::Absent => self.inner.put(key, value, Expect::Anything).await,
            Flaw::MisnamesConflicts if key.as_str() == "race" => self
                .inner
                .put(key, value, expect)
                .await
                .map_err(|_| Error::new(ErrorKind::Internal, "somebody else was faster")),
            Flaw::WritesOnConflict if key.as_str() == "race" => {
                let copy = Secret::new(value.expose().clone());
                let outcome = self.inner.put(key, value, expect).await;
                if outcome.is_err() {
                    self.inner.put(key, copy, Expect::Anything).await?;
                }
                outcome
            }
            Flaw::OneVersion if key.as_str() == "versions" => {
                self.inner.put(key, value, expect).await?;
                Ok(Version::new("same"))
            }
            Flaw::Cuts if length > 100_000 => {
                let cut = Secret::new(value.expose()[..100_000].to_vec());
                self.inner.put(key, cut, expect).await
            }
            Flaw::RefusesLong if length > 100_000 => Err(Error::new(ErrorKind::Unsupported, "too long")),
            Flaw::TakesAnything => {
                let cut = value.expose()[..length.min(acme_core::limits::STORE_VALUE)].to_vec();
                self.inner.put(key, Secret::new(cut), expect).await
            }
            Flaw::OneCaller if key.as_str().starts_with("at-once") => {
                let busy = self.callers.fetch_add(1, Ordering::AcqRel) > 0;
                yield_once().await;
                self.callers.fetch_sub(1, Ordering::AcqRel);
                if busy {
                    return Err(Error::new(ErrorKind::Busy, "one at a time, please"));
                }
                self.inner.put(key, value, expect).await
            }
            _ => self.inner.put(key, value, expect).await,
        }
    }

    async fn delete(&self, key: &Key, expect: Expect) -> Result<(), Error> {
        match self.flaw {
            Flaw::MissesDeleted if self.inner.get(key).await?.is_none() => {
                Err(Error::new(ErrorKind::NotFound, "there is no such key"))
            }
            Flaw::DeletesAnything => self.inner.delete(key, Expect::Anything).await,
            _ => self.inner.delete(key, expect).await,
        }
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Key>) -> Result<Page, Error> {
        let prefix = match self.flaw {
            Flaw::ListsEverything => &Prefix::ALL,
            _ => prefix,
        };
        let mut page = self.inner.list(prefix, after).await?;
        match self.flaw {
            Flaw::ListsUnordered => page.keys.reverse(),
            Flaw::ForgetsMore => page.more = false,
            Flaw::RepeatsKeys => {
                if let Some(after) = after {
                    page.keys.insert(0, after.clone());
                }
            }
            _ => {}
        }
        Ok(page)
    }
}

/// Lets others go on once.
async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if yielded {
            return std::task::Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
