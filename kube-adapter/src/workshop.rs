//! Where keys are made and certificates signed: off the loop, as many at a time as there are cores.

use std::sync::Arc;

use acme_core::{Error, ErrorKind};
use tokio::sync::Semaphore;

/// Runs what costs processor time.
#[derive(Debug, Clone)]
pub(crate) struct Workshop {
    benches: Arc<Semaphore>,
}

impl Workshop {
    /// A workshop for `benches` pieces of work at the same time.
    pub(crate) fn new(benches: usize) -> Self {
        Self { benches: Arc::new(Semaphore::new(benches.max(1))) }
    }

    /// Does one piece of work.
    ///
    /// # Errors
    /// `Internal` when the work panicked.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let _bench = self.benches.acquire().await;
        tokio::task::spawn_blocking(work).await.map_err(|source| {
            Error::new(ErrorKind::Internal, "work on a key or a certificate broke off").with_source(source)
        })
    }
}
