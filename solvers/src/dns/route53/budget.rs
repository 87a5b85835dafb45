//! How often one account may ask.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use acme_core::{Error, ErrorKind, Retry, Timestamp};

/// The allowance of an AWS account at Route 53: five requests in any second for all its principals together. Share one among all providers of an account.
///
/// What is beyond it is `Busy` with the time after which it may be asked again; nothing waits here.
#[derive(Debug)]
pub struct Budget {
    most: usize,
    /// When the last ones went, the oldest first.
    went: Mutex<VecDeque<Timestamp>>,
}

impl Budget {
    /// An allowance of `requests` in any second, at least one.
    #[must_use]
    pub fn per_second(requests: usize) -> Self {
        Self { most: requests.max(1), went: Mutex::default() }
    }

    /// Takes one request.
    pub(super) fn take(&self, now: Timestamp) -> Result<(), Error> {
        let mut went = self.went.lock().unwrap_or_else(PoisonError::into_inner);
        // What lies ahead went before the clock jumped back.
        went.retain(|at| at.is_due(now) && now.since(*at) < SECOND);
        match went.front() {
            Some(oldest) if went.len() >= self.most => {
                let wait = SECOND.saturating_sub(now.since(*oldest));
                let what = format!("this process asks Route 53 no more than {} times a second", self.most);
                Err(Error::new(ErrorKind::Busy, what).with_retry(Retry::After(wait)))
            }
            _ => {
                went.push_back(now);
                Ok(())
            }
        }
    }
}

/// Route 53's own limit.
impl Default for Budget {
    fn default() -> Self {
        Self::per_second(5)
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_go_in_any_second() {
        let budget = Budget::default();
        let start = Timestamp::from_unix_seconds(1_000);
        let after = |millis| start + Duration::from_millis(millis);
        for millis in [0, 100, 200, 300, 400] {
            budget.take(after(millis)).unwrap();
        }
        let error = budget.take(after(500)).unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Busy, Retry::After(Duration::from_millis(500))));
        budget.take(after(1_000)).unwrap();
        budget.take(after(1_050)).unwrap_err();
    }

    #[test]
    fn a_clock_that_jumps_back_leaves_no_debt() {
        let budget = Budget::per_second(1);
        budget.take(Timestamp::from_unix_seconds(10_000)).unwrap();
        budget.take(Timestamp::from_unix_seconds(1_000)).unwrap();
    }
}
