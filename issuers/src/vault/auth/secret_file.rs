//! A secret that somebody else writes into a file.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use acme_core::{Error, ErrorKind, Secret, Timestamp};
use async_trait::async_trait;

use super::CredentialSource;
use crate::limits;

/// Reads a secret from a file each time it is asked for, so that whoever writes the file may rotate it: the token of a Kubernetes service account
/// (`/var/run/secrets/kubernetes.io/serviceaccount/token`), a Vault agent's sink, a mounted secret id.
#[derive(Debug, Clone)]
pub struct SecretFile {
    path: PathBuf,
}

impl SecretFile {
    /// The file at `path`; white space around its text does not count.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn read(&self) -> std::io::Result<Secret<String>> {
        // Sized ahead: a string that grows leaves copies behind.
        let mut text = String::with_capacity(limits::SECRET_FILE + 1);
        File::open(&self.path)?.take(limits::SECRET_FILE as u64 + 1).read_to_string(&mut text)?;
        Ok(Secret::new(text))
    }
}

#[async_trait]
impl CredentialSource<Secret<String>> for SecretFile {
    async fn credential(&self, _: Timestamp) -> Result<Arc<Secret<String>>, Error> {
        let path = self.path.display();
        let text = self.read().map_err(|source| {
            Error::new(ErrorKind::NotFound, format!("the secret in {path} cannot be read")).with_source(source)
        })?;
        match text.expose().trim().len() {
            0 => Err(Error::new(ErrorKind::NotFound, format!("the secret in {path} is empty"))),
            1..=limits::SECRET_FILE => Ok(Arc::new(text)),
            _ => Err(Error::new(
                ErrorKind::Malformed,
                format!("the secret in {path} is longer than {} bytes", limits::SECRET_FILE),
            )),
        }
    }

    fn rejected(&self) {}
}
