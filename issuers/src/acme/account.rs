//! An account that looks after itself: its key is made and stored first, then it is registered, found again, kept as wanted.
//!
//! Any number of processes may share one: who loses the race to make the key uses the winner's.

mod record;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::flow::{
    AccountAction, AccountEvent, AccountFlow, AccountOutcome, AccountPlan, Fault, Next, OrderPace, Waiting,
};
use acme_core::protocol::{ProblemType, Registration, Url};
use acme_core::{
    Client as _, Clock, Directory, Error, ErrorKind, Expect, Key, KeyType, PrivateKey, Retry, Session, Signer as _,
    Store, Timestamp, Version,
};
use futures_util::lock::Mutex;

use super::pace::{Pace, Paced, Sending};
use record::Record;

/// What an account is made with.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct AccountSettings {
    /// Contacts, terms, and the binding to an account elsewhere.
    pub registration: Registration,
    /// The kind of key to make.
    pub key_type: KeyType,
}

impl AccountSettings {
    /// An account with a P-256 key.
    pub fn new(registration: Registration) -> Self {
        Self { registration, key_type: KeyType::default() }
    }

    /// Makes another kind of key. It counts when the key is made; [`Account::change_key`] changes it later.
    #[must_use]
    pub fn with_key_type(mut self, key_type: KeyType) -> Self {
        self.key_type = key_type;
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

    /// Whether another process put another key in force; then the next use goes on with that.
    pub(super) async fn has_another_key(&self) -> bool {
        let mut held = self.held.lock().await;
        let Ok(Some(entry)) = self.store.get(&self.key).await else {
            return false;
        };
        let Ok(stored) = Record::decode(entry.value.expose()) else {
            return false;
        };
        let same = held.entry.as_ref().is_some_and(|(known, _)| known.key.public_key() == stored.key.public_key());
        if !same {
            *held = Held { forgotten: held.forgotten, ..Held::default() };
        }
        !same
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
                Next::Done(AccountOutcome::Missing | AccountOutcome::Deactivated) => {
                    return Err(Error::new(
                        ErrorKind::Unauthorized,
                        format!(
                            "the account at {} was given up: remove {} from the store to make another",
                            self.directory.url(),
                            self.key
                        ),
                    ));
                }
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

    async fn act(&self, record: &Record, action: &AccountAction) -> Result<(AccountEvent, Promote), Error> {
        let registered = |session: &Session| AccountEvent::Registered {
            url: session.account().clone(),
            contact: self.settings.registration.contact.clone(),
        };
        match action {
            AccountAction::Register => {
                // After a change of keys that ended in doubt, the account may be the next key's.
                if let Some(next) = &record.next
                    && let Some(session) = self.find(next).await?
                {
                    return Ok((registered(&session), Promote::Yes));
                }
                let registering = self.directory.register(record.key.clone(), &self.settings.registration);
                let session = self.pace.guard(Sending::Registration, registering).await?;
                Ok((registered(&session), Promote::No))
            }
            AccountAction::Find => Ok(match self.find(&record.key).await? {
                Some(session) => (registered(&session), Promote::No),
                None => (AccountEvent::Missing, Promote::No),
            }),
            AccountAction::Update(url) => {
                let session = self.directory.session(record.key.clone(), url.clone())?;
                let updating = session.update_contacts(&self.settings.registration.contact);
                self.pace.guard(Sending::Account(url), updating).await?;
                Ok((AccountEvent::Updated, Promote::No))
            }
            AccountAction::ChangeKey(url) => {
                let Some(next) = record.next.clone() else {
                    return Ok((AccountEvent::KeyChanged, Promote::No));
                };
                let session = self.directory.session(record.key.clone(), url.clone())?;
                self.pace.guard(Sending::Account(url), session.change_key(next)).await?;
                Ok((AccountEvent::KeyChanged, Promote::Yes))
            }
            AccountAction::ProbeNewKey => {
                let Some(next) = &record.next else {
                    return Ok((AccountEvent::KeyChanged, Promote::No));
                };
                Ok(match self.find(next).await? {
                    Some(_) => (AccountEvent::KeyChanged, Promote::Yes),
                    None => (AccountEvent::KeyUnchanged, Promote::No),
                })
            }
            AccountAction::Deactivate(url) => {
                let session = self.directory.session(record.key.clone(), url.clone())?;
                self.pace.guard(Sending::Account(url), session.deactivate()).await?;
                Ok((AccountEvent::Deactivated, Promote::No))
            }
        }
    }

    async fn find(&self, key: &Arc<PrivateKey>) -> Result<Option<Session>, Error> {
        self.pace.guard(Sending::Registration, self.directory.find(key.clone())).await
    }

    /// Another process may have changed the record: a version that is not ours any more is read again.
    async fn look_again(&self, held: &mut Held) {
        let now = self.clock.now();
        let Some((_, version)) = &held.entry else {
            held.looked = Some(now);
            return;
        };
        if held.looked.is_some_and(|at| at <= now && now < at + FRESH) {
            return;
        }
        // Out of reach for now: what is known serves.
        let Ok(stored) = self.store.get(&self.key).await else {
            return;
        };
        held.looked = Some(now);
        if stored.is_none_or(|stored| stored.version != *version) {
            held.entry = None;
            held.session = None;
        }
    }

    /// The record; a new key is durable before it is used for anything.
    async fn load(&self) -> Result<(Record, Version), Error> {
        let doing = |error: Error| error.while_doing(format_args!("opening the account kept at {}", self.key));
        if let Some(entry) = self.store.get(&self.key).await.map_err(doing)? {
            return Ok((Record::decode(entry.value.expose()).map_err(doing)?, entry.version));
        }
        let flow = AccountFlow::new(self.plan(), OrderPace::default(), self.clock.now());
        let record = Record::new(PrivateKey::generate(self.settings.key_type)?, flow);
        let put = self.store.put(&self.key, record.encode()?, Expect::Absent).await;
        match put {
            Ok(version) => Ok((record, version)),
            Err(error) => match self.store.get(&self.key).await.map_err(doing)? {
                // Somebody was faster, or our own write succeeded after all.
                Some(entry) => Ok((Record::decode(entry.value.expose()).map_err(doing)?, entry.version)),
                None => Err(doing(error)),
            },
        }
    }

    /// Tells the flow what is wanted now: settings may have changed since the record was written.
    async fn want(&self, held: &mut Held) -> Result<(), Error> {
        let Some((record, _)) = &mut held.entry else { return Ok(()) };
        let before = record.flow.clone();
        if !matches!(before.next(self.clock.now()), Next::Done(AccountOutcome::Deactivated)) {
            let _ = record.flow.apply(AccountEvent::Wanted(self.plan()), self.clock.now());
        }
        if record.flow != before {
            self.save(held).await?;
        }
        Ok(())
    }

    /// Writes the record, and forgets it where somebody else wrote meanwhile (`false`).
    async fn save(&self, held: &mut Held) -> Result<bool, Error> {
        let Some((record, version)) = &mut held.entry else { return Ok(false) };
        record.writes += 1;
        match self.store.put(&self.key, record.encode()?, Expect::Version(version.clone())).await {
            Ok(written) => {
                *version = written;
                Ok(true)
            }
            Err(error) => {
                // Whatever is there now counts: read it again.
                held.entry = None;
                held.session = None;
                if error.kind() == ErrorKind::Conflict {
                    return Ok(false);
                }
                Err(error.while_doing(format_args!("storing the account at {}", self.key)))
            }
        }
    }

    fn plan(&self) -> AccountPlan {
        AccountPlan::new(self.settings.registration.contact.clone())
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({} at {})", self.key, self.directory.url())
    }
}

/// Did the certificate authority say that it does not know the account?
pub(super) fn is_forgotten(error: &Error) -> bool {
    error.problem().is_some_and(|problem| problem.kind == ProblemType::AccountDoesNotExist)
}

/// Whether the next key turned out to be the one in force.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Promote {
    Yes,
    No,
}

/// Steps of one use: register, update, change the key, and as many lost races.
const STEPS: usize = 32;
/// Another process's change of the record is noticed after this at the latest.
const FRESH: Duration = Duration::from_secs(60);
/// A server that forgets an account again so soon is not asked to make it again.
const AMNESIA: Duration = Duration::from_secs(600);
