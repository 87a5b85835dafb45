//! Who signs for an account.

use std::sync::Arc;

use async_trait::async_trait;

use crate::client::Needs;
use crate::jose::{self, By, Jwk};
use crate::protocol::Url;
use crate::{Error, Signer};

/// Signs the requests of an account. What it cannot say it refuses, before anything is sent.
#[async_trait]
pub(crate) trait Hand: Send + Sync {
    /// The request to `url` as it travels; `payload` is JSON, or empty for POST-as-GET.
    async fn sign(&self, account: &Url, nonce: &str, url: &Url, payload: &[u8]) -> Result<Vec<u8>, Error>;

    /// The thumbprint of the account's key.
    fn thumbprint(&self) -> &str;

    /// Which of `needs` it cannot say.
    fn lacks(&self, needs: Needs) -> Needs;

    /// The public key, to be named where another one takes its place.
    fn replaceable(&self) -> Result<&Jwk, Error>;
}

/// A key that signs for its account.
pub(super) struct Keyed {
    key: Arc<dyn Signer>,
    jwk: Jwk,
    thumbprint: String,
}

impl Keyed {
    pub(super) fn new(key: Arc<dyn Signer>) -> Result<Self, Error> {
        let jwk = Jwk::from_spki(key.public_key())?;
        Ok(Self { key, thumbprint: jwk.thumbprint(), jwk })
    }
}

#[async_trait]
impl Hand for Keyed {
    async fn sign(&self, account: &Url, nonce: &str, url: &Url, payload: &[u8]) -> Result<Vec<u8>, Error> {
        jose::sign(self.key.as_ref(), By::Account(account), Some(nonce), url, payload).await?.to_json()
    }

    fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    fn lacks(&self, _: Needs) -> Needs {
        Needs::NONE
    }

    fn replaceable(&self) -> Result<&Jwk, Error> {
        Ok(&self.jwk)
    }
}
