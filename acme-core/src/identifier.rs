//! What a certificate is for: DNS names (RFC 8555 section 7.1.3) and IP addresses (RFC 8738).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, text};

/// A DNS name or an IP address, as an order names it and as a certificate carries it.
///
/// Parse what a human typed with [`Identifier::parse`]. On the wire and in records it is the object of RFC 8555: `{"type":"dns","value":"example.com"}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "Wire", from = "Wire")]
#[non_exhaustive]
pub enum Identifier {
    /// A DNS name, possibly a wildcard.
    Dns(DnsName),
    /// An IP address.
    Ip(IpAddr),
    /// A type this crate does not know; kept as data, never ordered.
    Other(OtherIdentifier),
}

/// An identifier of a type that this crate does not know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct OtherIdentifier {
    /// The type, as sent.
    pub kind: String,
    /// The value, as sent.
    pub value: String,
}

impl Identifier {
    /// Reads a name or an address as a human types it: any case, with or without a final dot, IPv6 with or without brackets,
    /// and with feature `idna` also U-labels (`bücher.example`).
    ///
    /// # Errors
    /// `Malformed`, with what is wrong and what to write instead.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        match bare.parse::<IpAddr>() {
            Ok(address) => Ok(Self::Ip(address)),
            Err(_) => DnsName::parse(text).map(Self::Dns),
        }
    }

    /// The DNS name, if it is one.
    pub fn dns(&self) -> Option<&DnsName> {
        match self {
            Self::Dns(name) => Some(name),
            Self::Ip(_) | Self::Other(_) => None,
        }
    }

    /// Whether this is a wildcard name (`*.example.com`).
    pub fn is_wildcard(&self) -> bool {
        self.dns().is_some_and(DnsName::is_wildcard)
    }
}

impl FromStr for Identifier {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl From<DnsName> for Identifier {
    fn from(name: DnsName) -> Self {
        Self::Dns(name)
    }
}

impl From<IpAddr> for Identifier {
    fn from(address: IpAddr) -> Self {
        Self::Ip(address)
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => name.fmt(f),
            Self::Ip(address) => address.fmt(f),
            Self::Other(other) => {
                write!(f, "{}:{}", text::printable(&other.kind, 40), text::printable(&other.value, 255))
            }
        }
    }
}

/// A fully qualified DNS name of A-labels, lower case, without the final dot; possibly with `*` as its first label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DnsName(String);

impl DnsName {
    /// Reads a name as a human types it; see [`Identifier::parse`].
    ///
    /// # Errors
    /// `Malformed`, with what is wrong and what to write instead.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bare = text.strip_suffix('.').unwrap_or(text);
        let refuse = |why: &str| {
            Err(Error::new(ErrorKind::Malformed, format!("{:?} is not a DNS name: {why}", text::printable(text, 260))))
        };
        if bare.is_empty() {
            return refuse("it is empty");
        }
        let (star, rest) = match bare.strip_prefix("*.") {
            Some(rest) => ("*.", rest),
            None => ("", bare),
        };
        let ascii = match to_a_labels(rest) {
            Ok(ascii) => ascii,
            Err(why) => return refuse(&why),
        };
        if star.len() + ascii.len() > 253 {
            return refuse("it is longer than 253 characters");
        }
        for label in ascii.split('.') {
            if let Some(why) = label_fault(label) {
                return refuse(why);
            }
        }
        if ascii.split('.').next_back().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
            return refuse("its last label is a number (an address needs all four parts)");
        }
        Ok(Self(format!("{star}{ascii}")))
    }

    /// The name, lower case, without the final dot; with the `*.` of a wildcard.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the first label is `*`.
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with("*.")
    }

    /// The name without the `*.` of a wildcard: what is validated.
    #[must_use]
    pub fn base(&self) -> Self {
        Self(self.0.strip_prefix("*.").unwrap_or(&self.0).to_owned())
    }

    /// `*.` in front of the name; a wildcard stays as it is.
    #[must_use]
    pub fn wildcard(&self) -> Self {
        if self.is_wildcard() { self.clone() } else { Self(format!("*.{}", self.0)) }
    }

    /// Does this name, taken from a certificate, cover `name` (RFC 6125: `*` stands for exactly one whole label)?
    pub fn covers(&self, name: &Self) -> bool {
        if self == name {
            return true;
        }
        match (self.0.strip_prefix("*."), name.0.split_once('.')) {
            (Some(base), Some((label, parent))) => label != "*" && base == parent,
            _ => false,
        }
    }
}

impl FromStr for DnsName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for DnsName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Serialize for DnsName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DnsName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "idna")]
fn to_a_labels(text: &str) -> Result<String, String> {
    if text.is_ascii() {
        return Ok(text.to_ascii_lowercase());
    }
    idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::STD3)
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| "its international labels are not allowed by IDNA".to_owned())
}

#[cfg(not(feature = "idna"))]
fn to_a_labels(text: &str) -> Result<String, String> {
    if text.is_ascii() {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("it holds letters beyond ASCII; write its xn-- form, or build with feature `idna`".to_owned())
    }
}

fn label_fault(label: &str) -> Option<&'static str> {
    if label.is_empty() {
        Some("it has an empty label")
    } else if label.len() > 63 {
        Some("a label is longer than 63 characters")
    } else if label == "*" {
        Some("`*` may stand only once, as the whole first label")
    } else if label.starts_with('-') || label.ends_with('-') {
        Some("a label begins or ends with `-`")
    } else if !label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')) {
        Some("only letters, digits, `-` and `.` are allowed (write the name alone: no scheme, port or path)")
    } else {
        None
    }
}

/// The object of RFC 8555 section 7.1.3.
#[derive(Serialize, Deserialize)]
struct Wire {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

impl From<Identifier> for Wire {
    fn from(identifier: Identifier) -> Self {
        let (kind, value) = match identifier {
            Identifier::Dns(name) => ("dns".to_owned(), name.0),
            Identifier::Ip(address) => ("ip".to_owned(), address.to_string()),
            Identifier::Other(other) => (other.kind, other.value),
        };
        Self { kind, value }
    }
}

impl From<Wire> for Identifier {
    fn from(wire: Wire) -> Self {
        let known = match wire.kind.as_str() {
            "dns" => DnsName::parse(&wire.value).ok().map(Self::Dns),
            "ip" => wire.value.parse().ok().map(Self::Ip),
            _ => None,
        };
        known.unwrap_or(Self::Other(OtherIdentifier { kind: wire.kind, value: wire.value }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_humans_type_them() {
        for (typed, meant) in [
            ("Example.COM.", "example.com"),
            ("*.Example.com", "*.example.com"),
            ("192.0.2.1", "192.0.2.1"),
            ("[2001:DB8::1]", "2001:db8::1"),
        ] {
            assert_eq!(Identifier::parse(typed).unwrap().to_string(), meant);
        }
    }

    #[test]
    fn what_is_no_name_says_why() {
        for (typed, why) in [
            ("", "empty"),
            ("https://example.com", "no scheme"),
            ("a..b", "empty label"),
            ("*.*.example.com", "only once"),
            ("foo.*.example.com", "only once"),
            ("10.0.0", "number"),
            ("-a.example", "begins or ends"),
        ] {
            let error = Identifier::parse(typed).unwrap_err().to_string();
            assert!(error.contains(why), "{typed}: {error}");
        }
    }

    #[test]
    fn a_star_stands_for_one_label() {
        let star = DnsName::parse("*.example.com").unwrap();
        assert!(star.covers(&DnsName::parse("a.example.com").unwrap()));
        assert!(!star.covers(&DnsName::parse("a.b.example.com").unwrap()));
        assert!(!star.covers(&DnsName::parse("example.com").unwrap()));
    }

    #[cfg(feature = "idna")]
    #[test]
    fn international_names_become_a_labels() {
        assert_eq!(Identifier::parse("*.Bücher.example").unwrap().to_string(), "*.xn--bcher-kva.example");
    }
}
