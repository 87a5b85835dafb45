//! Names as subject alternative names and locations have them (GeneralName, RFC 5280 section 4.2.1.6).

use std::fmt;
use std::net::IpAddr;

use acme_core::der::{self, Reader, Writer};
use acme_core::{DnsName, Error, ErrorKind, Identifier, text};

use crate::ObjectIdentifier;
use crate::name::RawName;

/// A name of any kind that a certificate can be for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GeneralName {
    /// A DNS name.
    Dns(DnsName),
    /// A DNS name in letters of any case; make it with [`dns_as_written`](Self::dns_as_written), which checks it.
    DnsAsWritten(String),
    /// An e-mail address; make it with [`email`](Self::email), which checks it.
    Email(String),
    /// An address.
    Ip(IpAddr),
    /// A URI; make it with [`uri`](Self::uri), which checks it.
    Uri(String),
    /// A name of a kind that an object identifier names.
    Other(OtherName),
    /// A distinguished name.
    Directory(RawName),
    /// An object identifier that is registered for somebody.
    Registered(ObjectIdentifier),
}

/// A name of a kind that an object identifier names, as the user principal name of Windows (1.3.6.1.4.1.311.20.2.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OtherName {
    oid: ObjectIdentifier,
    value: Vec<u8>,
}

impl GeneralName {
    /// A DNS name in the letters that it is written in. For everybody who reads it it is the same name (RFC 5280 section 7.2); for those who compare the text
    /// of a signing request with what they asked for.
    ///
    /// # Errors
    /// `Malformed` when it is none, or is written in more than other letters.
    pub fn dns_as_written(name: &str) -> Result<Self, Error> {
        if DnsName::parse(name)?.as_str().eq_ignore_ascii_case(name) {
            return Ok(Self::DnsAsWritten(name.to_owned()));
        }
        let shown = text::printable(name, 120);
        Err(Error::new(ErrorKind::Malformed, format!("{shown:?} is not how a DNS name stands in a certificate")))
    }

    /// An e-mail address of ASCII (RFC 5280 section 4.2.1.6).
    ///
    /// # Errors
    /// `Malformed` when it is none; `Unsupported` for letters beyond ASCII, which that form of name cannot carry.
    pub fn email(address: &str) -> Result<Self, Error> {
        let shown = text::printable(address, 120);
        if !address.is_ascii() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the e-mail address {shown:?} holds letters beyond ASCII, which certificates cannot carry: write its domain in the xn-- form; \
                     what is before the @ must be ASCII"
                ),
            ));
        }
        let parts = address.rsplit_once('@');
        let is_address = parts.is_some_and(|(local, domain)| {
            !local.is_empty()
                && !domain.is_empty()
                && (local.starts_with('"') || !local.contains('@'))
                && address.bytes().all(|byte| byte.is_ascii_graphic())
                && !address.bytes().any(|byte| b"<>,".contains(&byte))
        });
        if !is_address {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!(
                    "{shown:?} is not an e-mail address: write it as in ops@example.com, without a name or brackets"
                ),
            ));
        }
        Ok(Self::Email(address.to_owned()))
    }

    /// An absolute URI of ASCII (RFC 3986), as in `spiffe://example.com/web`.
    ///
    /// # Errors
    /// `Malformed` when it is none.
    pub fn uri(uri: &str) -> Result<Self, Error> {
        let is_absolute = uri.split_once(':').is_some_and(|(scheme, rest)| {
            scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
                && !rest.is_empty()
        });
        if !is_absolute || !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!(
                    "{:?} is not an absolute URI in ASCII: write it with its scheme, as in https://example.com/, and escape the rest with %",
                    text::printable(uri, 120)
                ),
            ));
        }
        Ok(Self::Uri(uri.to_owned()))
    }

    /// The DNS name or the address of an identifier.
    ///
    /// # Errors
    /// `Unsupported` for an identifier that is neither.
    pub fn of(identifier: &Identifier) -> Result<Self, Error> {
        if let Identifier::Dns(name) = identifier {
            return Ok(Self::Dns(name.clone()));
        }
        if let Identifier::Ip(address) = identifier {
            return Ok(Self::Ip(*address));
        }
        Err(Error::new(ErrorKind::Unsupported, format!("{identifier} has no place in a signing request")))
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        match self {
            Self::Other(name) => out.nested(der::context_constructed(0), |it| {
                it.object_identifier(&name.oid);
                it.nested(der::context_constructed(0), |value| value.raw(&name.value));
            }),
            Self::Email(address) => out.value(der::context(1), address.as_bytes()),
            Self::Dns(name) => out.value(der::context(2), name.as_str().as_bytes()),
            Self::DnsAsWritten(name) => out.value(der::context(2), name.as_bytes()),
            // A CHOICE keeps its own tag inside.
            Self::Directory(name) => out.value(der::context_constructed(4), name.as_der()),
            Self::Uri(uri) => out.value(der::context(6), uri.as_bytes()),
            Self::Ip(IpAddr::V4(address)) => out.value(der::context(7), &address.octets()),
            Self::Ip(IpAddr::V6(address)) => out.value(der::context(7), &address.octets()),
            Self::Registered(oid) => out.value(der::context(8), oid.as_der()),
        }
    }
}

impl From<DnsName> for GeneralName {
    fn from(name: DnsName) -> Self {
        Self::Dns(name)
    }
}

impl From<IpAddr> for GeneralName {
    fn from(address: IpAddr) -> Self {
        Self::Ip(address)
    }
}

impl From<OtherName> for GeneralName {
    fn from(name: OtherName) -> Self {
        Self::Other(name)
    }
}

impl fmt::Display for GeneralName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => name.fmt(f),
            Self::Ip(address) => address.fmt(f),
            Self::DnsAsWritten(text) | Self::Email(text) | Self::Uri(text) => f.write_str(&text::printable(text, 300)),
            Self::Other(name) => write!(f, "a name of the kind {}", name.oid),
            Self::Directory(name) => name.fmt(f),
            Self::Registered(oid) => oid.fmt(f),
        }
    }
}

impl OtherName {
    /// A name whose value is text (UTF8String), as a user principal name is.
    ///
    /// # Errors
    /// `Malformed` when the text is empty.
    pub fn utf8(oid: ObjectIdentifier, text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::new(ErrorKind::Malformed, format!("the other name {oid} is empty: leave it out")));
        }
        let value = der::build(text.len() + 4, |out| out.value(der::UTF8_STRING, text.as_bytes()));
        Ok(Self { oid, value })
    }

    /// A name whose value is one value of DER, written byte for byte.
    ///
    /// # Errors
    /// `Malformed` when it is not.
    pub fn der(oid: ObjectIdentifier, value: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(value);
        if reader.any().is_none() || !reader.is_empty() {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!("the value of the other name {oid} is not one value of DER"),
            ));
        }
        Ok(Self { oid, value: value.to_vec() })
    }

    /// What kind of name it is.
    pub fn oid(&self) -> &ObjectIdentifier {
        &self.oid
    }

    /// The value in DER.
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// The value, when it is a UTF8String.
    pub fn text(&self) -> Option<&str> {
        let mut reader = Reader::new(&self.value);
        str::from_utf8(reader.value(der::UTF8_STRING)?).ok()
    }
}
