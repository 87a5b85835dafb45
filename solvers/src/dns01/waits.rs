//! A fixed time instead of a look.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use acme_core::Timestamp;

use crate::{Readiness, limits};

/// Since when each value is written; at most [`limits::DNS_WAITS`]. One that is not known, as after a restart, counts from the first question about it.
#[derive(Debug, Default)]
pub(super) struct Waits(Mutex<HashMap<String, Timestamp>>);

impl Waits {
    /// The value is written; a repeat changes nothing.
    pub(super) fn begin(&self, value: &str, now: Timestamp) -> Timestamp {
        let mut held = self.held();
        if held.len() >= limits::DNS_WAITS {
            held.clear();
        }
        *held.entry(value.to_owned()).or_insert(now)
    }

    /// Whether the value has been there for `delay`.
    pub(super) fn look(&self, value: &str, delay: Duration, now: Timestamp) -> Readiness {
        let again_after = delay.saturating_sub(now.since(self.begin(value, now)));
        if again_after.is_zero() {
            return Readiness::Ready;
        }
        let missing = format!("a part of the {delay:?} that are waited for the record to be served");
        Readiness::NotYet { again_after, missing }
    }

    /// The value is gone.
    pub(super) fn end(&self, value: &str) {
        self.held().remove(value);
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_waited_for_are_bounded_in_number() {
        let waits = Waits::default();
        for number in 0..=limits::DNS_WAITS {
            waits.begin(&number.to_string(), Timestamp::EPOCH);
        }
        assert!(waits.held().len() <= limits::DNS_WAITS);
    }
}
