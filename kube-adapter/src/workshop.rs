//! Where keys are made and certificates signed: off the loop, and what takes long in threads of its own, as many as there are cores.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use acme_core::key::{SignatureAlgorithm, Spares};
use acme_core::{Error, ErrorKind, KeyType, PrivateKey};
use tokio::sync::Semaphore;

/// Runs what costs processor time.
#[derive(Clone)]
pub(crate) struct Workshop {
    benches: Arc<Semaphore>,
    all: usize,
    /// RSA keys of the usual size, made while nothing else is to be done: one costs more than the rest of an issuance together.
    spares: Arc<Spares>,
    /// Such keys are in demand here.
    in_demand: Arc<AtomicBool>,
}

/// What a piece of work costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// No more than to hand it to another thread and back: a signature by a short curve.
    Light,
    /// More: RSA, key stores.
    Heavy,
}

impl Weight {
    /// What keys and signatures of an algorithm cost.
    pub(crate) fn of(algorithm: SignatureAlgorithm) -> Self {
        let is_light = matches!(
            algorithm,
            SignatureAlgorithm::EcdsaP256Sha256 | SignatureAlgorithm::EcdsaP384Sha384 | SignatureAlgorithm::Ed25519
        );
        if is_light { Self::Light } else { Self::Heavy }
    }
}

impl Workshop {
    /// A workshop for `benches` pieces of work at the same time.
    pub(crate) fn new(benches: usize) -> Self {
        let all = benches.max(1);
        Self {
            benches: Arc::new(Semaphore::new(all)),
            all,
            spares: Arc::new(Spares::new(KeyType::Rsa2048, MOST_SPARES)),
            in_demand: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Does one piece of work: in place, where that is quicker.
    ///
    /// # Errors
    /// `Internal` when the work panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        weight: Weight,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        if weight == Weight::Light {
            return panic::catch_unwind(AssertUnwindSafe(work))
                .map_err(|_| Error::new(ErrorKind::Internal, "work on a key or a certificate broke off"));
        }
        let bench = self.benches.acquire().await;
        let done = tokio::task::spawn_blocking(work).await.map_err(|source| {
            Error::new(ErrorKind::Internal, "work on a key or a certificate broke off").with_source(source)
        });
        drop(bench);
        self.make_spares();
        done
    }

    /// A new key: one that was made ahead, where there is one.
    ///
    /// # Errors
    /// As [`PrivateKey::generate`].
    pub(crate) async fn key(&self, kind: KeyType) -> Result<PrivateKey, Error> {
        if kind == KeyType::Rsa2048 {
            self.in_demand.store(true, Ordering::Relaxed);
        }
        match self.spares.take_ready(kind) {
            Some(key) => {
                self.make_spares();
                Ok(key)
            }
            None => {
                let weight = Weight::of(kind.algorithm());
                self.run(weight, move || PrivateKey::generate(kind)).await.and_then(|it| it)
            }
        }
    }

    /// Makes spare keys one after the other, as long as nobody else works here.
    fn make_spares(&self) {
        let is_idle = self.benches.available_permits() == self.all;
        if !is_idle || self.spares.lacking() == 0 || !self.in_demand.load(Ordering::Relaxed) {
            return;
        }
        let workshop = self.clone();
        tokio::spawn(async move {
            while workshop.spares.lacking() > 0 && workshop.benches.available_permits() == workshop.all {
                let Ok(_bench) = workshop.benches.try_acquire() else { break };
                let spares = Arc::clone(&workshop.spares);
                if !matches!(tokio::task::spawn_blocking(move || spares.make_one()).await, Ok(Ok(()))) {
                    break;
                }
            }
        });
    }
}

/// Spare keys that are kept.
const MOST_SPARES: usize = 8;
