//! Distinguished names (X.501): written for a subject, kept as they are in what others made.
//!
//! A [`DistinguishedName`] is put together from attributes, read from the words of RFC 4514 with [`DistinguishedName::parse`], or made of a
//! [`Subject`]. A [`RawName`] is the name in DER: what goes into a certificate, copied byte for byte from a signing request or an authority.
//!
//! ```
//! use certwright_issuers::name::{AttributeType, DistinguishedName};
//!
//! let written = DistinguishedName::parse(r"CN=www.example.com,OU=Web+L=Berlin,O=Example\, Inc.")?;
//! let built = DistinguishedName::new().with(AttributeType::ORGANIZATION, "Example, Inc.")?;
//!
//! assert_eq!(written.common_name().as_deref(), Some("www.example.com"));
//! assert_eq!(written.parts().first(), built.parts().first(), "the last that is written is the first encoded");
//! # Ok::<(), certwright_issuers::Error>(())
//! ```

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use acme_core::der::{self, Reader, Writer};
use acme_core::{Error, ErrorKind};

use crate::limits;

mod attribute;
mod attribute_type;
mod raw;
mod rfc4514;
mod subject;

pub use attribute::Attribute;
pub use attribute_type::AttributeType;
pub use raw::RawName;
pub use subject::Subject;

/// A distinguished name: relative names in the order of their encoding, the most general (the country) first as a rule.
///
/// Attributes may repeat and stay in order. Turn it into DER with [`to_raw`](Self::to_raw); it prints in the words of RFC 4514.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct DistinguishedName {
    parts: Vec<RelativeName>,
}

impl DistinguishedName {
    /// The empty name.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a relative name of one attribute behind those that are there.
    ///
    /// # Errors
    /// As [`Attribute::new`]; `Malformed` beyond [`limits::NAME_ATTRIBUTES`].
    pub fn with(self, kind: AttributeType, text: &str) -> Result<Self, Error> {
        self.with_relative(RelativeName::of(Attribute::new(kind, text)?))
    }

    /// Adds a relative name behind those that are there.
    ///
    /// # Errors
    /// `Malformed` beyond [`limits::NAME_ATTRIBUTES`].
    pub fn with_relative(mut self, part: RelativeName) -> Result<Self, Error> {
        let there: usize = self.parts.iter().map(|it| it.attributes.len()).sum();
        if there + part.attributes.len() > limits::NAME_ATTRIBUTES {
            return Err(too_many());
        }
        self.parts.push(part);
        Ok(self)
    }

    /// Reads the words of RFC 4514, as in `CN=www.example.com,OU=Web+L=Berlin,O=Example`: the last relative name written is the first encoded.
    ///
    /// cert-manager's `literalSubject` is read like this. Spaces around `,`, `+` and `=` are passed over and a `;` parts relative names, as LDAP v2
    /// had it. Values that begin with `#` are taken as DER, which cert-manager refuses or reads as text, depending on its release.
    ///
    /// # Errors
    /// `Malformed` with the place, for an unknown attribute type with its name and those that are known, and as [`Attribute::new`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        rfc4514::parse(text).map(|parts| Self { parts })
    }

    /// Reads a name of DER; [`to_raw`](Self::to_raw) gives the same bytes again, unless a set in it was out of order.
    ///
    /// # Errors
    /// `Malformed` when it is not a Name, or holds more than [`limits::NAME_ATTRIBUTES`] attributes.
    pub fn read(name: &RawName) -> Result<Self, Error> {
        let malformed = || Error::new(ErrorKind::Malformed, "not a distinguished name of DER");
        let mut rest = Reader::only(der::SEQUENCE, name.as_der()).ok_or_else(malformed)?;
        let mut parts = Vec::new();
        let mut count = 0;
        while !rest.is_empty() {
            let mut set = Reader::new(rest.value(der::SET).ok_or_else(malformed)?);
            let mut attributes = Vec::new();
            while !set.is_empty() {
                count += 1;
                if count > limits::NAME_ATTRIBUTES {
                    return Err(too_many());
                }
                attributes.push(set.value(der::SEQUENCE).and_then(Attribute::read).ok_or_else(malformed)?);
            }
            parts.push(RelativeName::new(attributes)?);
        }
        Ok(Self { parts })
    }

    /// The same name with every text in a PrintableString where the text allows it, or a UTF8String, also domain components and e-mail addresses, whose types
    /// want an IA5String. Go writes names like that: who compares bytes with a program in Go takes this.
    #[must_use]
    pub fn in_directory_strings(mut self) -> Self {
        for part in &mut self.parts {
            part.attributes =
                std::mem::take(&mut part.attributes).into_iter().map(Attribute::in_directory_string).collect();
        }
        self
    }

    /// The name in DER.
    pub fn to_raw(&self) -> RawName {
        RawName::written(der::build(256, |it| self.write(it)))
    }

    /// The relative names, in the order of their encoding.
    pub fn parts(&self) -> &[RelativeName] {
        &self.parts
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The last common name: the most specific one.
    pub fn common_name(&self) -> Option<Cow<'_, str>> {
        let mut attributes = self.parts.iter().rev().flat_map(|it| &it.attributes);
        attributes.find(|it| *it.kind() == AttributeType::COMMON_NAME)?.text()
    }

    fn write(&self, out: &mut Writer) {
        out.sequence(|name| {
            for part in &self.parts {
                match part.attributes.as_slice() {
                    [only] => name.nested(der::SET, |set| only.write(set)),
                    several => name.set_of(several.iter().map(|it| der::build(64, |out| it.write(out))).collect()),
                }
            }
        });
    }
}

impl FromStr for DistinguishedName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        rfc4514::print(&self.parts, f)
    }
}

/// A relative distinguished name: one attribute, or several that stand together (`OU=Web+L=Berlin`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RelativeName {
    attributes: Vec<Attribute>,
}

impl RelativeName {
    /// A relative name of one attribute.
    pub fn of(attribute: Attribute) -> Self {
        Self { attributes: vec![attribute] }
    }

    /// A relative name of these attributes. It is a set: the encoding decides on the order.
    ///
    /// # Errors
    /// `Malformed` when there is none.
    pub fn new(attributes: Vec<Attribute>) -> Result<Self, Error> {
        if attributes.is_empty() {
            return Err(Error::new(ErrorKind::Malformed, "a relative distinguished name needs an attribute"));
        }
        Ok(Self { attributes })
    }

    /// The attributes.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }
}

pub(super) fn too_many() -> Error {
    Error::new(
        ErrorKind::Malformed,
        format!("a distinguished name of more than {} attributes", limits::NAME_ATTRIBUTES),
    )
}
