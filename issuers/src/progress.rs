//! Where an issuance keeps what must survive a crash.

use acme_core::{Error, Secret};
use async_trait::async_trait;

/// The memory of one issuance, kept by whoever drives it.
///
/// # Contract
/// 1. When `save` returned `Ok`, a crash loses nothing of it, and the record is still held by this process.
/// 2. After [`ProgressError::Lost`], every later `save` fails the same way.
#[async_trait]
pub trait Progress: Send {
    /// What was saved last, by this process or by one before it.
    fn state(&self) -> Option<&[u8]>;

    /// Makes `state` durable.
    async fn save(&mut self, state: &[u8]) -> Result<(), ProgressError>;
}

/// Why a save failed.
#[derive(Debug, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "an issuer must obey both")]
pub enum ProgressError {
    /// Somebody else holds the record now: stop, send nothing.
    #[error("the record is held by somebody else now")]
    Lost,
    /// It may or may not be durable: send nothing irreversible, try again later.
    #[error("the state could not be saved")]
    Failed(#[source] Error),
}

impl From<ProgressError> for Error {
    fn from(error: ProgressError) -> Self {
        match error {
            ProgressError::Lost => Self::new(acme_core::ErrorKind::Conflict, "the record is held by somebody else now"),
            ProgressError::Failed(source) => {
                let retry = source.retry();
                Self::new(source.kind(), "the state of the issuance could not be saved")
                    .with_retry(retry)
                    .with_source(source)
            }
        }
    }
}

/// A progress in memory: for issuances that may be lost with the process, and for tests.
#[derive(Debug, Default)]
pub struct InMemory {
    state: Option<Secret<Vec<u8>>>,
}

impl InMemory {
    /// Nothing saved yet.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Progress for InMemory {
    fn state(&self) -> Option<&[u8]> {
        self.state.as_ref().map(|state| state.expose().as_slice())
    }

    async fn save(&mut self, state: &[u8]) -> Result<(), ProgressError> {
        self.state = Some(Secret::new(state.to_vec()));
        Ok(())
    }
}
