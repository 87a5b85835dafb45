//! What etcd held at one moment is put back at another, as from a backup.

use std::fs;
use std::io;
use std::path::Path;

use tempfile::TempDir;

use super::{ControlPlane, lock};
use crate::servers::http::call;

/// Everything that a control plane stored; hand it to [`ControlPlane::restore`].
#[derive(Debug)]
pub struct Backup(TempDir);

impl ControlPlane {
    /// Copies everything that is stored. Meanwhile nobody answers, for some seconds.
    ///
    /// # Panics
    ///
    /// When a file cannot be copied, or a server does not start again.
    #[must_use]
    #[track_caller]
    pub fn back_up(&self) -> Backup {
        self.while_stopped(|stored| {
            let copy = TempDir::with_prefix("certwright-backup-")?;
            copy_folder(stored, copy.path())?;
            Ok(Backup(copy))
        })
    }

    /// Puts back what was stored then; what was written since is gone, and versions that were given are given again.
    ///
    /// # Panics
    ///
    /// As [`back_up`](Self::back_up).
    #[track_caller]
    pub fn restore(&self, backup: &Backup) {
        self.while_stopped(|stored| {
            fs::remove_dir_all(stored)?;
            copy_folder(backup.0.path(), stored)
        });
    }

    #[track_caller]
    fn while_stopped<T>(&self, change: impl Fn(&Path) -> io::Result<T>) -> T {
        let (mut api_server, mut etcd) = (lock(&self.api_server), lock(&self.etcd));
        api_server.stop();
        etcd.stop();
        let done = change(&self.folder.join("etcd"));
        let health = || call(self.etcd_address, "/health", None)?.ok("/health").map(drop);
        let started = etcd.restart(health).and_then(|()| api_server.restart(|| self.api.ready()));
        done.and_then(|done| started.map(|()| done)).unwrap_or_else(|error| panic!("{error}"))
    }
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
