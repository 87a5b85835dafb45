//! A look into a controller while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{mpsc, oneshot};

use super::{Metrics, Series};

/// Tells whether a controller has seen everything, and what its metrics are. Clones look into the same one.
#[derive(Debug, Clone)]
pub struct Inspector {
    metrics: Metrics,
    complete: Arc<AtomicBool>,
    asks: mpsc::Sender<Ask>,
}

/// The controller's end of it.
#[derive(Debug)]
pub(crate) struct Inspected {
    pub(crate) metrics: Metrics,
    complete: Arc<AtomicBool>,
    asks: mpsc::Receiver<Ask>,
}

/// A question that waits for its answer.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) series: Series,
    pub(crate) answer: oneshot::Sender<String>,
}

impl Inspector {
    pub(crate) fn pair() -> (Self, Inspected) {
        let (sender, asks) = mpsc::channel(ASKS);
        let (metrics, complete) = (Metrics::default(), Arc::new(AtomicBool::new(false)));
        let inspected = Inspected { metrics: metrics.clone(), complete: Arc::clone(&complete), asks };
        (Self { metrics, complete, asks: sender }, inspected)
    }

    /// Has the controller seen everything that it looks after? It acts on nothing before.
    pub fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    /// The metrics in Prometheus' text format; `None` when the controller has ended.
    pub async fn metrics(&self, series: Series) -> Option<String> {
        let (answer, answered) = oneshot::channel();
        self.asks.send(Ask { series, answer }).await.ok()?;
        answered.await.ok()
    }

    /// What is counted, to count more.
    pub fn counters(&self) -> &Metrics {
        &self.metrics
    }
}

impl Inspected {
    /// The next question; for ever when nobody can ask any more.
    pub(crate) async fn asked(&mut self) -> Ask {
        match self.asks.recv().await {
            Some(ask) => ask,
            None => std::future::pending().await,
        }
    }

    pub(crate) fn set_complete(&self, complete: bool) {
        self.complete.store(complete, Ordering::Release);
    }
}

/// Scrapes that wait at once.
const ASKS: usize = 4;
