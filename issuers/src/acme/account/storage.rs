//! The record of an account, shared with other processes.

use std::time::Duration;

use acme_core::flow::{AccountEvent, AccountFlow, AccountOutcome, Next, OrderPace};
use acme_core::{Error, ErrorKind, Expect, PrivateKey, Signer as _, Version};

use super::record::Record;
use super::{Account, Held};

impl Account {
    /// Another process may have changed the record: a version that is not ours any more is read again.
    pub(super) async fn look_again(&self, held: &mut Held) {
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
    pub(super) async fn load(&self) -> Result<(Record, Version), Error> {
        let doing = |error: Error| error.while_doing(format_args!("opening the account kept at {}", self.key));
        if let Some(entry) = self.store.get(&self.key).await.map_err(doing)? {
            return Ok((Record::decode(entry.value.expose()).map_err(doing)?, entry.version));
        }
        let flow = AccountFlow::new(self.plan(), OrderPace::default(), self.clock.now());
        let key = match &self.settings.existing {
            Some(existing) => existing.key()?,
            None => PrivateKey::generate(self.settings.key_type)?,
        };
        let record = Record::new(key, flow);
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
    pub(super) async fn want(&self, held: &mut Held) -> Result<(), Error> {
        let Some((record, _)) = &mut held.entry else { return Ok(()) };
        let before = record.flow.clone();
        if !matches!(before.next(self.clock.now()), Next::Done(AccountOutcome::Deactivated)) {
            let _ = record.flow.apply(AccountEvent::Wanted(self.plan()), self.clock.now());
        }
        let mut taken_over = false;
        if let (None, Some(existing)) = (before.url(), &self.settings.existing) {
            // Credentials that led nowhere do not stand in the way of better ones.
            let key = existing.key()?;
            taken_over = record.key.public_key() != key.public_key();
            if taken_over {
                let flow = AccountFlow::new(self.plan(), OrderPace::default(), self.clock.now());
                *record = Record { writes: record.writes, ..Record::new(key, flow) };
            }
        }
        if taken_over || record.flow != before {
            self.save(held).await?;
        }
        Ok(())
    }

    /// Writes the record, and forgets it where somebody else wrote meanwhile (`false`).
    pub(super) async fn save(&self, held: &mut Held) -> Result<bool, Error> {
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

    /// Whether another process put another key in force; then the next use goes on with that.
    pub(in crate::acme) async fn has_another_key(&self) -> bool {
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
}

/// Another process's change of the record is noticed after this at the latest.
const FRESH: Duration = Duration::from_secs(60);
