//! The port to waiting. Given to drivers only.

use acme_core::{Clock, Timestamp};
use async_trait::async_trait;

/// A clock that can be waited on.
///
/// # Contract
/// 1. `sleep_until` returns at once when `at` is past, and otherwise not long after it.
/// 2. It may return early; callers look at the time again.
#[async_trait]
pub trait Timer: Clock {
    /// Waits until `at`.
    async fn sleep_until(&self, at: Timestamp);
}

/// The system's clock and tokio's sleep.
#[cfg(feature = "tokio")]
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioTimer;

#[cfg(feature = "tokio")]
impl Clock for TokioTimer {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
    fn now(&self) -> Timestamp {
        std::time::SystemTime::now().into()
    }
}

#[cfg(feature = "tokio")]
#[async_trait]
impl Timer for TokioTimer {
    #[expect(clippy::disallowed_methods, reason = "this is the sleep that drivers are given")]
    async fn sleep_until(&self, at: Timestamp) {
        /// Looks at the wall clock this often at the least, so that a suspended machine or a corrected clock is noticed.
        const LONGEST: std::time::Duration = std::time::Duration::from_secs(60);
        tokio::time::sleep(at.since(self.now()).min(LONGEST)).await;
    }
}
