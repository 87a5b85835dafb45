//! A clock that never jumps.

use std::time::{Duration, Instant};

use acme_core::{Clock, Timestamp};
use async_trait::async_trait;
use issuers::Timer;

/// Time since this was made, as times after [`Timestamp::EPOCH`]: fit for comparing with itself and nothing else.
///
/// Corrections of the wall clock do not touch it, and it goes on while the process is stopped.
#[derive(Debug, Clone, Copy)]
pub struct Monotonic {
    start: Instant,
}

impl Monotonic {
    /// A clock that starts now.
    #[expect(clippy::disallowed_methods, reason = "this is a clock that others are given")]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for Monotonic {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for Monotonic {
    fn now(&self) -> Timestamp {
        // A second ahead, so that "one second ago" can be expressed from the start.
        Timestamp::EPOCH + Duration::from_secs(1) + self.start.elapsed()
    }
}

#[async_trait]
impl Timer for Monotonic {
    #[expect(clippy::disallowed_methods, reason = "this is the sleep that drivers are given")]
    async fn sleep_until(&self, at: Timestamp) {
        tokio::time::sleep(at.since(self.now())).await;
    }
}
