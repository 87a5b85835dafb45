//! A clock that can be put forward, for controllers that talk to real servers.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use acme_core::{Clock, Timestamp};
use async_trait::async_trait;
use issuers::{Timer, TokioTimer};

/// Real time, and some more each time that somebody says so.
#[derive(Default)]
pub struct Ahead {
    millis: AtomicI64,
}

impl Ahead {
    /// Later, all at once.
    pub fn jump(&self, by: Duration) {
        self.millis.fetch_add(i64::try_from(by.as_millis()).expect("a time"), Ordering::SeqCst);
    }
}

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        TokioTimer.now() + Duration::from_millis(self.millis.load(Ordering::SeqCst).unsigned_abs())
    }
}

#[async_trait]
impl Timer for Ahead {
    async fn sleep_until(&self, at: Timestamp) {
        // It may return early; a jump is noticed soon.
        let pause = at.since(self.now()).min(SOON);
        TokioTimer.sleep_until(TokioTimer.now() + pause).await;
    }
}

const SOON: Duration = Duration::from_millis(20);
