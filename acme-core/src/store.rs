//! The port to whatever keeps records: small values under keys, replaced by compare-and-swap.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;

use crate::{Error, ErrorKind, Secret, limits};

/// Keeps small values under keys; every change names what it expects to replace.
///
/// # Contract
/// 1. Linearizable per key: after a `put` returned, every `get` by anybody sees it or something later.
/// 2. Durable and atomic: when `put` returned, a crash of process or machine loses nothing; at no time does a reader see a part of a value.
/// 3. `put` with [`Expect::Absent`] or [`Expect::Version`] is one compare-and-swap, also among processes. A back end without one refuses to open.
/// 4. A lost race is an error of kind `Conflict`; nothing was changed.
/// 5. Any other error may hide a success: callers read again before they conclude.
/// 6. Versions may be content hashes: writing the same bytes twice may give the same version. Callers who need more keep a counter in the value.
/// 7. Values up to [`limits::STORE_VALUE`] are taken; a longer one is `Unsupported` and nothing was changed.
/// 8. `delete` of what is not there succeeds with [`Expect::Anything`] and [`Expect::Absent`].
/// 9. `list` yields keys in ascending byte order, each at most once; a page with `more` is continued after its last key. Keys that come or go meanwhile may or may not appear; others must.
/// 10. All methods may be called at the same time by any number of callers.
#[async_trait]
pub trait Store: Send + Sync {
    /// The value under `key`, or `None`.
    async fn get(&self, key: &Key) -> Result<Option<Entry>, Error>;

    /// Writes `value` under `key` if what is there meets `expect`; answers the new version.
    async fn put(&self, key: &Key, value: Secret<Vec<u8>>, expect: Expect) -> Result<Version, Error>;

    /// Removes `key` if what is there meets `expect`.
    async fn delete(&self, key: &Key, expect: Expect) -> Result<(), Error>;

    /// The keys that begin with `prefix`, after `after`, in ascending byte order.
    async fn list(&self, prefix: &Prefix, after: Option<&Key>) -> Result<Page, Error>;
}

/// A value and the version under which it was read.
#[derive(Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The bytes that were put.
    pub value: Secret<Vec<u8>>,
    /// What a later [`Expect::Version`] names.
    pub version: Version,
}

impl Entry {
    /// An entry, for implementers of [`Store`].
    pub fn new(value: Secret<Vec<u8>>, version: Version) -> Self {
        Self { value, version }
    }
}

/// What a change expects to find.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must obey every variant")]
pub enum Expect {
    /// Whatever is there, or nothing.
    Anything,
    /// Nothing.
    Absent,
    /// Exactly this version.
    Version(Version),
}

/// The version of a value; opaque to all but the store that gave it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version(String);

impl Version {
    /// A version, for implementers of [`Store`].
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text that the store gave.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Page {
    /// Keys in ascending byte order.
    pub keys: Vec<Key>,
    /// Whether more may follow after the last key.
    pub more: bool,
}

impl Page {
    /// A page, for implementers of [`Store`].
    pub fn new(keys: Vec<Key>, more: bool) -> Self {
        Self { keys, more }
    }
}

/// The name of a value: segments of `a-z`, `0-9`, `-`, `_`, `.` joined by `/`.
///
/// The grammar survives object stores, ext4 and file systems that fold case: lower case only, segments of 1 to
/// [`limits::STORE_KEY_SEGMENT`] bytes that begin with a letter, a digit or `_`, at most [`limits::STORE_KEY`] bytes in all.
/// Text of any kind becomes a segment through [`Key::segment`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// Reads a key.
    ///
    /// # Errors
    /// `Malformed` when the text breaks the grammar.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        let fits = text.len() <= limits::STORE_KEY && text.split('/').all(is_segment);
        if fits {
            Ok(Self(text))
        } else {
            Err(Error::new(
                ErrorKind::Malformed,
                format!(
                    "not a store key: {:?} (segments of a-z 0-9 - _ . joined by /)",
                    crate::text::printable(&text, 80)
                ),
            ))
        }
    }

    /// Turns any text into one segment: what the grammar allows stays, `*` becomes `_star`, any other byte becomes `_` and two hex digits;
    /// what gets too long ends in a hash of the whole. Distinct texts give distinct segments.
    pub fn segment(text: &str) -> String {
        use std::fmt::Write as _;
        let mut out = String::with_capacity(text.len());
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b'a'..=b'z' | b'0'..=b'9' => out.push(char::from(byte)),
                b'-' | b'.' if at > 0 => out.push(char::from(byte)),
                b'*' => out.push_str("_star"),
                _ => {
                    let _ = write!(out, "_{byte:02x}");
                }
            }
        }
        if out.is_empty() {
            out.push_str("_empty");
        }
        if out.len() > limits::STORE_KEY_SEGMENT {
            let hash = crate::hash::sha256(text.as_bytes());
            out.truncate(limits::STORE_KEY_SEGMENT - 34);
            out.push_str("_h");
            for byte in &hash[..16] {
                let _ = write!(out, "{byte:02x}");
            }
        }
        out
    }

    /// The text of the key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the keys of a listing begin with: nothing, or whole segments (`certificates/`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Prefix(String);

impl Prefix {
    /// Every key.
    pub const ALL: Self = Self(String::new());

    /// The keys below `folder`, a key of its own without its last `/`.
    ///
    /// # Errors
    /// `Malformed` when `folder` breaks the grammar of [`Key`].
    pub fn below(folder: &str) -> Result<Self, Error> {
        Key::new(folder).map(|key| Self(format!("{key}/")))
    }

    /// The text that keys begin with; empty, or ending in `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Does `key` begin with this?
    pub fn holds(&self, key: &Key) -> bool {
        key.as_str().starts_with(&self.0)
    }
}

fn is_segment(segment: &str) -> bool {
    let Some(first) = segment.bytes().next() else {
        return false;
    };
    segment.len() <= limits::STORE_KEY_SEGMENT
        && matches!(first, b'a'..=b'z' | b'0'..=b'9' | b'_')
        && segment.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'))
}
