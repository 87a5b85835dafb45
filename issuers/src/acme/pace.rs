//! Nothing is sent inside a pause that a certificate authority asked for, by no process of a fleet and after no restart.
//!
//! A [`Pace`] is kept for each certificate authority. [`Paced`] puts it in front of a [`Client`](acme_core::Client); [`Pace::guard`] around anything else.

mod allowance;
mod book;
mod paced;
mod scope;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use acme_core::protocol::{Problem, ProblemType, Url};
use acme_core::{Clock, Error, ErrorKind, Expect, Key, Retry, Secret, Store, Timestamp, text};

use allowance::Spending;
use book::Book;

use crate::limits;

pub use allowance::Allowance;
pub use book::Embargo;
pub use paced::Paced;
pub use scope::{Scope, Sending};

/// The pauses that one certificate authority asked for: in memory, and in a store, so that they outlive the process and other processes see them.
pub struct Pace {
    clock: Arc<dyn Clock>,
    kept: Option<(Arc<dyn Store>, Key)>,
    durable: Duration,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    book: Book,
    read_at: Option<Timestamp>,
    spending: Spending,
}

impl Pace {
    /// Pauses that are kept in memory alone: for a process whose restart may forget them.
    pub fn in_memory(clock: Arc<dyn Clock>) -> Self {
        Self { clock, kept: None, durable: DURABLE, known: Mutex::default() }
    }

    /// The pauses of the certificate authority whose directory is at `directory`, kept in `store` under `prefix`.
    ///
    /// # Errors
    /// `Malformed` when `prefix` is no [`Key`].
    pub fn kept_in(store: Arc<dyn Store>, prefix: &str, directory: &Url, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let key = Key::new(format!("{prefix}/{}", Key::segment(directory.as_str())))?;
        Ok(Self { clock, kept: Some((store, key)), durable: DURABLE, known: Mutex::default() }.knowing(directory))
    }

    /// Makes no more new orders than the certificate authority behind `directory` is known to take from an account ([`directories`](super::directories));
    /// [`allowing`](Self::allowing) says otherwise.
    #[must_use]
    pub fn knowing(self, directory: &Url) -> Self {
        match super::directories::Known::at(directory).and_then(|it| it.new_orders) {
            Some(allowance) => self.allowing(allowance, []),
            None => self,
        }
    }

    /// Stores pauses of this length or longer; of five seconds otherwise. Where a write to the store is dear, a restart may forget what is over in a minute.
    #[must_use]
    pub fn storing_from(mut self, pause: Duration) -> Self {
        self.durable = pause;
        self
    }

    /// Makes no more new orders of an account than `allowance` says, renewals that name what they replace apart: so the certificate authority need not refuse
    /// them, and says no to nobody else. `made` are the orders made before, with their accounts, as far as they are known, the oldest first.
    #[must_use]
    pub fn allowing(self, allowance: Allowance, made: impl IntoIterator<Item = Made>) -> Self {
        let mut spending = Spending::new(allowance);
        for Made { account, at } in made {
            spending.spend(&account, at);
        }
        self.known().spending = spending;
        self
    }

    /// Takes in orders that were made by others under these accounts, or by a process before this one; the oldest first.
    pub fn spent(&self, made: impl IntoIterator<Item = Made>) {
        let mut known = self.known();
        for Made { account, at } in made {
            known.spending.spend(&account, at);
        }
    }

    /// Sends by awaiting `call`, unless a pause holds it up; and takes in the pause that its answer asks for.
    ///
    /// A pause of more than a few seconds, or than [`storing_from`](Self::storing_from) says, is durable before the error that names it comes back.
    ///
    /// # Errors
    /// `Busy` with `Retry::After` what is left of the pause, as the certificate authority would say; otherwise what `call` says.
    pub async fn guard<T>(
        &self,
        sending: Sending<'_>,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.permit(sending).await?;
        self.spend(sending)?;
        let answer = call.await;
        if let Err(error) = &answer {
            self.note(sending, error).await;
        }
        answer
    }

    /// May this be sent now?
    ///
    /// # Errors
    /// `Busy` with `Retry::After` what is left of the pause; what the store says when the stored pauses were never read.
    pub async fn permit(&self, sending: Sending<'_>) -> Result<(), Error> {
        self.refresh().await?;
        let now = self.clock.now();
        let held = {
            let known = self.known();
            known.book.holding(&sending.scopes(), now).cloned()
        };
        match held {
            None => self.known().spending.permit(sending, now),
            Some(embargo) => Err(refusal(&embargo).with_retry(Retry::After(embargo.until.since(now)))),
        }
    }

    /// Takes from the allowance what is about to be sent: at once with the look whether there is anything left, since others look at the same time.
    fn spend(&self, sending: Sending<'_>) -> Result<(), Error> {
        let now = self.clock.now();
        let mut known = self.known();
        known.spending.permit(sending, now)?;
        if let Some(account) = sending.ordering() {
            known.spending.spend(account, now);
        }
        Ok(())
    }

    /// Takes in the pause that an answer asks for, if it asks for one.
    pub async fn note(&self, sending: Sending<'_>, error: &Error) {
        let Retry::After(pause) = error.retry() else {
            return;
        };
        let scopes = sending.blame(error);
        if scopes.is_empty() {
            return;
        }
        // Servers name whole seconds, cut off; a second more keeps us outside.
        let margin = if pause >= MARGIN_FROM { Duration::from_secs(1) } else { Duration::ZERO };
        let until = self.clock.now() + pause + margin;
        tracing::warn!(%until, "the certificate authority asked for a pause");
        let words = error.problem().and_then(|it| it.detail.clone());
        let because = text::printable(&words.unwrap_or_else(|| error.to_string()), limits::EMBARGO_TEXT);
        {
            let mut known = self.known();
            for scope in scopes {
                tracing::debug!(%scope, %until, "a pause was taken in");
                known.book.add(Embargo { scope, until, because: because.clone() });
            }
            let now = self.clock.now();
            known.book.tidy(now);
        }
        if pause >= self.durable
            && let Err(error) = self.keep().await
        {
            tracing::warn!(%error, "a pause could not be stored; a restart would forget it");
        }
    }

    /// The pauses in force, as far as this process knows.
    pub fn embargoes(&self) -> Vec<Embargo> {
        let now = self.clock.now();
        let known = self.known();
        let entries = known.book.entries().iter();
        entries.filter(|it| it.until > now).cloned().collect()
    }

    /// Reads what is stored, unless that was done a moment ago. Without a first look nothing may be sent; later ones may fail.
    async fn refresh(&self) -> Result<(), Error> {
        let Some((store, key)) = &self.kept else {
            return Ok(());
        };
        let now = self.clock.now();
        let read_at = self.known().read_at;
        if read_at.is_some_and(|at| now.since(at) < FRESH && at <= now) {
            return Ok(());
        }
        let read = match store.get(key).await {
            Ok(Some(entry)) => Book::decode(entry.value.expose()),
            Ok(None) => Ok(Book::default()),
            Err(error) => Err(error),
        };
        match read {
            Ok(book) => {
                let mut known = self.known();
                known.book.merge(book);
                known.book.tidy(now);
                known.read_at = Some(now);
                Ok(())
            }
            Err(error) if read_at.is_none() => {
                Err(error.while_doing("reading the pauses that the certificate authority asked for"))
            }
            Err(error) => {
                tracing::warn!(%error, "the stored pauses could not be read again");
                Ok(())
            }
        }
    }

    /// Writes what this process knows into what is stored; others write at the same time.
    async fn keep(&self) -> Result<(), Error> {
        let Some((store, key)) = &self.kept else {
            return Ok(());
        };
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let (stored, expect) = match store.get(key).await? {
                Some(entry) => (Book::decode(entry.value.expose())?, Expect::Version(entry.version)),
                None => (Book::default(), Expect::Absent),
            };
            let book = {
                let mut known = self.known();
                known.book.merge(stored);
                known.book.tidy(self.clock.now());
                known.book.clone()
            };
            match store.put(key, Secret::new(book.encode()?), expect).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Conflict => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| Error::new(ErrorKind::Conflict, "the stored pauses keep changing")))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace").field("embargoes", &self.embargoes()).finish_non_exhaustive()
    }
}

/// An order that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "complete by definition")]
pub struct Made {
    /// Under which account.
    pub account: Url,
    /// When.
    pub at: Timestamp,
}

/// What the certificate authority would say inside a pause: a limit, except where it wants to hear nothing at all.
fn refusal(embargo: &Embargo) -> Error {
    let Embargo { scope, until, because } = embargo;
    let what = format!("the certificate authority asked for a pause of {scope} until {until}");
    match scope {
        Scope::Address => Error::new(ErrorKind::Busy, format!("{what}: {because}")),
        Scope::Registrations
        | Scope::RenewalInfo
        | Scope::Revocations
        | Scope::Account(_)
        | Scope::Orders(_)
        | Scope::Renewals(_)
        | Scope::Domain(_)
        | Scope::Set(_)
        | Scope::Name { .. } => {
            Error::new(ErrorKind::Busy, what).with_problem(Problem::new(ProblemType::RateLimited, because.clone()))
        }
    }
}

/// Pauses from here on are stored before anybody hears of them.
const DURABLE: Duration = Duration::from_secs(5);
/// A second more than was asked for is much for pauses shorter than this.
const MARGIN_FROM: Duration = DURABLE;
/// What was read from the store is looked at again after this: another process may have been told to pause.
const FRESH: Duration = Duration::from_secs(10);
/// Lost races for the stored pauses before this gives up.
const ATTEMPTS: u32 = 16;
