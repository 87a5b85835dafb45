//! A store in a folder, shared by the processes of one machine.

use std::path::Path;
use std::sync::Arc;

use acme_core::{Entry, Error, ErrorKind, Expect, Key, Page, Prefix, Secret, Store, Version};
use async_trait::async_trait;

use crate::blocking::blocking;
use folder::Folder;

mod folder;
mod lock;

/// A [`Store`] in a folder of a local file system.
///
/// Any number of processes of one machine may open the same folder. A change holds a lock of the operating system while it compares and
/// swaps, so a killed process leaves no lock behind; a value is written beside its place, flushed, and renamed into it, so a reader sees
/// the old value or the new one. Files are readable by their owner alone.
///
/// Segments of a key become folders; the file of a value ends in `@value`, which no key does, so `a` and `a/b` live side by side.
///
/// Clones share one folder. With feature `tokio` and inside its runtime, files are touched on threads made for blocking work; otherwise where
/// the call is made.
#[derive(Debug, Clone)]
pub struct FileStore(Arc<Folder>);

impl FileStore {
    /// Opens `folder`, and makes it when it is missing. Proves that it can be written, that its locks exclude, and sweeps what a killed process left half-written.
    ///
    /// # Errors
    /// `Unauthorized` when the folder may not be written; `Unsupported` when it is no folder, lies on a read-only file system, or its file
    /// system has no locks; `Internal` when the disk is full or fails.
    pub async fn open(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = folder.as_ref().to_owned();
        let folder = blocking(move || Folder::open(folder)).await?;
        Ok(Self(Arc::new(folder)))
    }

    /// Where the files lie.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

#[async_trait]
impl Store for FileStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, Error> {
        let (folder, key) = (Arc::clone(&self.0), key.clone());
        blocking(move || folder.get(&key)).await
    }

    async fn put(&self, key: &Key, value: Secret<Vec<u8>>, expect: Expect) -> Result<Version, Error> {
        super::check_length(key, value.expose())?;
        let (folder, key) = (Arc::clone(&self.0), key.clone());
        blocking(move || folder.put(&key, &value, &expect)).await
    }

    async fn delete(&self, key: &Key, expect: Expect) -> Result<(), Error> {
        let (folder, key) = (Arc::clone(&self.0), key.clone());
        blocking(move || folder.delete(&key, &expect)).await
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Key>) -> Result<Page, Error> {
        let (folder, prefix, after) = (Arc::clone(&self.0), prefix.clone(), after.cloned());
        blocking(move || folder.list(&prefix, after.as_ref())).await
    }
}

/// An error of the file system while `doing` something with `path`.
fn io_error(doing: &str, path: &Path, source: std::io::Error) -> Error {
    use std::io::ErrorKind as Io;
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the kinds of std are open, and most say nothing about who must act"
    )]
    let (kind, advice) = match source.kind() {
        Io::PermissionDenied => (ErrorKind::Unauthorized, " (this user may not: change the folder's owner or mode)"),
        Io::ReadOnlyFilesystem => (ErrorKind::Unsupported, " (the file system is read-only)"),
        Io::NotADirectory | Io::AlreadyExists => (ErrorKind::Unsupported, " (a file stands where a folder is needed)"),
        Io::StorageFull | Io::QuotaExceeded => (ErrorKind::Internal, " (the disk is full)"),
        _ => (ErrorKind::Internal, ""),
    };
    Error::new(kind, format!("could not {doing} {}{advice}", path.display())).with_source(source)
}
