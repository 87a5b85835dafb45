//! HTTP-01 through a folder that a web server already serves.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use acme_core::protocol::ChallengeType;
use async_trait::async_trait;

use crate::{Error, ErrorKind, Presentation, Readiness, Solver};

/// Writes answers as files below `.well-known/acme-challenge` in a folder that a web server serves on port 80.
///
/// A file appears whole or not at all, is readable by everybody, and is removed by name; folders that were made stay. The
/// host of a request plays no part: the token alone names the file. [`check`](Solver::check) reads the file back; it does not
/// ask over the network. The calls touch the disk directly, for files of some hundred bytes.
#[derive(Debug, Clone)]
pub struct Webroot {
    folder: PathBuf,
}

impl Webroot {
    /// A solver that writes below `root`, the folder that is served as `/`.
    pub fn new(root: impl AsRef<Path>) -> Self {
        Self { folder: root.as_ref().join(".well-known").join("acme-challenge") }
    }

    fn path(&self, presentation: &Presentation) -> Result<PathBuf, Error> {
        presentation.require(&ChallengeType::Http01)?;
        Ok(self.folder.join(presentation.key_authorization()?.token()))
    }

    fn write(&self, path: &Path, body: &str) -> io::Result<()> {
        make_folders(&self.folder)?;
        let number = WRITES.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.folder.join(format!(".unfinished-{}-{number}", std::process::id()));
        let written = File::create(&unfinished)
            .and_then(|mut file| {
                file.write_all(body.as_bytes())?;
                open_to_readers(&file)
            })
            .and_then(|()| fs::rename(&unfinished, path));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written
    }
}

#[async_trait]
impl Solver for Webroot {
    fn challenge(&self) -> ChallengeType {
        ChallengeType::Http01
    }

    async fn present(&self, presentation: &Presentation) -> Result<(), Error> {
        let path = self.path(presentation)?;
        self.write(&path, presentation.key_authorization()?.as_str())
            .map_err(|source| self.failed("write", &path, source))
    }

    async fn check(&self, presentation: &Presentation) -> Result<Readiness, Error> {
        let path = self.path(presentation)?;
        match fs::read(&path) {
            Ok(body) if body == presentation.key_authorization()?.as_str().as_bytes() => Ok(Readiness::Ready),
            Ok(_) => Ok(not_yet(format!("{} holds something else", path.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(not_yet(format!("{} is not there", path.display())))
            }
            Err(source) => Err(self.failed("read", &path, source)),
        }
    }

    async fn clean_up(&self, presentation: &Presentation) -> Result<(), Error> {
        let path = self.path(presentation)?;
        let ours = presentation.key_authorization()?.as_str().as_bytes();
        let removed = match fs::read(&path) {
            Ok(body) if body != ours => return Ok(()),
            Ok(_) => fs::remove_file(&path),
            Err(error) => Err(error),
        };
        match removed {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(self.failed("remove", &path, source)),
        }
    }
}

impl Webroot {
    fn failed(&self, doing: &str, path: &Path, source: io::Error) -> Error {
        let what = format!("cannot {doing} {}", path.display());
        let folder = self.folder.display();
        let kind = source.kind();
        let error = if matches!(kind, io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) {
            Error::new(
                ErrorKind::Unauthorized,
                format!(
                    "{what}: this process may not write in {folder}; give it that folder, or choose another webroot"
                ),
            )
        } else if matches!(kind, io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists) {
            Error::new(
                ErrorKind::Refused,
                format!("{what}: a part of {folder} is a file where a folder is needed; choose another webroot"),
            )
        } else {
            Error::new(ErrorKind::Internal, what)
        };
        error.with_source(source)
    }
}

fn not_yet(missing: String) -> Readiness {
    Readiness::NotYet { again_after: Duration::from_secs(1), missing }
}

#[cfg(unix)]
fn open_to_readers(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn open_to_readers(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Makes `folder` and what leads to it; what is made here can be entered by everybody.
fn make_folders(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make_folders(parent)?;
    }
    match fs::create_dir(folder) {
        Ok(()) => open_to_visitors(folder),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn open_to_visitors(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn open_to_visitors(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Keeps the names of unfinished files apart.
static WRITES: AtomicU64 = AtomicU64::new(0);
