//! Answers that lie in a store, for several processes that validators may ask.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use acme_core::{Expect, Key, Prefix, Secret, Store, envelope};

use crate::{Error, ErrorKind, limits};

/// A folder of a store: under the key of a question the texts that answer it, the newest last.
pub(super) struct Shared {
    store: Arc<dyn Store>,
    folder: String,
    lookups: AtomicUsize,
}

impl Shared {
    pub(super) fn new(store: Arc<dyn Store>, folder: &str) -> Result<Self, Error> {
        Prefix::below(folder)?;
        Ok(Self { store, folder: folder.to_owned(), lookups: AtomicUsize::new(0) })
    }

    /// Awaits a look for a stranger, unless as many are under way as may be; what fails is logged.
    pub(super) async fn seek<T>(&self, look: impl Future<Output = Result<Option<T>, Error>>) -> Option<T> {
        let _place = Place::take(&self.lookups)?;
        look.await.unwrap_or_else(|error| {
            tracing::warn!(%error, "an answer to a validator could not be looked up");
            None
        })
    }

    pub(super) async fn add(&self, question: &[&str], text: &str) -> Result<(), Error> {
        self.change(question, |texts| {
            if texts.iter().any(|it| it == text) {
                return Ok(false);
            }
            if texts.len() >= limits::ANSWERS_SHARED {
                return Err(Error::new(
                    ErrorKind::Busy,
                    format!("{} answers to one question are in the store: some were never cleaned up", texts.len()),
                ));
            }
            texts.push(text.to_owned());
            Ok(true)
        })
        .await
    }

    pub(super) async fn remove(&self, question: &[&str], text: &str) -> Result<(), Error> {
        self.change(question, |texts| {
            let before = texts.len();
            texts.retain(|it| it != text);
            Ok(texts.len() < before)
        })
        .await
    }

    /// What answers a question, the newest last.
    pub(super) async fn texts(&self, question: &[&str]) -> Result<Vec<String>, Error> {
        let found = self.store.get(&self.key(question)?).await?;
        found.map_or_else(|| Ok(Vec::new()), |entry| envelope::decode(WHAT, FORMAT, entry.value.expose()))
    }

    /// Reads, changes and writes, again where another process wrote in between. `change` says whether it changed anything.
    async fn change(
        &self,
        question: &[&str],
        change: impl Fn(&mut Vec<String>) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let key = self.key(question)?;
        let mut lost = None;
        for _ in 0..limits::ANSWER_RACES {
            let found = self.store.get(&key).await?;
            let (mut texts, expect): (Vec<String>, _) = match found {
                Some(entry) => (envelope::decode(WHAT, FORMAT, entry.value.expose())?, Expect::Version(entry.version)),
                None => (Vec::new(), Expect::Absent),
            };
            if !change(&mut texts)? {
                return Ok(());
            }
            let outcome = if texts.is_empty() {
                self.store.delete(&key, expect).await
            } else {
                let value = Secret::new(envelope::encode(WHAT, FORMAT, &texts)?);
                self.store.put(&key, value, expect).await.map(drop)
            };
            match outcome {
                Err(error) if error.kind() == ErrorKind::Conflict => lost = Some(error),
                other => return other,
            }
        }
        let busy = Error::new(ErrorKind::Busy, format!("{key} was changed by others each time it was to be written"));
        Err(match lost {
            Some(error) => busy.with_source(error),
            None => busy,
        })
    }

    fn key(&self, question: &[&str]) -> Result<Key, Error> {
        let segments: Vec<String> = question.iter().map(|it| Key::segment(it)).collect();
        Key::new(format!("{}/{}", self.folder, segments.join("/")))
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// One of the looks that may be under way at once.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(taken: &'a AtomicUsize) -> Option<Self> {
        let next = |it: usize| (it < limits::ANSWER_LOOKUPS).then_some(it + 1);
        taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok().map(|_| Self(taken))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

const WHAT: &str = "answers to a challenge";
const FORMAT: u32 = 1;
