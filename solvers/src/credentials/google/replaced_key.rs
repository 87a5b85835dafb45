//! A service account whose key is replaced now and then.

use std::fmt;
use std::sync::Arc;

use acme_core::{Error, ErrorKind, Timestamp};
use async_trait::async_trait;

use super::ServiceAccount;
use crate::credentials::{AccessToken, CredentialSource, Fetch, Fetched};

/// Logs in with the service account that a source gives, which is asked again when its key was refused.
pub struct ReplacedKey(Arc<dyn CredentialSource<ServiceAccount>>);

impl ReplacedKey {
    /// The service account that `source` gives: read with [`ServiceAccount::from_json`] from a file or a store, say.
    pub fn new(source: Arc<dyn CredentialSource<ServiceAccount>>) -> Self {
        Self(source)
    }
}

#[async_trait]
impl Fetch<AccessToken> for ReplacedKey {
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<AccessToken>, Error> {
        let mut has_second_try = true;
        loop {
            match self.0.credential(now).await?.fetch(now).await {
                Err(error) if error.kind() == ErrorKind::Unauthorized => {
                    self.0.rejected();
                    if !std::mem::take(&mut has_second_try) {
                        return Err(error);
                    }
                }
                outcome => return outcome,
            }
        }
    }
}

impl fmt::Debug for ReplacedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplacedKey(..)")
    }
}
