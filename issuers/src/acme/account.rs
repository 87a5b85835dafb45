//! An account that looks after itself: its key is made and stored first, then it is registered, found again, kept as wanted.
//!
//! Any number of processes may share one: who loses the race to make the key uses the winner's.

mod action;
mod existing;
mod record;
mod storage;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::flow::{AccountAction, AccountEvent, AccountOutcome, AccountPlan, Creation, Fault, Next, Waiting};
use acme_core::protocol::{ProblemType, Registration, Url};
use acme_core::{
    Client as _, Clock, Directory, Error, ErrorKind, Key, KeyType, PrivateKey, Retry, Session, Store, Timestamp,
    Version,
};
use futures_util::lock::Mutex;

use super::pace::{Pace, Paced, Sending};
use action::Promote;
use record::Record;

pub use existing::ExistingAccount;

/// What an account is made with.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct AccountSettings {
    /// Contacts, terms, and the binding to an account elsewhere.
    pub registration: Registration,
    /// The kind of key to make.
    pub key_type: KeyType,
    /// The account to take over, where none is stored yet.
    pub existing: Option<ExistingAccount>,
}

impl AccountSettings {
    /// An account with a P-256 key.
    pub fn new(registration: Registration) -> Self {
        Self { registration, key_type: KeyType::default(), existing: None }
    }

    /// Makes another kind of key. It counts when the key is made; [`Account::change_key`] changes it later.
    #[must_use]
    pub fn with_key_type(mut self, key_type: KeyType) -> Self {
        self.key_type = key_type;
        self
    }

    /// Takes over an account that another client made, with its key, instead of making one. Nothing is registered, not even when the
    /// certificate authority does not know the account; its contacts stay as they are. An account that is stored already stays in use.
    #[must_use]
    pub fn taking_over(mut self, existing: impl Into<ExistingAccount>) -> Self {
        self.existing = Some(existing.into());
        self
    }
}

/// An account at one certificate authority, kept in a store.
pub struct Account {
    directory: Directory,
    pace: Arc<Pace>,
    store: Arc<dyn Store>,
    key: Key,
    settings: AccountSettings,
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
}

/// What this process knows of the record.
#[derive(Default)]
struct Held {
    entry: Option<(Record, Version)>,
    session: Option<Arc<Paced<Session>>>,
    /// When the record was last looked at.
    looked: Option<Timestamp>,
    /// When the server last said that it does not know the account.
    forgotten: Option<Timestamp>,
}

/// Whether an account can be used now.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller must obey both")]
pub enum Readiness {
    /// It can.
    Ready(Arc<Paced<Session>>),
    /// Ask again at this time.
    NotYet {
        /// When to ask again.
        again: Timestamp,
        /// What is waited for.
        waiting: Waiting,
    },
}

impl Account {
    /// The account kept under `key`, or to be kept there. Nothing is sent before it is needed.
    pub fn new(
        directory: Directory,
        store: Arc<dyn Store>,
        key: Key,
        settings: AccountSettings,
        pace: Arc<Pace>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { directory, pace, store, key, settings, clock, held: Mutex::default() }
    }

    /// Brings the account to what is wanted, as far as that can be done now, and opens a session with it.
    ///
    /// # Errors
    /// As the certificate authority says ([`Directory::register`]), or as the store says.
    pub async fn open(&self) -> Result<Readiness, Error> {
        let mut held = self.held.lock().await;
        self.advance(&mut held).await
    }

    /// The URL of the account, once it is known to this process.
    pub async fn url(&self) -> Option<Url> {
        let held = self.held.lock().await;
        held.session.as_ref().map(|session| session.account().clone())
    }

    /// Replaces the account's key by a new one of `kind`. The new key is durable before the certificate authority hears of it,
    /// and the old one is dropped after it took it; a crash in between is made good by the next use of the account.
    ///
    /// # Errors
    /// `Unsupported` when the certificate authority cannot change keys; `Busy` when it wants us to wait, and the change goes on with the next use.
    pub async fn change_key(&self, kind: KeyType) -> Result<(), Error> {
        let directory = self.pace.guard(Sending::Directory, self.directory.object()).await?;
        if directory.key_change.is_none() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("{} cannot change the keys of accounts", self.directory.url()),
            ));
        }
        let mut held = self.held.lock().await;
        self.settled(&mut held).await?;
        let Some((record, _)) = &mut held.entry else {
            return Err(Error::new(ErrorKind::Conflict, "the account was changed by somebody else: try again"));
        };
        record.next = Some(Arc::new(PrivateKey::generate(kind)?));
        let _ = record.flow.apply(AccountEvent::KeyWanted, self.clock.now());
        self.save(&mut held).await?;
        self.settled(&mut held).await
    }

    /// Did the certificate authority say that it does not know the account (RFC 8555, section 6.7)? What it made for that account is gone with it. Nothing is
    /// to blame, and the same is asked by the account that is made in its place.
    pub fn is_forgotten(error: &Error) -> bool {
        error.problem().is_some_and(|problem| problem.kind == ProblemType::AccountDoesNotExist)
    }

    /// Takes in that the certificate authority does not know the account: the next use registers the same key again, once in a while.
    /// Answers whether that will be tried.
    pub(super) async fn forgotten(&self, account: &Url) -> bool {
        let now = self.clock.now();
        let mut held = self.held.lock().await;
        if held.session.as_ref().is_none_or(|session| session.account() != account) {
            // Somebody noticed before.
            return true;
        }
        if held.forgotten.is_some_and(|at| now < at + AMNESIA) {
            return false;
        }
        held.forgotten = Some(now);
        held.session = None;
        tracing::warn!(%account, "the certificate authority does not know the account any more; registering its key again");
        let Some((record, _)) = &mut held.entry else { return true };
        let _ = record.flow.apply(AccountEvent::Forgotten, now);
        // A save that fails leaves the record as it was; the next use finds out the same way.
        if self.save(&mut held).await.is_err() {
            held.entry = None;
        }
        true
    }

    async fn settled(&self, held: &mut Held) -> Result<(), Error> {
        match self.advance(held).await? {
            Readiness::Ready(_) => Ok(()),
            Readiness::NotYet { again, waiting } => Err(Error::new(ErrorKind::Busy, waiting.to_string())
                .with_retry(Retry::After(again.since(self.clock.now())))),
        }
    }

    async fn advance(&self, held: &mut Held) -> Result<Readiness, Error> {
        self.look_again(held).await;
        if let (Some(session), Some((record, _))) = (&held.session, &held.entry)
            && let Next::Done(AccountOutcome::Ready { .. }) = record.flow.next(self.clock.now())
        {
            return Ok(Readiness::Ready(Arc::clone(session)));
        }
        for _ in 0..STEPS {
            let now = self.clock.now();
            let Some((record, _)) = &mut held.entry else {
                held.session = None;
                held.entry = Some(self.load().await?);
                self.want(held).await?;
                continue;
            };
            match record.flow.next(now) {
                Next::Done(AccountOutcome::Ready { url }) => {
                    let session = self.directory.session(record.key.clone(), url)?;
                    let session = Arc::new(Paced::new(session, Arc::clone(&self.pace)));
                    held.session = Some(Arc::clone(&session));
                    return Ok(Readiness::Ready(session));
                }
                Next::Done(AccountOutcome::Failed(fault)) => {
                    // The next use begins anew; this one tells why.
                    let _ = record.flow.apply(AccountEvent::Wanted(self.plan()), now);
                    self.save(held).await?;
                    return Err(fault.to_error());
                }
                Next::Done(AccountOutcome::Missing) => {
                    // The next use looks again.
                    let _ = record.flow.apply(AccountEvent::Wanted(self.plan()), now);
                    self.save(held).await?;
                    let existing = self.settings.existing.as_ref();
                    return Err(existing.map_or_else(|| self.given_up(), |it| it.unknown(&self.directory)));
                }
                Next::Done(AccountOutcome::Deactivated) => return Err(self.given_up()),
                Next::Go(agenda) => {
                    let Some(action) = agenda.ready.into_iter().next() else {
                        return match agenda.wake {
                            Some(wake) => Ok(Readiness::NotYet { again: wake.at, waiting: wake.waiting }),
                            None => Err(Error::new(ErrorKind::Internal, "the account waits for nothing")),
                        };
                    };
                    self.step(held, action).await?;
                }
            }
        }
        Err(Error::new(ErrorKind::Conflict, "the account keeps being changed by somebody else"))
    }

    /// Runs one action, and saves what became of it.
    async fn step(&self, held: &mut Held, action: AccountAction) -> Result<(), Error> {
        if action.is_irreversible() {
            let Some((record, _)) = &mut held.entry else { return Ok(()) };
            let after = record.flow.clone();
            record.flow = after.before(&action);
            if !self.save(held).await? {
                return Ok(());
            }
            let Some((record, _)) = &mut held.entry else { return Ok(()) };
            record.flow = after;
        }
        let Some((record, _)) = &mut held.entry else { return Ok(()) };
        let (event, promote) = match self.act(record, &action).await {
            Ok(done) => done,
            Err(error) => (AccountEvent::Failed { action, fault: Fault::from(&error) }, Promote::No),
        };
        if promote == Promote::Yes {
            record.promote();
        } else if matches!(event, AccountEvent::Registered { .. }) {
            record.next = None;
        }
        let _ = record.flow.apply(event, self.clock.now());
        self.save(held).await?;
        Ok(())
    }

    fn given_up(&self) -> Error {
        Error::new(
            ErrorKind::Unauthorized,
            format!(
                "the account at {} was given up: remove {} from the store to make another",
                self.directory.url(),
                self.key
            ),
        )
    }

    fn plan(&self) -> AccountPlan {
        let mut plan = AccountPlan::new(self.settings.registration.contact.clone());
        if self.settings.existing.is_some() {
            plan.create = Creation::Forbidden;
        }
        plan
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({} at {})", self.key, self.directory.url())
    }
}

/// Steps of one use: register, update, change the key, and as many lost races.
const STEPS: usize = 32;
/// A server that forgets an account again so soon is not asked to make it again.
const AMNESIA: Duration = Duration::from_secs(600);
