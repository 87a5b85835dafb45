//! A record that this keeper has claimed, and its memory as an issuer sees it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use acme_core::{Entry, Error, ErrorKind, Expect, Key, Secret, Store, Timestamp, Version};
use async_trait::async_trait;
use issuers::{Progress, ProgressError, Timer};

use crate::{Record, claim};

/// What every holding of a keeper needs.
pub(crate) struct Ground {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) timer: Arc<dyn Timer>,
    pub(crate) node: String,
    pub(crate) lease: Duration,
    instance: String,
    writes: AtomicU64,
}

impl Ground {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        timer: Arc<dyn Timer>,
        node: Option<String>,
        lease: Duration,
    ) -> Result<Self, Error> {
        let mut random = [0; 12];
        getrandom::fill(&mut random).map_err(|source| {
            Error::new(ErrorKind::Internal, "the system gave no random numbers").with_source(source)
        })?;
        let instance = random.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Ok(Self {
            store,
            timer,
            node: node.unwrap_or_else(|| instance.clone()),
            lease,
            instance,
            writes: AtomicU64::new(0),
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.timer.now()
    }

    /// A name for a write that nobody else has given, ever.
    fn mark(&self) -> String {
        let count = self.writes.fetch_add(1, Ordering::Relaxed);
        format!("{}/{count}", self.instance)
    }

    /// Writes a record by compare-and-swap. A lost race is a `Conflict`; a success whose answer was lost is found again.
    pub(crate) async fn write(&self, key: &Key, record: &mut Record, expect: Expect) -> Result<Version, Error> {
        let mark = self.mark();
        self.write_as(&mark, key, record, expect).await
    }

    async fn write_as(&self, mark: &str, key: &Key, record: &mut Record, expect: Expect) -> Result<Version, Error> {
        record.writes += 1;
        mark.clone_into(&mut record.written_by);
        let error = match self.store.put(key, record.encode()?, expect).await {
            Ok(version) => return Ok(version),
            Err(error) => error,
        };
        match self.store.get(key).await {
            Ok(Some(entry)) if written_as(&entry, mark) => Ok(entry.version),
            Ok(_) | Err(_) => Err(error),
        }
    }
}

fn written_as(entry: &Entry, mark: &str) -> bool {
    Record::decode(entry.value.expose()).is_ok_and(|record| record.written_by == mark)
}

/// A claimed record.
pub(crate) struct Holding {
    pub(crate) ground: Arc<Ground>,
    pub(crate) key: Key,
    pub(crate) record: Record,
    version: Version,
    epoch: u64,
    /// What the issuer's last save came to; an issuer's error after that is about the store.
    pub(crate) trouble: Option<Trouble>,
}

/// Why a write did not happen.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Somebody else holds the record, or it was forgotten.
    Lost,
    /// The store failed.
    Failed(Error),
}

impl Holding {
    /// Claims a record as it was read, together with a first change of it. `Lost` when somebody was faster.
    pub(crate) async fn take(
        ground: &Arc<Ground>,
        key: &Key,
        mut record: Record,
        version: Version,
        change: impl FnOnce(&mut Record),
    ) -> Result<Self, Trouble> {
        let epoch = claim::take(&mut record, &ground.node, ground.now() + ground.lease);
        change(&mut record);
        let expect = Expect::Version(version);
        match ground.write(key, &mut record, expect).await {
            Ok(version) => {
                Ok(Self { ground: Arc::clone(ground), key: key.clone(), record, version, epoch, trouble: None })
            }
            Err(error) if error.kind() == ErrorKind::Conflict => Err(Trouble::Lost),
            Err(error) => Err(Trouble::Failed(error)),
        }
    }

    /// Changes the record as long as the claim holds. Who wrote something else meanwhile (a new wish) keeps it: the change is made on top.
    pub(crate) async fn write(&mut self, change: impl Fn(&mut Record) + Send + Sync) -> Result<(), Trouble> {
        let mark = self.ground.mark();
        change(&mut self.record);
        for _ in 0..OVERTAKEN {
            let expect = Expect::Version(self.version.clone());
            let written = self.ground.write_as(&mark, &self.key, &mut self.record, expect).await;
            let error = match written {
                Ok(version) => {
                    self.version = version;
                    return Ok(());
                }
                Err(error) => error,
            };
            let entry = match self.ground.store.get(&self.key).await {
                Ok(Some(entry)) => entry,
                Ok(None) => return Err(Trouble::Lost),
                Err(_) => return Err(Trouble::Failed(error)),
            };
            // What a newer release wrote is not ours to touch.
            let Ok(found) = Record::decode(entry.value.expose()) else {
                return Err(Trouble::Lost);
            };
            if found.written_by == mark {
                self.version = entry.version;
                return Ok(());
            }
            if !claim::holds(&found, &self.ground.node, self.epoch) {
                return Err(Trouble::Lost);
            }
            if entry.version == self.version {
                return Err(Trouble::Failed(error));
            }
            self.record = found;
            self.version = entry.version;
            change(&mut self.record);
        }
        Err(Trouble::Failed(Error::new(ErrorKind::Busy, "the record was changed by others again and again")))
    }
}

#[async_trait]
impl Progress for Holding {
    fn state(&self) -> Option<&[u8]> {
        let pending = self.record.pending.as_ref()?;
        pending.progress.as_ref().map(|it| it.expose().as_slice())
    }

    async fn save(&mut self, state: &[u8]) -> Result<(), ProgressError> {
        if matches!(self.trouble, Some(Trouble::Lost)) {
            return Err(ProgressError::Lost);
        }
        let until = self.ground.now() + self.ground.lease;
        let saved = self
            .write(|record| {
                if let Some(pending) = &mut record.pending {
                    pending.progress = Some(Secret::new(state.to_vec()));
                }
                if let Some(claim) = &mut record.claim {
                    claim.until = until;
                }
            })
            .await;
        match saved {
            Ok(()) => {
                self.trouble = None;
                Ok(())
            }
            Err(Trouble::Lost) => {
                self.trouble = Some(Trouble::Lost);
                Err(ProgressError::Lost)
            }
            Err(Trouble::Failed(error)) => {
                let copy = Error::new(error.kind(), error.what().to_owned());
                self.trouble = Some(Trouble::Failed(copy));
                Err(ProgressError::Failed(error))
            }
        }
    }
}

/// Wishes come from humans; this many in a row during one write is a defect somewhere.
const OVERTAKEN: usize = 16;
