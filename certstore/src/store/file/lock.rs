//! Locks of the operating system on files that are never deleted: the kernel drops them with their process.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use acme_core::{Error, ErrorKind, Key};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::io_error;

/// The lock files of a folder. Keys share them, so that there are never more than [`SHARDS`].
#[derive(Debug)]
pub(super) struct Locks {
    folder: PathBuf,
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(super) struct Held(#[expect(dead_code, reason = "closing it gives the lock back")] File);

impl Locks {
    pub(super) fn in_folder(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Waits for the lock under which `key` is changed.
    pub(super) fn hold(&self, key: &Key) -> Result<Held, Error> {
        let path = self.path_of(key);
        loop {
            let file = open(&path)?;
            loop {
                match flock(&file, FlockOperation::LockExclusive) {
                    Ok(()) => break,
                    Err(Errno::INTR) => {}
                    Err(source) => return Err(io_error("lock", &path, source.into())),
                }
            }
            // Somebody may have removed the file while this waited: then others lock another one.
            if is_still(&file, &path)? {
                return Ok(Held(file));
            }
        }
    }

    /// The lock under which `key` is changed, unless somebody holds it now.
    pub(super) fn try_hold(&self, key: &Key) -> Result<Option<Held>, Error> {
        let path = self.path_of(key);
        let file = open(&path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(is_still(&file, &path)?.then_some(Held(file))),
            Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(None),
            Err(source) => Err(io_error("lock", &path, source.into())),
        }
    }

    /// Refuses a file system whose locks do not exclude.
    pub(super) fn prove(&self, key: &Key) -> Result<Held, Error> {
        let held = self.hold(key)?;
        if self.try_hold(key)?.is_some() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("{} lies on a file system without working locks; use a local one", self.folder.display()),
            ));
        }
        Ok(held)
    }

    fn path_of(&self, key: &Key) -> PathBuf {
        let shard = acme_core::hash::sha256(key.as_str().as_bytes())[0] % SHARDS;
        self.folder.join(format!("{shard:02x}"))
    }
}

fn open(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| io_error("open the lock", path, source))
}

fn is_still(file: &File, path: &Path) -> Result<bool, Error> {
    let held = file.metadata().map_err(|source| io_error("look at the lock", path, source))?;
    match fs::metadata(path) {
        Ok(found) => Ok((held.dev(), held.ino()) == (found.dev(), found.ino())),
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(io_error("look at the lock", path, source)),
    }
}

const SHARDS: u8 = 128;
