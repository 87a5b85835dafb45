//! Credentials that end by themselves: fetched when needed, renewed ahead of their end.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use acme_core::{Error, ErrorKind, Retry, Timestamp};
use async_trait::async_trait;
use futures_util::lock::Mutex as Turn;

use super::CredentialSource;

/// Gets a credential from where it is made. Wrap it in [`Refreshing`] to have a [`CredentialSource`].
#[async_trait]
pub trait Fetch<T>: Send + Sync {
    /// One attempt, now. Nothing is remembered, nothing is retried.
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<T>, Error>;
}

/// A credential and when it ends.
#[derive(Debug)]
#[non_exhaustive]
pub struct Fetched<T> {
    /// The credential.
    pub credential: T,
    /// When it ends, where it does.
    pub expires: Option<Timestamp>,
}

impl<T> Fetched<T> {
    /// A credential that ends at `expires`, or never.
    pub fn new(credential: T, expires: Option<Timestamp>) -> Self {
        Self { credential, expires }
    }
}

/// A [`CredentialSource`] over anything that can [`Fetch`].
///
/// A credential is renewed when three quarters of its life are over, at the latest ten minutes before its end. While the renewal fails the old one is
/// answered until it ends, and the source is asked at most once a minute. Without a valid one, a failure is answered again for a
/// second instead of being asked for again.
pub struct Refreshing<T, F> {
    source: F,
    held: Mutex<Held<T>>,
    /// Held while fetching.
    turn: Turn<()>,
}

struct Held<T> {
    current: Option<Current<T>>,
    failure: Option<Failure>,
}

struct Current<T> {
    credential: Arc<T>,
    renew_at: Timestamp,
    expires: Option<Timestamp>,
}

/// What is remembered of a fetch that failed, to be told to those who asked at the same time.
struct Failure {
    at: Timestamp,
    kind: ErrorKind,
    what: String,
    retry: Retry,
}

impl<T, F> Refreshing<T, F> {
    /// Fetches from `source`, first when first asked.
    pub fn new(source: F) -> Self {
        Self { source, held: Mutex::new(Held { current: None, failure: None }), turn: Turn::new(()) }
    }

    /// What fetches.
    pub fn source(&self) -> &F {
        &self.source
    }

    fn held(&self) -> MutexGuard<'_, Held<T>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<T: Send + Sync, F: Fetch<T>> CredentialSource<T> for Refreshing<T, F> {
    async fn credential(&self, now: Timestamp) -> Result<Arc<T>, Error> {
        let usable = match self.held().answer(now) {
            Answer::Settled(answer) => return answer,
            Answer::Due(usable) => usable,
        };
        let _turn = match (self.turn.try_lock(), usable) {
            (Some(turn), _) => turn,
            // Somebody renews it already.
            (None, Some(usable)) => return Ok(usable),
            (None, None) => self.turn.lock().await,
        };
        if let Answer::Settled(answer) = self.held().answer(now) {
            return answer;
        }
        let outcome = self.source.fetch(now).await;
        self.held().take_in(outcome, now)
    }

    fn rejected(&self) {
        let mut held = self.held();
        held.current = None;
        held.failure = None;
    }
}

enum Answer<T> {
    /// No fetch is needed, or none may be made yet.
    Settled(Result<Arc<T>, Error>),
    /// A fetch is due; until it succeeded this may be used.
    Due(Option<Arc<T>>),
}

impl<T> Held<T> {
    fn answer(&self, now: Timestamp) -> Answer<T> {
        let valid = self.current.as_ref().filter(|it| it.is_valid(now));
        let usable = valid.map(|it| Arc::clone(&it.credential));
        // Those who waited for the same fetch came a little before it or after it.
        let failed_since = self.failure.as_ref().map(|it| (it, now.since(it.at).max(it.at.since(now))));
        match (usable, failed_since) {
            (Some(usable), _) if valid.is_some_and(|it| now < it.renew_at) => Answer::Settled(Ok(usable)),
            (Some(usable), Some((_, since))) if since < PAUSE_WHILE_VALID => Answer::Settled(Ok(usable)),
            (None, Some((failure, since))) if since < PAUSE => Answer::Settled(Err(failure.to_error())),
            (usable, _) => Answer::Due(usable),
        }
    }

    fn take_in(&mut self, outcome: Result<Fetched<T>, Error>, now: Timestamp) -> Result<Arc<T>, Error> {
        let error = match outcome {
            Ok(fetched) if fetched.expires.is_none_or(|end| now < end) => {
                let current = Current::new(fetched, now);
                let credential = Arc::clone(&current.credential);
                *self = Self { current: Some(current), failure: None };
                return Ok(credential);
            }
            Ok(_) => Error::new(
                ErrorKind::Unauthorized,
                "a credential had ended when it came: is this clock right, or is its source stuck?",
            )
            .with_retry(Retry::Backoff),
            Err(error) => error,
        };
        self.failure =
            Some(Failure { at: now, kind: error.kind(), what: error.what().to_owned(), retry: error.retry() });
        match self.current.as_ref().filter(|it| it.is_valid(now)) {
            Some(current) => {
                tracing::warn!(%error, "a credential could not be renewed; the old one is still valid");
                Ok(Arc::clone(&current.credential))
            }
            None => Err(error),
        }
    }
}

impl<T> Current<T> {
    fn new(fetched: Fetched<T>, now: Timestamp) -> Self {
        let renew_at = fetched.expires.map_or(Timestamp::MAX, |end| {
            // A source that hands out the same credential again (IMDS does) is not asked on every call.
            (end - (end.since(now) / 4).min(AHEAD)).max(now + PAUSE_WHILE_VALID)
        });
        Self { credential: Arc::new(fetched.credential), renew_at, expires: fetched.expires }
    }

    fn is_valid(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|end| now < end)
    }
}

impl Failure {
    fn to_error(&self) -> Error {
        Error::new(self.kind, self.what.clone()).with_retry(self.retry)
    }
}

impl<T, F: fmt::Debug> fmt::Debug for Refreshing<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Refreshing").field(&self.source).finish()
    }
}

/// AWS's SDKs renew within the last 10 to 15 minutes; instance roles offer the next credential 5 minutes before the end at the latest.
const AHEAD: Duration = Duration::from_secs(600);
const PAUSE_WHILE_VALID: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_secs(1);
