//! Whether whoever connects is served what is wanted.

use acme_core::flow::Waiting;
use acme_core::{Error, Key, Retry};

use super::attend::decide;
use super::plan::Plan;
use super::roster;
use super::shared::Shared;
use crate::record::Record;

/// How far a certificate is.
pub(super) enum Readiness {
    /// Whoever serves has taken it; it is in the store, where nobody serves.
    Served,
    /// It is in the store, and nobody has taken it yet.
    Stored,
    /// There is none, and no repetition can mend why.
    Failed(Error),
    /// There is none yet, and this keeper has never looked at the record.
    Unknown,
    /// There is none yet.
    None,
}

/// What a record and this keeper's memory say: being in the store alone serves nobody.
pub(super) fn readiness(shared: &Shared, key: &Key, record: &Record) -> Readiness {
    if let Some(credential) = record.current()
        && credential.leaf().is_ok()
        && let Some(print) = roster::print(credential)
    {
        return match &shared.serve {
            Some(_) if !shared.roster.is_served_of(key, &print) => Readiness::Stored,
            Some(_) | None => Readiness::Served,
        };
    }
    let stands = matches!(decide(shared, record, None), Plan::Rest { waiting: Waiting::Retry { .. }, .. });
    match record.history.last.as_ref().filter(|it| stands && it.fault.retry == Retry::Never) {
        Some(last) => Readiness::Failed(last.fault.to_error()),
        None if shared.roster.knows(key) => Readiness::None,
        None => Readiness::Unknown,
    }
}
