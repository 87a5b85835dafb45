//! Directory names (RFC 5280 section 4.1.2.4), as far as they are read, compared and shown here.

use std::borrow::Cow;

use acme_core::der::{self, Reader, Value};
use acme_core::text;

use super::extension::dotted;

/// One attribute of a name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attribute<'a> {
    /// The content of its type's OBJECT IDENTIFIER.
    pub(crate) kind: &'a [u8],
    pub(crate) value: Value<'a>,
}

impl<'a> Attribute<'a> {
    /// Its value as text; `None` for what is not one of the string types, or not what its type says.
    pub(crate) fn text(&self) -> Option<Cow<'a, str>> {
        text_of(self.value)
    }
}

/// A value as text; `None` for what is not one of the string types, or not what its type says.
pub(crate) fn text_of(value: Value<'_>) -> Option<Cow<'_, str>> {
    let octets = value.content;
    match value.tag {
        der::UTF8_STRING | der::NUMERIC_STRING | der::PRINTABLE_STRING | der::IA5_STRING | VISIBLE_STRING => {
            std::str::from_utf8(octets).ok().map(Cow::Borrowed)
        }
        // T.61 is written by nobody; what stands in a TeletexString is Latin-1.
        der::T61_STRING => Some(octets.iter().map(|octet| char::from(*octet)).collect()),
        der::BMP_STRING => {
            let units = octets.chunks(2).map(|it| Some(u16::from_be_bytes(it.try_into().ok()?)));
            String::from_utf16(&units.collect::<Option<Vec<_>>>()?).ok().map(Cow::Owned)
        }
        der::UNIVERSAL_STRING => octets
            .chunks(4)
            .map(|it| char::from_u32(u32::from_be_bytes(it.try_into().ok()?)))
            .collect::<Option<String>>()
            .map(Cow::Owned),
        _ => None,
    }
}

/// The relative distinguished names of `name`, the whole of a Name, each with its attributes.
pub(crate) fn parts(name: &[u8]) -> Option<Vec<Vec<Attribute<'_>>>> {
    let mut sequence = Reader::only(der::SEQUENCE, name)?;
    let mut parts = Vec::new();
    while !sequence.is_empty() {
        let mut set = sequence.enter(der::SET)?;
        let mut part = Vec::new();
        while !set.is_empty() {
            let mut fields = set.enter(der::SEQUENCE)?;
            let attribute = Attribute { kind: fields.value(der::OBJECT_IDENTIFIER)?, value: fields.any()? };
            fields.end()?;
            part.push(attribute);
        }
        parts.push(part);
    }
    Some(parts)
}

/// The first common name.
pub(crate) fn common_name(name: &[u8]) -> Option<String> {
    let parts = parts(name)?;
    let attribute = parts.iter().flatten().find(|attribute| attribute.kind == COMMON_NAME)?;
    attribute.text().map(Cow::into_owned)
}

/// A name as people read it: its common name, or all of it; printable, and not longer than a line.
pub(crate) fn readable(name: &[u8]) -> String {
    let shown = common_name(name).unwrap_or_else(|| match parts(name) {
        Some(parts) if parts.is_empty() => "a certificate without a name".to_owned(),
        Some(parts) => parts.iter().flatten().map(attribute_text).collect::<Vec<_>>().join(", "),
        None => "a name that cannot be read".to_owned(),
    });
    text::printable(&shown, 120)
}

/// What is the same for names that are equal by RFC 5280 section 7.1, whatever string types, letter case and spaces they are written with.
/// What cannot be read is equal to itself only.
pub(crate) fn canonical(name: &[u8]) -> Vec<u8> {
    let Some(parts) = parts(name) else { return name.to_vec() };
    let parts: Vec<_> = parts.iter().map(|part| canonical_part(part)).collect();
    der::write(der::SEQUENCE, &parts.concat())
}

/// The same for one relative distinguished name.
pub(crate) fn canonical_part(part: &[Attribute<'_>]) -> Vec<u8> {
    let mut attributes: Vec<_> = part.iter().map(canonical_attribute).collect();
    attributes.sort_unstable();
    der::write(der::SET, &attributes.concat())
}

fn canonical_attribute(attribute: &Attribute<'_>) -> Vec<u8> {
    let value = match attribute.text() {
        Some(text) => {
            let words: Vec<_> = text.split_whitespace().map(str::to_lowercase).collect();
            der::write(der::UTF8_STRING, words.join(" ").as_bytes())
        }
        None => attribute.value.whole.to_vec(),
    };
    der::write(der::SEQUENCE, &[der::write(der::OBJECT_IDENTIFIER, attribute.kind), value].concat())
}

fn attribute_text(attribute: &Attribute<'_>) -> String {
    let kind = match attribute.kind {
        COMMON_NAME => "CN".to_owned(),
        [0x55, 0x04, 0x06] => "C".to_owned(),
        [0x55, 0x04, 0x07] => "L".to_owned(),
        [0x55, 0x04, 0x08] => "ST".to_owned(),
        [0x55, 0x04, 0x0a] => "O".to_owned(),
        [0x55, 0x04, 0x0b] => "OU".to_owned(),
        DOMAIN_COMPONENT => "DC".to_owned(),
        other => dotted(other),
    };
    format!("{kind}={}", attribute.text().unwrap_or(Cow::Borrowed("?")))
}

/// Not among those of RFC 5280, but text all the same.
const VISIBLE_STRING: u8 = 0x1a;
/// id-at-commonName, 2.5.4.3.
pub(crate) const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// pkcs-9-at-emailAddress, 1.2.840.113549.1.9.1.
pub(crate) const EMAIL_ADDRESS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01];
/// id-domainComponent, 0.9.2342.19200300.100.1.25.
const DOMAIN_COMPONENT: &[u8] = &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19];

#[cfg(test)]
mod tests {
    use super::*;

    fn name(attributes: &[(&[u8], u8, &[u8])]) -> Vec<u8> {
        let parts: Vec<_> = attributes
            .iter()
            .map(|(kind, tag, text)| {
                let attribute = der::write(
                    der::SEQUENCE,
                    &[der::write(der::OBJECT_IDENTIFIER, kind), der::write(*tag, text)].concat(),
                );
                der::write(der::SET, &attribute)
            })
            .collect();
        der::write(der::SEQUENCE, &parts.concat())
    }

    #[test]
    fn text_of_every_string_type_is_read() {
        for (tag, octets) in [
            (der::UTF8_STRING, "Größe".as_bytes()),
            (der::T61_STRING, b"Gr\xf6\xdfe"),
            (der::BMP_STRING, b"\0G\0r\0\xf6\0\xdf\0e"),
            (der::UNIVERSAL_STRING, b"\0\0\0G\0\0\0r\0\0\0\xf6\0\0\0\xdf\0\0\0e"),
        ] {
            assert_eq!(common_name(&name(&[(COMMON_NAME, tag, octets)])).as_deref(), Some("Größe"), "{tag:02x}");
        }
        for (tag, octets) in [
            (der::UTF8_STRING, &b"\xff"[..]),
            (der::BMP_STRING, b"\0G\0"),
            (der::BMP_STRING, b"\xd8\0"),
            (der::UNIVERSAL_STRING, b"\0\x11\0\0"),
            (0x04, b"octets"),
        ] {
            assert_eq!(common_name(&name(&[(COMMON_NAME, tag, octets)])), None, "{tag:02x}");
        }
    }

    #[test]
    fn names_written_in_different_ways_are_equal() {
        let one =
            name(&[(COMMON_NAME, der::PRINTABLE_STRING, b"Example  Root "), (DOMAIN_COMPONENT, der::IA5_STRING, b"x")]);
        let other =
            name(&[(COMMON_NAME, der::UTF8_STRING, b"example root"), (DOMAIN_COMPONENT, der::IA5_STRING, b"X")]);
        let third =
            name(&[(DOMAIN_COMPONENT, der::IA5_STRING, b"x"), (COMMON_NAME, der::UTF8_STRING, b"example root")]);
        assert_eq!(canonical(&one), canonical(&other));
        assert_ne!(canonical(&other), canonical(&third));
    }

    #[test]
    fn what_cannot_be_shown_is_not() {
        assert_eq!(readable(&name(&[])), "a certificate without a name");
        assert_eq!(readable(b"\x30\x01"), "a name that cannot be read");
        let unknown = name(&[(&[0x2a, 0x03], der::UTF8_STRING, b"\x1b[1m"), (DOMAIN_COMPONENT, der::IA5_STRING, b"x")]);
        assert_eq!(readable(&unknown), "1.2.3= [1m, DC=x");
    }
}
