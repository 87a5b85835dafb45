//! Object identifiers: what X.509 calls things by.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use acme_core::{Error, ErrorKind, text};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::limits;

/// An object identifier (X.660). [`parse`](Self::parse) its dotted form, as in `1.3.6.1.4.1.311.20.2.3`; it prints like that.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectIdentifier(Cow<'static, [u8]>);

impl ObjectIdentifier {
    /// Reads the dotted form.
    ///
    /// # Errors
    /// `Malformed` when it is none, or longer than [`limits::OBJECT_IDENTIFIER`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |why: &str| {
            let shown = text::printable(text, 80);
            Error::new(ErrorKind::Malformed, format!("{shown:?} is not an object identifier: {why}"))
        };
        let arcs = text.split('.').map(arc).collect::<Option<Vec<u128>>>();
        let arcs = arcs.ok_or_else(|| refuse("write numbers with dots between, as in 1.3.6.1.4.1"))?;
        let [first, second, rest @ ..] = arcs.as_slice() else {
            return Err(refuse("it has at least two numbers"));
        };
        if *first > 2 || *first < 2 && *second > 39 {
            return Err(refuse("it begins with 0 or 1 and a number up to 39, or with 2"));
        }
        let joined = second.checked_add(first * 40).ok_or_else(|| refuse("its second number is too large"))?;
        let mut octets = Vec::with_capacity(text.len());
        push_arc(&mut octets, joined);
        rest.iter().for_each(|arc| push_arc(&mut octets, *arc));
        if octets.len() > limits::OBJECT_IDENTIFIER {
            return Err(refuse("it is too long"));
        }
        Ok(Self(octets.into()))
    }

    /// Reads the content of a DER OBJECT IDENTIFIER, without its tag and length.
    ///
    /// # Errors
    /// `Malformed` when it is not DER, or longer than [`limits::OBJECT_IDENTIFIER`].
    pub fn from_der(content: &[u8]) -> Result<Self, Error> {
        if content.len() > limits::OBJECT_IDENTIFIER || arcs(content).is_none() {
            return Err(Error::new(ErrorKind::Malformed, "not an object identifier of DER"));
        }
        Ok(Self(content.to_vec().into()))
    }

    /// The content of the DER OBJECT IDENTIFIER, without its tag and length.
    pub fn as_der(&self) -> &[u8] {
        &self.0
    }

    /// One that is known, by its content in DER.
    pub(crate) const fn known(content: &'static [u8]) -> Self {
        Self(Cow::Borrowed(content))
    }
}

impl AsRef<[u8]> for ObjectIdentifier {
    fn as_ref(&self) -> &[u8] {
        self.as_der()
    }
}

impl FromStr for ObjectIdentifier {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for ObjectIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arcs = arcs(&self.0).unwrap_or_default();
        let (joined, rest) = arcs.split_first().unwrap_or((&0, &[]));
        let first = (joined / 40).min(2);
        write!(f, "{first}.{}", joined - first * 40)?;
        rest.iter().try_for_each(|arc| write!(f, ".{arc}"))
    }
}

impl fmt::Debug for ObjectIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ObjectIdentifier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ObjectIdentifier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

fn arc(text: &str) -> Option<u128> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if is_number { text.parse().ok() } else { None }
}

/// A subidentifier of X.690 section 8.19.2: base 128, the first first.
fn push_arc(octets: &mut Vec<u8>, arc: u128) {
    let groups = (128 - arc.leading_zeros()).div_ceil(7).max(1);
    for group in (0..groups).rev() {
        let more = if group > 0 { 0x80 } else { 0 };
        octets.push(more | u8::try_from(arc >> (7 * group) & 0x7f).unwrap_or_default());
    }
}

/// The subidentifiers; `None` when one is cut off, not minimal, or beyond 128 bits (2.25 carries UUIDs).
fn arcs(content: &[u8]) -> Option<Vec<u128>> {
    let mut arcs = Vec::new();
    let mut open = None;
    for octet in content {
        let arc: u128 = match open {
            None if *octet == 0x80 => return None,
            None => 0,
            Some(begun) => begun,
        };
        if arc >> 121 != 0 {
            return None;
        }
        let arc = arc << 7 | u128::from(octet & 0x7f);
        if *octet >= 0x80 {
            open = Some(arc);
        } else {
            arcs.push(arc);
            open = None;
        }
    }
    (open.is_none() && !arcs.is_empty()).then_some(arcs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dotted_form_is_read_and_printed() {
        for (text, content) in [
            ("0.9.2342.19200300.100.1.25", &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19][..]),
            ("1.2.840.113549.1.9.1", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01]),
            ("2.5.4.3", &[0x55, 0x04, 0x03]),
            ("2.999.3", &[0x88, 0x37, 0x03]),
            ("0.0", &[0]),
        ] {
            let oid = ObjectIdentifier::parse(text).unwrap();
            assert_eq!(oid.as_der(), content, "{text}");
            assert_eq!(oid.to_string(), text);
            assert_eq!(ObjectIdentifier::from_der(content).unwrap(), oid);
        }
        let uuid = "2.25.340282366920938463463374607431768211455";
        assert_eq!(ObjectIdentifier::parse(uuid).unwrap().to_string(), uuid);
    }

    #[test]
    fn what_is_no_object_identifier_is_refused() {
        let long = format!("1.2{}", ".1".repeat(200));
        for text in ["", "1", "1.", ".1", "1..2", "3.1", "1.40", "1.02", "1.x", "1.-2", "1.+2", " 1.2", &long] {
            assert_eq!(ObjectIdentifier::parse(text).unwrap_err().kind(), ErrorKind::Malformed, "{text}");
        }
        for content in [&[][..], &[0x80, 1], &[0x2a, 0x86], &[0x55, 0x80, 0x01], &[0xff; 20]] {
            assert!(ObjectIdentifier::from_der(content).is_err(), "{content:02x?}");
        }
    }
}
