//! How many orders a certificate authority lets an account make: a mirror of its bucket, so that it need not say no.

use std::collections::BTreeMap;
use std::time::Duration;

use acme_core::protocol::Url;
use acme_core::{Error, ErrorKind, Retry, Timestamp};

use super::Sending;
use crate::limits;

/// So many new orders of each account within so long a time, as in a bucket that is refilled steadily: Let's Encrypt has 300 in three hours, one each
/// 36 seconds.
///
/// It is kept in memory: give [`Pace::allowing`](super::Pace::allowing) the orders that were made before. Processes that order under one account take their
/// [`share`](Self::share) each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "complete by definition")]
pub struct Allowance {
    /// So many.
    pub orders: u32,
    /// Within this time.
    pub within: Duration,
}

impl Allowance {
    /// What one of `members` processes may take; at least one order.
    #[must_use]
    pub fn share(self, members: u32) -> Self {
        Self { orders: (self.orders / members.max(1)).max(1), ..self }
    }

    /// How long it takes to get one order back.
    fn refill(self) -> Duration {
        self.within / self.orders.max(1)
    }
}

/// What accounts have spent: for each the time at which its bucket is full again.
#[derive(Debug, Default)]
pub(super) struct Spending {
    allowance: Option<Allowance>,
    full_at: BTreeMap<Url, Timestamp>,
}

impl Spending {
    pub(super) fn new(allowance: Allowance) -> Self {
        Self { allowance: Some(allowance), full_at: BTreeMap::new() }
    }

    /// May this be sent now?
    pub(super) fn permit(&self, sending: Sending<'_>, now: Timestamp) -> Result<(), Error> {
        let (Some(allowance), Some(account)) = (self.allowance, sending.ordering()) else {
            return Ok(());
        };
        let Some(full) = self.full_at.get(account) else { return Ok(()) };
        let next = *full + allowance.refill() - allowance.within;
        if next.is_due(now) {
            return Ok(());
        }
        let (orders, minutes) = (allowance.orders, allowance.within.as_secs() / 60);
        let what =
            format!("this account may make {orders} new orders in {minutes} minutes: the next not before {next}");
        Err(Error::new(ErrorKind::Busy, what).with_retry(Retry::After(next.since(now))))
    }

    /// An order was made at `at`.
    pub(super) fn spend(&mut self, account: &Url, at: Timestamp) {
        let Some(allowance) = self.allowance else { return };
        let full = self.full_at.get(account).copied().unwrap_or(at).max(at);
        self.full_at.insert(account.clone(), full + allowance.refill());
        if self.full_at.len() > limits::SPENDING_ACCOUNTS {
            self.full_at.retain(|_, full| *full > at);
        }
    }
}
