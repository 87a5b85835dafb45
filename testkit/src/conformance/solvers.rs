//! The suites of the solvers' traits.

mod memory;
mod provider;
mod solver;

use std::future::Future;
use std::time::Duration;

pub use memory::MemoryDns;
pub use provider::{dns_provider, two_slot_dns_provider};
pub use solver::solver;

use super::Breach;

/// Clause 7 of both contracts: whatever is called ends.
async fn bounded<T>(doing: &str, call: impl Future<Output = T>) -> Result<T, Breach> {
    tokio::time::timeout(CALL_LIMIT, call)
        .await
        .map_err(|_| Breach::new(7, format!("{doing} did not end within {CALL_LIMIT:?}")))
}

#[expect(clippy::disallowed_methods, reason = "a suite is a driver: what comes soon is waited for")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Longer than any sum of bounded requests, shorter than any wait for something to become true.
const CALL_LIMIT: Duration = Duration::from_secs(90);

/// How long "soon" is.
const SOON: Duration = Duration::from_secs(60);

/// How many callers come at once.
const CROWD: usize = 16;
