//! Extensions (RFC 5280 section 4.2): as they stand, and what the common ones say.

use acme_core::der::{self, Reader};
use acme_core::text;

use crate::template::BasicConstraints;
use crate::{ObjectIdentifier, limits};

/// An extension of a certificate or of a signing request, as it stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawExtension<'a> {
    /// The content of its OBJECT IDENTIFIER.
    pub oid: &'a [u8],
    /// Whether those who do not understand it must give up.
    pub critical: bool,
    /// The content of its OCTET STRING, DER as a rule.
    pub value: &'a [u8],
}

impl RawExtension<'_> {
    /// Its object identifier as numbers and dots.
    pub fn dotted(&self) -> String {
        dotted(self.oid)
    }
}

/// What a basic constraints extension says (RFC 5280 section 4.2.1.9). The path length of what is no authority means nothing.
pub(crate) fn basic_constraints(value: &[u8]) -> Option<BasicConstraints> {
    let mut fields = Reader::only(der::SEQUENCE, value)?;
    let is_authority = fields.flag()?;
    let path_length = if fields.is_empty() { None } else { Some(unsigned(fields.integer()?)?) };
    fields.end()?;
    Some(if is_authority { BasicConstraints::Authority { path_length } } else { BasicConstraints::EndEntity })
}

/// Adds those of `list`, the content of a SEQUENCE OF Extension, behind those that were found before. `Err` names what is wrong with it.
pub(crate) fn add_extensions<'a>(found: &mut Vec<RawExtension<'a>>, list: &'a [u8]) -> Result<(), String> {
    let mut list = Reader::new(list);
    while !list.is_empty() {
        let Some(extension) = list.enter(der::SEQUENCE).and_then(read) else {
            return Err("an extension of it is not DER".to_owned());
        };
        if self::extension(found, extension.oid).is_some() {
            return Err(format!("extension {} is there twice", extension.dotted()));
        }
        if found.len() == limits::EXTENSIONS {
            return Err(format!("it has more than {} extensions", limits::EXTENSIONS));
        }
        found.push(extension);
    }
    Ok(())
}

/// The extension of this object identifier.
pub(crate) fn extension<'a>(extensions: &[RawExtension<'a>], oid: &[u8]) -> Option<RawExtension<'a>> {
    extensions.iter().find(|extension| extension.oid == oid).copied()
}

/// The bits of a key usage extension (RFC 5280 section 4.2.1.3), bit 0 the lowest.
pub(crate) fn key_usage(value: &[u8]) -> Option<u16> {
    let mut reader = Reader::new(value);
    let (&unused, octets) = reader.value(der::BIT_STRING)?.split_first()?;
    reader.end()?;
    match octets {
        [] if unused == 0 => Some(0),
        [first] if unused < 8 => Some(u16::from_be_bytes([*first, 0]).reverse_bits()),
        [first, second] if unused < 8 => Some(u16::from_be_bytes([*first, *second]).reverse_bits()),
        _ => None,
    }
}

/// The object identifiers of an extended key usage extension (RFC 5280 section 4.2.1.12), in order.
pub(crate) fn extended_key_usage(value: &[u8]) -> Option<Vec<&[u8]>> {
    let mut list = Reader::only(der::SEQUENCE, value)?;
    let mut usages = Vec::new();
    while !list.is_empty() {
        usages.push(list.value(der::OBJECT_IDENTIFIER)?);
    }
    Some(usages)
}

/// Numbers and dots for the content of an OBJECT IDENTIFIER; octets that are none are shown as they are.
pub(crate) fn dotted(oid: &[u8]) -> String {
    match ObjectIdentifier::from_der(oid) {
        Ok(oid) => oid.to_string(),
        Err(_) => text::printable(&format!("{oid:02x?}"), 80),
    }
}

fn read(mut fields: Reader<'_>) -> Option<RawExtension<'_>> {
    let oid = fields.value(der::OBJECT_IDENTIFIER)?;
    let critical = fields.flag()?;
    let value = fields.value(der::OCTET_STRING)?;
    fields.end()?;
    (!oid.is_empty()).then_some(RawExtension { oid, critical, value })
}

fn unsigned(integer: &[u8]) -> Option<u32> {
    if integer.first().is_some_and(|first| *first >= 0x80) || integer.len() > 5 {
        return None;
    }
    let number = integer.iter().fold(0_u64, |number, octet| number << 8 | u64::from(*octet));
    // A bound that no chain reaches is none.
    Some(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Contents of the object identifiers of extensions.
pub(crate) mod oid {
    pub(crate) const SUBJECT_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 0x0e];
    pub(crate) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
    pub(crate) const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
    pub(crate) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
    pub(crate) const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x1e];
    pub(crate) const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 0x23];
    pub(crate) const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
}
