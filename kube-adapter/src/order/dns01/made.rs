//! Solvers that were made for an account: Challenges of one specification share what it knows of zones, its batches and its credentials.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use acme_core::{ErrorKind, hash};
use solvers::dns01::Dns01;

use crate::crd::acme::dns01::Dns01Solver;

/// Solvers that were made for an account. A change of its issuer, or of a Secret that this one names, is another account: then all are made anew.
#[derive(Default)]
pub(crate) struct DnsSolvers(Mutex<HashMap<[u8; 32], Dns01>>);

impl DnsSolvers {
    /// The one that was made for this specification.
    pub(super) fn find(&self, spec: &Dns01Solver) -> Option<Dns01> {
        self.held().get(&key(spec)?).cloned()
    }

    /// Keeps one, and answers it; the one that was kept meanwhile goes before it.
    pub(super) fn keep(&self, spec: &Dns01Solver, solver: Dns01) -> Dns01 {
        let Some(key) = key(spec) else { return solver };
        let mut held = self.held();
        if held.len() >= MOST {
            // Who uses one holds it.
            held.clear();
        }
        held.entry(key).or_insert(solver).clone()
    }

    /// The one of this specification failed so. What may have failed by its credentials, or by what it knew of zones, is made anew.
    pub(in crate::order) fn failed(&self, spec: &Dns01Solver, kind: ErrorKind) {
        if !matches!(kind, ErrorKind::Busy | ErrorKind::Unreachable | ErrorKind::Conflict)
            && let Some(key) = key(spec)
        {
            self.held().remove(&key);
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<[u8; 32], Dns01>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A digest: the configuration of a webhook may hold what should not be kept twice.
fn key(spec: &Dns01Solver) -> Option<[u8; 32]> {
    serde_json::to_vec(spec).ok().map(|it| hash::sha256(&it))
}

/// An issuer has some ten solvers; more come only from Challenges that are older than its last change.
const MOST: usize = 64;
