//! Stores of this crate: in memory, and in a folder.

#[cfg(all(feature = "file", unix))]
mod file;
mod memory;

#[cfg(all(feature = "file", unix))]
pub use file::FileStore;
pub use memory::MemoryStore;

use acme_core::{Error, ErrorKind, Expect, Key, Version, limits};

/// Refuses a value that is too long for a store.
fn check_length(key: &Key, value: &[u8]) -> Result<(), Error> {
    if value.len() <= limits::STORE_VALUE {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        format!("the value for {key} is {} bytes long; a store takes {}", value.len(), limits::STORE_VALUE),
    ))
}

/// Refuses a change that expects something else than what is there.
fn check_expected(key: &Key, expect: &Expect, found: Option<&Version>) -> Result<(), Error> {
    let met = match expect {
        Expect::Anything => true,
        Expect::Absent => found.is_none(),
        Expect::Version(version) => found == Some(version),
    };
    if met { Ok(()) } else { Err(Error::new(ErrorKind::Conflict, format!("{key} was changed by somebody else"))) }
}
