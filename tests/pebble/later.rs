//! A timer that lives some time ahead of everybody else.

use std::time::Duration;

use acme_core::{Clock, Timestamp};
use async_trait::async_trait;
use issuers::{Timer, TokioTimer};

/// The system's clock, so much later. For a keeper alone: the CA's clock and the issuer's stay right.
#[derive(Clone, Copy)]
pub(crate) struct Later(pub(crate) Duration);

impl Clock for Later {
    fn now(&self) -> Timestamp {
        TokioTimer.now() + self.0
    }
}

#[async_trait]
impl Timer for Later {
    async fn sleep_until(&self, at: Timestamp) {
        TokioTimer.sleep_until(at - self.0).await;
    }
}
