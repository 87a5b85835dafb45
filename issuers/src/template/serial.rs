//! Serial numbers.

use std::fmt;

use acme_core::{Error, ErrorKind};

/// The serial number of a certificate: positive, at most 20 octets (RFC 5280 section 4.1.2.2).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SerialNumber(Vec<u8>);

impl SerialNumber {
    /// A serial number of these random octets; one bit is cleared and one set, so that it is positive and always 20 octets long.
    pub fn from_random(mut octets: [u8; 20]) -> Self {
        octets[0] = octets[0] & 0x7f | 0x40;
        Self(octets.to_vec())
    }

    /// A serial number from its magnitude, the first octet first.
    ///
    /// # Errors
    /// `Malformed` when it is zero or takes more than 20 octets.
    pub fn from_octets(magnitude: &[u8]) -> Result<Self, Error> {
        let zeros = magnitude.iter().take_while(|it| **it == 0).count();
        let magnitude = &magnitude[zeros..];
        let is_short = magnitude.len() < 20 || magnitude.len() == 20 && magnitude[0] < 0x80;
        if magnitude.is_empty() || !is_short {
            return Err(Error::new(ErrorKind::Malformed, "a serial number is positive and takes at most 20 octets"));
        }
        Ok(Self(magnitude.to_vec()))
    }

    /// The magnitude, the first octet first, without leading zeros.
    pub fn as_octets(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
