//! Which issuers are at rest, and who issued what: in memory, and in a store where there is one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use acme_core::{Error, ErrorKind, Expect, Key, Secret, Store, Timestamp, text};
use serde::{Deserialize, Serialize};

use super::issued_by;
use super::policy::{Policy, Verdict};
use crate::{CertificateRequest, IssuerId, limits};

/// An issuer that is left alone for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Rest {
    /// Who rests.
    pub issuer: IssuerId,
    /// Only for this set of names, in few letters; `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<String>,
    /// Failures in a row.
    pub failures: u32,
    /// When it is asked again.
    pub until: Timestamp,
    /// What it said.
    pub because: String,
}

pub(super) struct Health {
    kept: Option<(Arc<dyn Store>, Key)>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    book: Book,
    read_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Book {
    rests: Vec<Rest>,
    /// Authority key identifiers and those who issue with them.
    #[serde(default)]
    authorities: BTreeMap<String, IssuerId>,
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    state: &'a Book,
}

#[derive(Deserialize)]
struct Read {
    format: u32,
    state: Book,
}

impl Health {
    pub(super) fn in_memory() -> Self {
        Self { kept: None, known: Mutex::default() }
    }

    pub(super) fn kept_in(store: Arc<dyn Store>, key: Key) -> Self {
        Self { kept: Some((store, key)), known: Mutex::default() }
    }

    /// The rest that keeps `id` from being asked for `names`; of two, the one that ends later.
    pub(super) fn rest(&self, id: &IssuerId, names: &str, now: Timestamp) -> Option<Rest> {
        let known = self.known();
        let rests = known.book.rests.iter().filter(|it| it.until > now && it.concerns(id, names));
        rests.max_by_key(|it| it.until).cloned()
    }

    pub(super) fn resting(&self, now: Timestamp) -> Vec<Rest> {
        self.known().book.rests.iter().filter(|it| it.until > now).cloned().collect()
    }

    pub(super) fn issuer_of(&self, authority: &str) -> Option<IssuerId> {
        self.known().book.authorities.get(authority).cloned()
    }

    /// The request as `id` may see it: a predecessor that is known to be another's is not named to it (RFC 9773 section 5).
    pub(super) fn only_own_predecessor<'a>(
        &self,
        request: &'a CertificateRequest<'a>,
        id: &IssuerId,
    ) -> CertificateRequest<'a> {
        let issuer = request.replaces.as_ref().and_then(issued_by::authority).and_then(|it| self.issuer_of(&it));
        let is_own = issuer.is_none_or(|it| it == *id);
        CertificateRequest { replaces: request.replaces.clone().filter(|_| is_own), ..*request }
    }

    /// Takes in a failure. Is the next issuer to be asked?
    pub(super) async fn failed(
        &self,
        policy: &Policy,
        id: &IssuerId,
        names: &str,
        verdict: Verdict,
        error: &Error,
        now: Timestamp,
    ) -> bool {
        let for_names = match verdict {
            Verdict::NotItsFault => return false,
            Verdict::Unable => return true,
            Verdict::Limited => Some(names.to_owned()),
            Verdict::Failing | Verdict::Doubtful => None,
        };
        let fail = |book: &mut Book| {
            let before = book.rests.iter().find(|it| it.issuer == *id && it.names == for_names);
            let failures = before.map_or(0, |it| it.failures).saturating_add(1);
            let is_over = verdict != Verdict::Doubtful || failures >= policy.patience;
            let until = if is_over { now + policy.pause(failures, error, id.as_str()) } else { now };
            let because = text::printable(&error.to_string(), limits::REST_TEXT);
            book.rests.retain(|it| it.issuer != *id || it.names != for_names);
            book.rests.push(Rest { issuer: id.clone(), names: for_names.clone(), failures, until, because });
            is_over
        };
        self.change(now, policy.longest, fail).await
    }

    /// Takes in a success: failures are forgotten.
    pub(super) async fn succeeded(&self, id: &IssuerId, names: &str, authority: Option<String>, now: Timestamp) {
        let succeed = |book: &mut Book| {
            let (rests, authorities) = (book.rests.len(), book.authorities.len());
            book.rests.retain(|it| !it.concerns(id, names));
            if let Some(authority) = &authority {
                if book.authorities.len() >= limits::AUTHORITIES && !book.authorities.contains_key(authority) {
                    book.authorities.pop_first();
                }
                book.authorities.insert(authority.clone(), id.clone());
            }
            (rests, authorities) != (book.rests.len(), book.authorities.len())
        };
        let nothing_new = {
            let mut book = self.known().book.clone();
            !succeed(&mut book)
        };
        // As a rule a success teaches nothing, and costs no write.
        if !nothing_new {
            self.change(now, Duration::ZERO, succeed).await;
        }
    }

    /// Reads what is stored, unless that was done a moment ago. What cannot be read holds up nothing.
    pub(super) async fn refresh(&self, now: Timestamp) {
        let Some((store, key)) = &self.kept else { return };
        let read_at = self.known().read_at;
        if read_at.is_some_and(|at| at <= now && now.since(at) < FRESH) {
            return;
        }
        match read(store.as_ref(), key).await {
            Ok((book, _)) => {
                let mut known = self.known();
                known.book.merge(book);
                known.read_at = Some(now);
            }
            Err(error) => tracing::warn!(%error, "what is known of the issuers' health could not be read"),
        }
    }

    /// Changes what is known, and what is stored.
    async fn change<T>(&self, now: Timestamp, keep: Duration, change: impl Fn(&mut Book) -> T) -> T {
        let outcome = {
            let mut known = self.known();
            let outcome = change(&mut known.book);
            known.book.tidy(now, keep);
            outcome
        };
        if let Some((store, key)) = &self.kept
            && let Err(error) = write(store.as_ref(), key, |book| {
                change(book);
                book.tidy(now, keep);
            })
            .await
        {
            tracing::warn!(%error, "what is known of the issuers' health could not be stored; a restart would forget it");
        }
        outcome
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rest {
    fn concerns(&self, id: &IssuerId, names: &str) -> bool {
        self.issuer == *id && self.names.as_deref().is_none_or(|it| it == names)
    }
}

impl Book {
    /// Takes in what other processes know; of two rests of one issuer, the one that ends later counts.
    fn merge(&mut self, other: Self) {
        for rest in other.rests {
            let same = |it: &&mut Rest| it.issuer == rest.issuer && it.names == rest.names;
            match self.rests.iter_mut().find(same) {
                Some(held) if held.until >= rest.until => {}
                Some(held) => *held = rest,
                None => self.rests.push(rest),
            }
        }
        self.authorities.extend(other.authorities);
    }

    /// Forgets failures a while after the rest that they led to, and what ends first where there is too much.
    fn tidy(&mut self, now: Timestamp, keep: Duration) {
        self.rests.retain(|it| it.until + keep.max(FORGET) > now);
        if self.rests.len() > limits::RESTS {
            self.rests.sort_by_key(|it| std::cmp::Reverse(it.until));
            self.rests.truncate(limits::RESTS);
        }
    }

    fn encode(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(&Written { format: FORMAT, state: self }).map_err(|source| {
            Error::new(ErrorKind::Internal, "the health of the issuers cannot be written").with_source(source)
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let read: Read = serde_json::from_slice(bytes).map_err(|source| {
            Error::new(ErrorKind::Malformed, "the stored health of the issuers cannot be read").with_source(source)
        })?;
        if read.format > FORMAT {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("the stored health of the issuers has format {}, written by a newer release", read.format),
            ));
        }
        Ok(read.state)
    }
}

async fn read(store: &dyn Store, key: &Key) -> Result<(Book, Expect), Error> {
    match store.get(key).await? {
        Some(entry) => Ok((Book::decode(entry.value.expose())?, Expect::Version(entry.version))),
        None => Ok((Book::default(), Expect::Absent)),
    }
}

async fn write(store: &dyn Store, key: &Key, change: impl Fn(&mut Book)) -> Result<(), Error> {
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let (mut book, expect) = read(store, key).await?;
        change(&mut book);
        match store.put(key, Secret::new(book.encode()?), expect).await {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Conflict => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| Error::new(ErrorKind::Conflict, "the health of the issuers keeps changing")))
}

const FORMAT: u32 = 1;
/// What was read from the store is looked at again after this.
const FRESH: Duration = Duration::from_secs(10);
/// Failures count as "in a row" for so long after the rest that they led to.
const FORGET: Duration = Duration::from_secs(3600);
/// Lost races for the stored health before this gives up.
const ATTEMPTS: u32 = 16;
