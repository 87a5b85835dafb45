//! The files themselves. Everything here blocks.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind as Io, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use acme_core::{Entry, Error, ErrorKind, Expect, Key, Page, Prefix, Secret, Version};

use super::io_error;
use super::lock::Locks;
use crate::store::check_expected;

/// A folder that was proven to be writable.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    locks: Locks,
}

impl Folder {
    pub(super) fn open(root: PathBuf) -> Result<Self, Error> {
        make_folder(&root)?;
        if !root.is_dir() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("{} is not a folder; name one that may be written", root.display()),
            ));
        }
        let locks = root.join(LOCKS);
        make_folder(&locks)?;
        let folder = Self { locks: Locks::in_folder(locks), root };
        folder.probe()?;
        folder.sweep(&folder.root, "")?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.root
    }

    pub(super) fn get(&self, key: &Key) -> Result<Option<Entry>, Error> {
        let path = self.path_of(key, VALUE);
        match fs::read(&path) {
            Ok(bytes) => {
                let version = version_of(&bytes);
                Ok(Some(Entry::new(Secret::new(bytes), version)))
            }
            Err(source) if matches!(source.kind(), Io::NotFound | Io::NotADirectory) => Ok(None),
            Err(source) => Err(io_error("read", &path, source)),
        }
    }

    pub(super) fn put(&self, key: &Key, value: &Secret<Vec<u8>>, expect: &Expect) -> Result<Version, Error> {
        let _held = self.locks.hold(key)?;
        self.check(key, expect)?;
        let (torn, whole) = (self.path_of(key, TORN), self.path_of(key, VALUE));
        let parent = whole.parent().unwrap_or(&self.root);
        make_folder(parent)?;
        write_durably(&torn, value.expose())?;
        fs::rename(&torn, &whole).map_err(|source| io_error("replace", &whole, source))?;
        flush_folder(parent)?;
        Ok(version_of(value.expose()))
    }

    pub(super) fn delete(&self, key: &Key, expect: &Expect) -> Result<(), Error> {
        let _held = self.locks.hold(key)?;
        self.check(key, expect)?;
        let path = self.path_of(key, VALUE);
        match fs::remove_file(&path) {
            Ok(()) => flush_folder(path.parent().unwrap_or(&self.root)),
            Err(source) if matches!(source.kind(), Io::NotFound | Io::NotADirectory) => Ok(()),
            Err(source) => Err(io_error("remove", &path, source)),
        }
    }

    pub(super) fn list(&self, prefix: &Prefix, after: Option<&Key>) -> Result<Page, Error> {
        let below = prefix.as_str();
        let mut keys = Vec::new();
        let start = self.root.join(below);
        self.collect(&start, below, after.map_or("", Key::as_str), &mut keys)?;
        let more = keys.len() > PAGE;
        keys.truncate(PAGE);
        Ok(Page::new(keys, more))
    }

    /// Adds the keys in `folder` (whose keys begin with `below`) that come after `after`, in order, until a page is full.
    fn collect(&self, folder: &Path, below: &str, after: &str, keys: &mut Vec<Key>) -> Result<(), Error> {
        // A folder sorts by its name and a slash, as the keys in it do.
        let mut found: Vec<String> = Vec::new();
        for name in names_in(folder)? {
            match name {
                Name::Value(segment) => found.push(format!("{below}{segment}")),
                Name::Folder(segment) => found.push(format!("{below}{segment}/")),
                Name::Torn(_) | Name::Foreign => {}
            }
        }
        found.sort_unstable();
        for text in found {
            if keys.len() > PAGE {
                break;
            }
            if text.ends_with('/') {
                if text.as_str() > after || after.starts_with(&text) {
                    self.collect(&self.root.join(&text), &text, after, keys)?;
                }
            } else if text.as_str() > after
                && let Ok(key) = Key::new(text)
            {
                keys.push(key);
            }
        }
        Ok(())
    }

    fn check(&self, key: &Key, expect: &Expect) -> Result<(), Error> {
        let found = match expect {
            Expect::Anything => return Ok(()),
            Expect::Absent | Expect::Version(_) => self.get(key)?.map(|entry| entry.version),
        };
        check_expected(key, expect, found.as_ref())
    }

    /// Writes and removes a file, under a lock that is proven to exclude.
    fn probe(&self) -> Result<(), Error> {
        let key = Key::new("probe")?;
        let _held = self.locks.prove(&key)?;
        let path = self.root.join(PROBE);
        write_durably(&path, b"may this folder be written?")?;
        fs::remove_file(&path).map_err(|source| io_error("remove", &path, source))
    }

    /// Removes what killed processes left half-written. Who holds a key's lock is still writing.
    fn sweep(&self, folder: &Path, below: &str) -> Result<(), Error> {
        for name in names_in(folder)? {
            match name {
                Name::Folder(segment) => {
                    self.sweep(&folder.join(&segment), &format!("{below}{segment}/"))?;
                }
                Name::Torn(segment) => {
                    let Ok(key) = Key::new(format!("{below}{segment}")) else {
                        continue;
                    };
                    if let Some(_held) = self.locks.try_hold(&key)? {
                        remove_if_there(&self.path_of(&key, TORN))?;
                    }
                }
                Name::Value(_) | Name::Foreign => {}
            }
        }
        Ok(())
    }

    fn path_of(&self, key: &Key, suffix: &str) -> PathBuf {
        self.root.join(format!("{key}{suffix}"))
    }
}

/// What a name in the folder stands for.
enum Name {
    Value(String),
    Torn(String),
    Folder(String),
    Foreign,
}

fn names_in(folder: &Path) -> Result<Vec<Name>, Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(source) if matches!(source.kind(), Io::NotFound | Io::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(source) => return Err(io_error("list", folder, source)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| io_error("list", folder, source))?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        names.push(if let Some(segment) = name.strip_suffix(VALUE) {
            Name::Value(segment.to_owned())
        } else if let Some(segment) = name.strip_suffix(TORN) {
            Name::Torn(segment.to_owned())
        } else if Key::new(name.as_str()).is_ok() && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            Name::Folder(name)
        } else {
            Name::Foreign
        });
    }
    Ok(names)
}

/// Makes a folder and those above it, each flushed into its parent.
fn make_folder(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|it| !it.as_os_str().is_empty());
    if let Some(parent) = parent {
        make_folder(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => flush_folder(parent.unwrap_or(Path::new("."))),
        Err(_) if path.is_dir() => Ok(()),
        Err(source) => Err(io_error("make the folder", path, source)),
    }
}

fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    remove_if_there(path)?;
    let write = || {
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| io_error("write", path, source))
}

fn remove_if_there(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(source) if source.kind() == Io::NotFound => Ok(()),
        Err(source) => Err(io_error("remove", path, source)),
    }
}

fn flush_folder(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(|source| io_error("flush the folder", path, source))
}

fn version_of(bytes: &[u8]) -> Version {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(64);
    for byte in acme_core::hash::sha256(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    Version::new(text)
}

// `@` is outside the grammar of keys.
const VALUE: &str = "@value";
const TORN: &str = "@torn";
const LOCKS: &str = "@locks";
const PROBE: &str = "@probe";

/// Large, because each page reads its folder again.
const PAGE: usize = 65_536;
