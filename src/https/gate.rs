//! Nothing is proven through a port before it is served.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use acme_core::protocol::ChallengeType;
use async_trait::async_trait;
use solvers::{Error, Presentation, Readiness, Solver};

/// Opens once, when the port is served.
#[derive(Debug, Clone, Default)]
pub(super) struct Gate(Arc<AtomicBool>);

impl Gate {
    pub(super) fn open(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_open(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A solver whose answers count as visible only once the gate is open.
pub(super) struct Gated<S> {
    pub(super) solver: S,
    pub(super) gate: Gate,
}

#[async_trait]
impl<S: Solver> Solver for Gated<S> {
    fn challenge(&self) -> ChallengeType {
        self.solver.challenge()
    }

    async fn present(&self, presentation: &Presentation) -> Result<(), Error> {
        self.solver.present(presentation).await
    }

    async fn check(&self, presentation: &Presentation) -> Result<Readiness, Error> {
        if self.gate.is_open() {
            return self.solver.check(presentation).await;
        }
        Ok(Readiness::NotYet {
            again_after: Duration::from_millis(200),
            missing: "the port is not served yet: call `listen` or `server_config`".to_owned(),
        })
    }

    async fn clean_up(&self, presentation: &Presentation) -> Result<(), Error> {
        self.solver.clean_up(presentation).await
    }
}
