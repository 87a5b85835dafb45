//! What the attributes of names are called.

use std::fmt;

use acme_core::{Error, ErrorKind, text};

use crate::ObjectIdentifier;

/// The type of an attribute in a name: one that has a short name, or any object identifier.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeType(ObjectIdentifier);

/// How the text of an attribute is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// PrintableString where the text allows it, otherwise UTF8String (RFC 5280 section 4.1.2.4); so does Go.
    Directory,
    /// IA5String: e-mail addresses and domain components (RFC 5280 appendix A.1, RFC 4519 section 2.4).
    Ia5,
}

impl AttributeType {
    /// `CN`.
    pub const COMMON_NAME: Self = Self::known(&[0x55, 0x04, 0x03]);
    /// `SN`: the family name of a person.
    pub const SURNAME: Self = Self::known(&[0x55, 0x04, 0x04]);
    /// `SERIALNUMBER`: of a device or an organization, not of the certificate.
    pub const SERIAL_NUMBER: Self = Self::known(&[0x55, 0x04, 0x05]);
    /// `C`: two letters of ISO 3166.
    pub const COUNTRY: Self = Self::known(&[0x55, 0x04, 0x06]);
    /// `L`: a city, as a rule.
    pub const LOCALITY: Self = Self::known(&[0x55, 0x04, 0x07]);
    /// `ST`: a state or province.
    pub const PROVINCE: Self = Self::known(&[0x55, 0x04, 0x08]);
    /// `STREET`.
    pub const STREET_ADDRESS: Self = Self::known(&[0x55, 0x04, 0x09]);
    /// `O`.
    pub const ORGANIZATION: Self = Self::known(&[0x55, 0x04, 0x0a]);
    /// `OU`.
    pub const ORGANIZATIONAL_UNIT: Self = Self::known(&[0x55, 0x04, 0x0b]);
    /// `postalCode`.
    pub const POSTAL_CODE: Self = Self::known(&[0x55, 0x04, 0x11]);
    /// `DC`: one label of a domain.
    pub const DOMAIN_COMPONENT: Self = Self::known(&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19]);
    /// `UID`: the name of a login.
    pub const USER_ID: Self = Self::known(&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01]);
    /// `emailAddress`: legacy; a subject alternative name is the place for it.
    pub const EMAIL_ADDRESS: Self = Self::known(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01]);

    /// The type of this short name, in any case, or of this dotted object identifier.
    ///
    /// # Errors
    /// `Malformed` when it is neither; the error names those that are known.
    pub fn parse(name: &str) -> Result<Self, Error> {
        let digits = name.get(..4).filter(|it| it.eq_ignore_ascii_case("OID.")).map_or(name, |_| &name[4..]);
        if digits.starts_with(|first: char| first.is_ascii_digit()) {
            return ObjectIdentifier::parse(digits).map(Self);
        }
        let known = NAMES.iter().find(|known| known.name.eq_ignore_ascii_case(name));
        match known {
            Some(known) => Ok(Self(ObjectIdentifier::known(known.oid))),
            None => Err(unknown(name)),
        }
    }

    /// The object identifier.
    pub fn oid(&self) -> &ObjectIdentifier {
        &self.0
    }

    /// The short name, for those that have one.
    pub fn short_name(&self) -> Option<&'static str> {
        NAMES.iter().find(|it| it.oid == self.0.as_der()).map(|it| it.name)
    }

    pub(super) fn form(&self) -> Form {
        if *self == Self::DOMAIN_COMPONENT || *self == Self::EMAIL_ADDRESS { Form::Ia5 } else { Form::Directory }
    }

    const fn known(content: &'static [u8]) -> Self {
        Self(ObjectIdentifier::known(content))
    }
}

impl From<ObjectIdentifier> for AttributeType {
    fn from(oid: ObjectIdentifier) -> Self {
        Self(oid)
    }
}

impl fmt::Display for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.short_name() {
            Some(name) => f.write_str(name),
            None => self.0.fmt(f),
        }
    }
}

impl fmt::Debug for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn unknown(name: &str) -> Error {
    let mut known: Vec<&str> = Vec::new();
    for candidate in NAMES {
        if !known.contains(&candidate.name)
            && NAMES.iter().position(|it| it.oid == candidate.oid).is_some_and(|at| NAMES[at].name == candidate.name)
        {
            known.push(candidate.name);
        }
    }
    Error::new(
        ErrorKind::Malformed,
        format!(
            "{:?} is not a known attribute type of names; known are {}, and any object identifier in dotted form",
            text::printable(name, 60),
            known.join(", ")
        ),
    )
}

struct Named {
    name: &'static str,
    oid: &'static [u8],
}

const fn named(name: &'static str, oid: &'static [u8]) -> Named {
    Named { name, oid }
}

/// RFC 4514 section 3, RFC 4519 section 2, RFC 5280 appendix A.1, RFC 2985 and the EV guidelines; the first of several names is printed.
const NAMES: &[Named] = &[
    named("CN", &[0x55, 0x04, 0x03]),
    named("commonName", &[0x55, 0x04, 0x03]),
    named("SN", &[0x55, 0x04, 0x04]),
    named("surname", &[0x55, 0x04, 0x04]),
    named("SERIALNUMBER", &[0x55, 0x04, 0x05]),
    named("C", &[0x55, 0x04, 0x06]),
    named("countryName", &[0x55, 0x04, 0x06]),
    named("L", &[0x55, 0x04, 0x07]),
    named("localityName", &[0x55, 0x04, 0x07]),
    named("ST", &[0x55, 0x04, 0x08]),
    named("S", &[0x55, 0x04, 0x08]),
    named("stateOrProvinceName", &[0x55, 0x04, 0x08]),
    named("STREET", &[0x55, 0x04, 0x09]),
    named("streetAddress", &[0x55, 0x04, 0x09]),
    named("O", &[0x55, 0x04, 0x0a]),
    named("organizationName", &[0x55, 0x04, 0x0a]),
    named("OU", &[0x55, 0x04, 0x0b]),
    named("organizationalUnitName", &[0x55, 0x04, 0x0b]),
    named("title", &[0x55, 0x04, 0x0c]),
    named("description", &[0x55, 0x04, 0x0d]),
    named("businessCategory", &[0x55, 0x04, 0x0f]),
    named("postalCode", &[0x55, 0x04, 0x11]),
    named("postOfficeBox", &[0x55, 0x04, 0x12]),
    named("physicalDeliveryOfficeName", &[0x55, 0x04, 0x13]),
    named("telephoneNumber", &[0x55, 0x04, 0x14]),
    named("name", &[0x55, 0x04, 0x29]),
    named("givenName", &[0x55, 0x04, 0x2a]),
    named("GN", &[0x55, 0x04, 0x2a]),
    named("initials", &[0x55, 0x04, 0x2b]),
    named("generationQualifier", &[0x55, 0x04, 0x2c]),
    named("dnQualifier", &[0x55, 0x04, 0x2e]),
    named("houseIdentifier", &[0x55, 0x04, 0x33]),
    named("pseudonym", &[0x55, 0x04, 0x41]),
    named("organizationIdentifier", &[0x55, 0x04, 0x61]),
    named("DC", &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19]),
    named("domainComponent", &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19]),
    named("UID", &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01]),
    named("userId", &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01]),
    named("emailAddress", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01]),
    named("E", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01]),
    named("unstructuredName", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x02]),
    named("unstructuredAddress", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x08]),
    named("jurisdictionL", &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x3c, 0x02, 0x01, 0x01]),
    named("jurisdictionST", &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x3c, 0x02, 0x01, 0x02]),
    named("jurisdictionC", &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x3c, 0x02, 0x01, 0x03]),
];
