//! A token that a platform signed, to be exchanged for one of another authority.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use acme_core::{Error, Secret, Timestamp};

use super::{CredentialSource, secret_file};

/// Where such a token is: in a file that the platform replaces every hour or so, or with somebody who asks for one.
pub struct Assertion(Kind);

enum Kind {
    /// Read anew each time.
    File(PathBuf),
    /// Asked each time.
    Source(Arc<dyn CredentialSource<Secret<String>>>),
}

impl Assertion {
    /// The token in a file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Kind::File(path.into()))
    }

    /// The token that `source` gives, such as one that was asked of a cluster for a service account.
    pub fn source(source: Arc<dyn CredentialSource<Secret<String>>>) -> Self {
        Self(Kind::Source(source))
    }

    /// The token, without white space around it.
    pub(super) async fn text(&self, now: Timestamp) -> Result<Secret<String>, Error> {
        match &self.0 {
            Kind::File(path) => Ok(Secret::new(secret_file::read(path)?.expose().trim().to_owned())),
            Kind::Source(source) => Ok(Secret::new(source.credential(now).await?.expose().trim().to_owned())),
        }
    }
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::File(path) => f.debug_tuple("Assertion").field(path).finish(),
            Kind::Source(_) => f.write_str("Assertion(..)"),
        }
    }
}
