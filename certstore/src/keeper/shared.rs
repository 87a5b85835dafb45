//! What the handles and the work share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use acme_core::flow::Waiting;
use acme_core::{Error, ErrorKind, Key, Timestamp};
use issuers::{Issuer, IssuerId};

use super::events::Outlet;
use super::inbox::{Door, Inbox, lock};
use super::roster::Roster;
use crate::holding::Ground;
use crate::{Serve, Spec};

pub(super) struct Shared {
    pub(super) ground: Arc<Ground>,
    pub(super) issuers: Vec<Arc<dyn Issuer>>,
    pub(super) serve: Option<Arc<dyn Serve>>,
    pub(super) outlet: Outlet,
    pub(super) inbox: Inbox<Command>,
    pub(super) ended: Door,
    pub(super) roster: Roster,
    pub(super) cap: usize,
    held_back: AtomicBool,
    /// What issuances under way wait for: newer than what their records say.
    waiting: Mutex<HashMap<Key, Waiting>>,
}

/// What a handle asks of the work.
pub(super) enum Command {
    /// The record under this key has changed.
    Look(Key),
    /// Something outside has changed: nobody needs to wait longer.
    Nudge,
    /// Issuing may begin.
    Begin,
    /// Stop; what is not done by then is dropped.
    Stop { deadline: Timestamp },
}

impl Shared {
    pub(super) fn new(
        ground: Arc<Ground>,
        issuers: Vec<Arc<dyn Issuer>>,
        serve: Option<Arc<dyn Serve>>,
        cap: usize,
        held_back: bool,
    ) -> Self {
        Self {
            ground,
            issuers,
            serve,
            outlet: Outlet::default(),
            inbox: Inbox::new(),
            ended: Door::default(),
            roster: Roster::default(),
            cap,
            held_back: AtomicBool::new(held_back),
            waiting: Mutex::default(),
        }
    }

    pub(super) fn issuer(&self, id: &IssuerId) -> Option<&Arc<dyn Issuer>> {
        self.issuers.iter().find(|it| it.id() == id)
    }

    /// Who issues for a spec.
    pub(super) fn issuer_for(&self, spec: &Spec) -> Result<&Arc<dyn Issuer>, Error> {
        let found = match &spec.issuer {
            Some(id) => self.issuer(id),
            None => self.issuers.first(),
        };
        match (found, &spec.issuer) {
            (Some(issuer), _) => Ok(issuer),
            (None, Some(id)) => Err(self.unknown(id)),
            (None, None) => {
                Err(Error::new(ErrorKind::Unsupported, "this keeper has no issuer: it serves what others issue"))
            }
        }
    }

    pub(super) fn unknown(&self, id: &IssuerId) -> Error {
        let known: Vec<&str> = self.issuers.iter().map(|it| it.id().as_str()).collect();
        Error::new(
            ErrorKind::Unsupported,
            format!("this keeper has no issuer called {id}; it has: {}", known.join(", ")),
        )
    }

    pub(super) fn is_held_back(&self) -> bool {
        self.held_back.load(Ordering::Acquire)
    }

    pub(super) fn begin(&self) {
        self.held_back.store(false, Ordering::Release);
    }

    pub(super) fn set_waiting(&self, key: &Key, waiting: Waiting) {
        lock(&self.waiting).insert(key.clone(), waiting);
    }

    pub(super) fn clear_waiting(&self, key: &Key) {
        lock(&self.waiting).remove(key);
    }

    pub(super) fn waiting(&self, key: &Key) -> Option<Waiting> {
        lock(&self.waiting).get(key).cloned()
    }
}
