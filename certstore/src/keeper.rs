//! Keeps certificates: issues, renews, stores, and hands them to whoever serves.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::{Error, ErrorKind, Expect, Key, Retry, Store};
use issuers::{Issuer, Timer};

use crate::holding::Ground;
use crate::record::Record;
use crate::{Serve, Spec};

mod attend;
mod events;
mod inbox;
mod plan;
mod readiness;
mod roster;
mod runner;
mod schedule;
mod shared;
mod status;

pub use events::{Event, Events, Happening, Notice};
pub use plan::Why;
pub use schedule::Schedule;
pub use status::{Served, Status, Step};

use readiness::{Readiness, readiness};
use runner::Runner;
use shared::{Command, Shared};

/// A handle to a keeper of certificates. Clones are cheap and share one keeper.
///
/// [`Keeper::builder`] opens it over a store; what is stored is served at once. [`ensure`](Self::ensure) says what shall exist; the keeper makes
/// keys, gets certificates from its issuers, stores both before they are used, and renews them in time. All it knows is in the store:
/// it may be killed at any moment, and several keepers may share a store.
///
/// Dropping the handles stops nothing; [`shutdown`](Self::shutdown) does.
#[derive(Clone)]
pub struct Keeper(Arc<Shared>);

impl Keeper {
    /// A keeper over a store, with issuers (the first is the one for specs that name none) and a timer.
    pub fn builder(
        store: Arc<dyn Store>,
        issuers: impl IntoIterator<Item = Arc<dyn Issuer>>,
        timer: Arc<dyn Timer>,
    ) -> Builder {
        Builder {
            store,
            issuers: issuers.into_iter().collect(),
            timer,
            serve: None,
            node: None,
            lease: LEASE,
            at_once: AT_ONCE,
            cap: PER_DAY,
            held_back: false,
        }
    }

    /// Says that a certificate shall exist. When this returns, the wish is stored; the work begins at once.
    ///
    /// What exists under the same name is replaced when it differs; until then it stays in use.
    ///
    /// # Errors
    /// `Unsupported` when there is no such issuer; `Malformed` when nobody could issue it, as [`Spec::draft`] says; what the store says.
    pub async fn ensure(&self, spec: Spec) -> Result<(), Error> {
        self.0.issuer_for(&spec)?;
        spec.draft()?;
        let key = Spec::key_of(&spec.name)?;
        self.change(&key, |found| match found {
            Some(mut record) if record.spec != spec => {
                record.spec = spec.clone();
                // What failed may have been the old wish's fault.
                if !asked_to_wait(&record) {
                    record.history.not_before = None;
                }
                Ok(Some(record))
            }
            Some(_) => Ok(None),
            None => Ok(Some(Record::new(spec.clone()))),
        })
        .await?;
        // Who waits for it next need not ask for a second look.
        self.0.roster.enter(&key);
        self.0.inbox.send(Command::Look(key));
        Ok(())
    }

    /// Keeps and serves a certificate no more, and removes it with its key from the store. Forgetting what is not kept is a success.
    ///
    /// # Errors
    /// What the store says.
    pub async fn forget(&self, name: &str) -> Result<(), Error> {
        let key = Spec::key_of(name)?;
        self.0.ground.store.delete(&key, Expect::Anything).await?;
        if let Some(serve) = &self.0.serve {
            serve.withdraw(name);
        }
        self.0.roster.withdraw(&key);
        self.0.outlet.tell(name, Happening::Forgotten);
        self.0.inbox.send(Command::Look(key));
        Ok(())
    }

    /// Wants a new certificate, whatever the age of the one in use. A pause after failures is cut short, unless the certificate authority asked for it.
    ///
    /// # Errors
    /// `NotFound` when nothing of this name is kept; what the store says.
    pub async fn renew_now(&self, name: &str) -> Result<(), Error> {
        let key = Spec::key_of(name)?;
        let now = self.0.ground.now();
        self.change(&key, |found| match found {
            Some(mut record) => {
                record.requested = Some(now);
                if !asked_to_wait(&record) {
                    record.history.not_before = None;
                }
                Ok(Some(record))
            }
            None => Err(not_kept(name)),
        })
        .await?;
        self.0.inbox.send(Command::Look(key));
        Ok(())
    }

    /// How a certificate stands: what is stored, what is done next and why, how it failed.
    ///
    /// # Errors
    /// `NotFound` when nothing of this name is kept; what the store says.
    pub async fn status(&self, name: &str) -> Result<Status, Error> {
        let key = Spec::key_of(name)?;
        let record = self.read(name, &key).await?;
        let leaf = record.current().and_then(|it| it.leaf().ok());
        let plan = attend::decide(&self.0, &record, leaf.as_ref());
        let waiting = self.0.waiting(&key);
        Ok(Status::of(record, leaf.as_ref(), plan, waiting))
    }

    /// Waits until the certificate of this name is stored and whoever connects is served it: what the builder was told to [`serve`](Builder::serve)
    /// with has taken it. Without that, until it is in the store.
    ///
    /// # Errors
    /// `NotFound` when nothing of this name is kept, `Internal` when the keeper shut down before, and what the store says. Where there is no
    /// certificate, the failure of an attempt that no repetition can mend: somebody must act; other failures are waited out. Where there is
    /// one that cannot be served, what [`Serve::install`] said; the next call tries it again.
    pub async fn ready(&self, name: &str) -> Result<(), Error> {
        let key = Spec::key_of(name)?;
        let mut events = self.events();
        let mut unsure = true;
        loop {
            match readiness(&self.0, &key, &self.read(name, &key).await?) {
                Readiness::Served => return Ok(()),
                Readiness::Failed(error) => return Err(error),
                // Another keeper issued it, or it was refused before: nobody may be about to look.
                Readiness::Stored | Readiness::Unknown if unsure => self.0.inbox.send(Command::Look(key.clone())),
                Readiness::Stored | Readiness::Unknown | Readiness::None => {}
            }
            loop {
                let Some(notice) = events.next().await else {
                    let what = format!("the keeper shut down before the certificate for {name} was served");
                    return Err(Error::new(ErrorKind::Internal, what));
                };
                unsure = notice.missed > 0;
                match notice.event {
                    Event { name: of, what: Happening::NotServed { fault } } if of == name => {
                        return Err(fault.to_error());
                    }
                    Event { name: of, .. } if of == name || unsure => break,
                    Event { .. } => {}
                }
            }
        }
    }

    /// What happens from now on.
    pub fn events(&self) -> Events {
        self.0.outlet.subscribe()
    }

    /// Says that something outside has changed: whatever an issuance waits for is looked at now.
    pub fn nudge(&self) {
        self.0.inbox.send(Command::Nudge);
    }

    /// Lets issuing begin, where the builder [held it back](Builder::hold_back).
    pub fn begin(&self) {
        self.0.begin();
        self.0.inbox.send(Command::Begin);
    }

    /// Stops: nothing new is begun, what runs may end within `grace`, the rest is dropped. Everything can be resumed by the next keeper over the same store.
    pub async fn shutdown(&self, grace: Duration) {
        let deadline = self.0.ground.now() + grace;
        self.0.inbox.send(Command::Stop { deadline });
        self.0.ended.opened().await;
    }

    /// Whether it has stopped.
    pub fn is_shut_down(&self) -> bool {
        self.0.ended.is_open()
    }

    async fn read(&self, name: &str, key: &Key) -> Result<Record, Error> {
        match self.0.ground.store.get(key).await? {
            Some(entry) => Record::decode(entry.value.expose()).map_err(|error| error.while_doing(key)),
            None => Err(not_kept(name)),
        }
    }

    /// Changes a record by compare-and-swap, whoever holds its claim.
    async fn change(
        &self,
        key: &Key,
        change: impl Fn(Option<Record>) -> Result<Option<Record>, Error>,
    ) -> Result<(), Error> {
        let ground = &self.0.ground;
        let mut tries = 0;
        loop {
            let entry = ground.store.get(key).await?;
            let (found, expect) = match entry {
                Some(entry) => {
                    let record = Record::decode(entry.value.expose()).map_err(|error| error.while_doing(key))?;
                    (Some(record), Expect::Version(entry.version))
                }
                None => (None, Expect::Absent),
            };
            let Some(mut record) = change(found)? else {
                return Ok(());
            };
            match ground.write(key, &mut record, expect).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Conflict && tries < RACES => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("node", &self.0.ground.node).finish_non_exhaustive()
    }
}

/// What a keeper needs to know before it opens.
#[must_use = "open it"]
pub struct Builder {
    store: Arc<dyn Store>,
    issuers: Vec<Arc<dyn Issuer>>,
    timer: Arc<dyn Timer>,
    serve: Option<Arc<dyn Serve>>,
    node: Option<String>,
    lease: Duration,
    at_once: usize,
    cap: usize,
    held_back: bool,
}

impl Builder {
    /// Tells `serve` what to serve: a `Resolver`, as a rule.
    pub fn serve(mut self, serve: Arc<dyn Serve>) -> Self {
        self.serve = Some(serve);
        self
    }

    /// The keeper's name in claims. A name that stays the same lets the next life of this process go on at once with what this one leaves; it
    /// must be of no other living keeper over the store. Without one, the next life waits until the claim ends.
    pub fn node(mut self, name: impl Into<String>) -> Self {
        self.node = Some(name.into());
        self
    }

    /// How long a claim holds without a sign of life; a minute unless told. Correctness does not depend on it.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(Duration::from_secs(1));
        self
    }

    /// How many certificates are worked on at once; 16 unless told.
    pub fn at_once(mut self, count: usize) -> Self {
        self.at_once = count;
        self
    }

    /// How many certificates for one set of names may be issued in a day; 5 unless told. A defect somewhere must not use up a certificate authority's patience.
    pub fn per_day(mut self, count: usize) -> Self {
        self.cap = count.max(1);
        self
    }

    /// Serves what is stored, and issues nothing before [`Keeper::begin`]: when a validator's port is bound later.
    pub fn hold_back(mut self) -> Self {
        self.held_back = true;
        self
    }

    /// Reads the store and serves what is in it. Answers the handle, and the work: run it beside the rest ([`Work::run`]), or use `spawn`.
    ///
    /// # Errors
    /// What the store says to being listed. A record that cannot be read is an event and a status, never an error here.
    pub async fn open(self) -> Result<Opened, Error> {
        let ground = Ground::new(self.store, self.timer, self.node, self.lease)?;
        let shared = Arc::new(Shared::new(Arc::new(ground), self.issuers, self.serve, self.cap, self.held_back));
        let runner = Runner::open(Arc::clone(&shared), self.at_once).await?;
        Ok(Opened { keeper: Keeper(shared), work: Work(runner) })
    }

    /// Opens it, and runs its work as a task of tokio's.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    ///
    /// # Panics
    /// Outside a runtime of tokio's.
    #[cfg(feature = "tokio")]
    pub async fn spawn(self) -> Result<Keeper, Error> {
        let Opened { keeper, work } = self.open().await?;
        tokio::spawn(work.run());
        Ok(keeper)
    }
}

/// A keeper that is open, and its work.
#[non_exhaustive]
pub struct Opened {
    /// The handle.
    pub keeper: Keeper,
    /// The work: nothing happens until it runs.
    pub work: Work,
}

/// The work of a keeper. It is one future without a runtime of its own.
#[must_use = "nothing is issued or renewed until it runs"]
pub struct Work(Runner);

impl Work {
    /// Works until [`Keeper::shutdown`].
    pub async fn run(self) {
        self.0.run().await;
    }
}

fn asked_to_wait(record: &Record) -> bool {
    let last = record.history.last.as_ref();
    last.is_some_and(|it| matches!(it.fault.retry, Retry::After(_)))
}

fn not_kept(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("no certificate called {name} is kept"))
}

const LEASE: Duration = Duration::from_secs(60);
const AT_ONCE: usize = 16;
/// Let's Encrypt allows 5 for an exact set in a week, and no exception.
const PER_DAY: usize = 5;
/// Lost races in a row that are a defect rather than a race.
const RACES: u32 = 64;
