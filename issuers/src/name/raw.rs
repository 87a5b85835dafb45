//! Names as they stand.

use std::fmt;

use acme_core::der::{self, Reader};
use acme_core::{Error, ErrorKind, text};

use super::DistinguishedName;

/// A Name in DER, byte for byte as a signing request or an authority has it: never decoded and written again.
///
/// It prints in the words of RFC 4514; [`DistinguishedName::read`] takes it apart.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RawName(Vec<u8>);

impl RawName {
    /// A name from its DER.
    ///
    /// # Errors
    /// `Malformed` when it is not one SEQUENCE of SETs.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, Error> {
        let bytes = bytes.into();
        let is_name = || {
            let mut parts = Reader::only(der::SEQUENCE, &bytes)?;
            while !parts.is_empty() {
                parts.value(der::SET)?;
            }
            Some(())
        };
        match is_name() {
            Some(()) => Ok(Self(bytes)),
            None => Err(Error::new(ErrorKind::Malformed, "not a distinguished name of DER")),
        }
    }

    /// The name without anything in it.
    pub fn empty() -> Self {
        Self(EMPTY.to_vec())
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0 == EMPTY
    }

    /// The DER.
    pub fn as_der(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn written(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&DistinguishedName> for RawName {
    fn from(name: &DistinguishedName) -> Self {
        name.to_raw()
    }
}

impl fmt::Display for RawName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DistinguishedName::read(self) {
            Ok(name) => f.write_str(&text::printable(&name.to_string(), SHOWN)),
            Err(_) => write!(f, "(a name of {} octets that is not DER)", self.0.len()),
        }
    }
}

impl fmt::Debug for RawName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawName({self})")
    }
}

const EMPTY: &[u8] = &[der::SEQUENCE, 0];
/// Characters of a name that are shown.
const SHOWN: usize = 400;
