//! Where a control plane keeps its files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A folder of data, keys and logs.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Who removes it, when nobody shall have it any more.
    _keeper: Option<Keeper>,
}

impl Folder {
    /// One that is gone when this value is, or this process, by whatever means it ends.
    pub(super) fn temporary() -> io::Result<Self> {
        let path = TempDir::with_prefix("certwright-control-plane-")?.keep();
        Ok(Self { _keeper: Some(Keeper::start(&path)?), path })
    }

    /// One that stays.
    pub(super) fn given(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        Ok(Self { path: path.canonicalize()?, _keeper: None })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(super) fn audit_log(&self) -> PathBuf {
        self.join("audit.log")
    }
}

/// A child that waits for the end of its input, and then removes the folder: what a process shares among its tests is never dropped.
#[derive(Debug)]
struct Keeper(Child);

impl Keeper {
    fn start(path: &Path) -> io::Result<Self> {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "keeper"]).arg(path);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map(Self)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // Fails only for a child that is gone already.
        let _ = self.0.wait();
    }
}

/// The servers may write until the kernel has killed them, so the first try can meet a new file.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
cat >/dev/null
tries=0
until rm -rf "$1"; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || exit 1
    sleep 0.1
done
"#;
