//! A token from elsewhere.

use std::fmt;

use acme_core::{Error, Secret, Timestamp};
use async_trait::async_trait;

use super::{Auth, CredentialSource, Proof};

/// Uses a token that somebody else made.
///
/// Where it may be renewed it is, when the issuer is used or [checked](crate::vault::VaultIssuer::check) in the second half of its life: check at
/// least that often. A token that ends for good is replaced by what the source has by then.
pub struct Token {
    source: Box<dyn CredentialSource<Secret<String>>>,
}

impl Token {
    /// The token that `source` has.
    pub fn new(source: impl CredentialSource<Secret<String>> + 'static) -> Self {
        Self { source: Box::new(source) }
    }
}

#[async_trait]
impl Auth for Token {
    async fn proof(&self, now: Timestamp) -> Result<Proof, Error> {
        self.source.credential(now).await.map(Proof::Token)
    }

    fn rejected(&self) {
        self.source.rejected();
    }

    fn advice(&self) -> &'static str {
        "give a token that is alive"
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}
