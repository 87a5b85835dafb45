//! Who may work on a record: a claim inside the record itself, taken by compare-and-swap.
//!
//! Because the claim is in what it protects, taking over makes every later write of the former holder conflict, however wrong its clock is
//! and however long it slept. Times only decide when others try.

use acme_core::Timestamp;

use crate::record::{Claim, Record};

/// How a keeper stands to a record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// Nobody works on it, or nobody who still may: take it.
    Free,
    /// It was claimed under this keeper's own name, by a life of it that ended: take it again.
    Ours,
    /// Somebody else works on it.
    Held {
        /// Who.
        by: String,
        /// When it may be taken over.
        until: Timestamp,
    },
}

/// How the keeper called `node` stands to a record with this claim.
pub fn standing(claim: Option<&Claim>, node: &str, now: Timestamp) -> Standing {
    match claim {
        Some(claim) if claim.node == node => Standing::Ours,
        Some(claim) if !claim.until.is_due(now) => Standing::Held { by: claim.node.clone(), until: claim.until },
        Some(_) | None => Standing::Free,
    }
}

/// Claims the record for `node`; answers the number of the claim. It counts once the record is written.
pub fn take(record: &mut Record, node: &str, until: Timestamp) -> u64 {
    record.epoch += 1;
    record.claim = Some(Claim { node: node.to_owned(), epoch: record.epoch, until });
    record.epoch
}

/// Is this claim still the record's?
pub fn holds(record: &Record, node: &str, epoch: u64) -> bool {
    record.claim.as_ref().is_some_and(|claim| claim.node == node && claim.epoch == epoch)
}
