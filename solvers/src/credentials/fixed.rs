//! A credential that the caller holds.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use acme_core::{Error, Timestamp};
use async_trait::async_trait;

use super::CredentialSource;

/// One credential, answered until another one is [`set`](Self::set). Copies share it.
pub struct Fixed<T>(Arc<Mutex<Arc<T>>>);

impl<T> Fixed<T> {
    /// Answers `credential`.
    pub fn new(credential: T) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(credential))))
    }

    /// Answers `credential` from now on.
    pub fn set(&self, credential: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(credential);
    }
}

#[async_trait]
impl<T: Send + Sync> CredentialSource<T> for Fixed<T> {
    async fn credential(&self, _: Timestamp) -> Result<Arc<T>, Error> {
        Ok(Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn rejected(&self) {}
}

impl<T> Clone for Fixed<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Fixed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fixed(..)")
    }
}
