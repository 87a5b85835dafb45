//! A secret in a file, read anew when it was refused.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use acme_core::{Error, ErrorKind, Secret, Timestamp};
use async_trait::async_trait;

use super::{Fetch, Fetched};
use crate::limits;

/// Makes a credential of a file's text. In a [`Refreshing`](super::Refreshing), the file is read when first needed, and again after the other side refused
/// what it held: a rotated secret is picked up without a restart.
pub struct SecretFile<T> {
    path: PathBuf,
    make: Box<Parse<T>>,
}

type Parse<T> = dyn Fn(&Secret<String>) -> Result<T, Error> + Send + Sync;

impl<T> SecretFile<T> {
    /// Reads `path`, and has `make` make a credential of it.
    pub fn new(path: impl Into<PathBuf>, make: impl Fn(&Secret<String>) -> T + Send + Sync + 'static) -> Self {
        Self::parsed(path, move |text| Ok(make(text)))
    }

    /// Reads `path`, and has `parse` read its text in turn.
    pub fn parsed(
        path: impl Into<PathBuf>,
        parse: impl Fn(&Secret<String>) -> Result<T, Error> + Send + Sync + 'static,
    ) -> Self {
        Self { path: path.into(), make: Box::new(parse) }
    }
}

#[async_trait]
impl<T: Send + Sync> Fetch<T> for SecretFile<T> {
    async fn fetch(&self, _: Timestamp) -> Result<Fetched<T>, Error> {
        let made = (self.make)(&read(&self.path)?);
        let about = |error: Error| error.while_doing(format_args!("the file {}", self.path.display()));
        Ok(Fetched::new(made.map_err(about)?, None))
    }
}

impl<T> fmt::Debug for SecretFile<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretFile").field(&self.path).finish()
    }
}

/// The text of a file that holds one secret.
pub(super) fn read(path: &Path) -> Result<Secret<String>, Error> {
    let shown = path.display();
    let fault = |what: &str| Error::new(ErrorKind::Malformed, format!("the file {shown} {what}"));
    let file = File::open(path).map_err(|source| {
        Error::new(ErrorKind::NotFound, format!("the file {shown} with a credential cannot be read"))
            .with_source(source)
    })?;
    let mut bytes = Vec::new();
    file.take(limits::SECRET_FILE + 1).read_to_end(&mut bytes).map_err(|source| {
        Error::new(ErrorKind::Unreachable, format!("the file {shown} cannot be read")).with_source(source)
    })?;
    let is_too_long = u64::try_from(bytes.len()).map_or(true, |length| length > limits::SECRET_FILE);
    let text = Secret::new(String::from_utf8(bytes).map_err(|_| fault("holds no text"))?);
    if is_too_long {
        return Err(fault("is too long for one credential"));
    }
    if text.expose().trim().is_empty() { Err(fault("holds no credential: it is empty")) } else { Ok(text) }
}
