//! The key of an account that is to be made: stored before the ACME server hears of it.

use std::fmt;

use acme_core::key::Encoding;
use acme_core::{Error, KeyType, PrivateKey};
use serde_json::{Value, json};

use crate::crd::base64::Base64;
use crate::key::Name;

/// A key that lies nowhere yet, and where it shall lie.
pub(crate) struct AccountKey {
    /// The Secret.
    pub(crate) secret: Name,
    /// The key below which it lies there.
    entry: String,
    key: PrivateKey,
}

impl AccountKey {
    /// Makes one: RSA, since cert-manager reads no other. It takes a while.
    ///
    /// # Errors
    /// `Unsupported` or `Internal` when no key could be made.
    pub(super) fn generate(secret: Name, entry: &str) -> Result<Self, Error> {
        Ok(Self { secret, entry: entry.to_owned(), key: PrivateKey::generate(KeyType::Rsa2048)? })
    }

    /// The Secret, as it is to be made.
    pub(crate) fn object(&self) -> Value {
        let pem = self.key.to_pem_as(Encoding::Traditional);
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {
                "name": self.secret.object(), "namespace": self.secret.namespace(),
                "labels": { "app.kubernetes.io/managed-by": "cert-manager" },
            },
            "data": { (self.entry.clone()): Base64::from(pem.expose().as_bytes()) },
        })
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountKey").field("secret", &self.secret).finish_non_exhaustive()
    }
}
