//! As much of DER (X.690) as X.509 needs, written and read.

mod fields;
mod reader;

pub(crate) use reader::{Reader, Value};

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const INTEGER_ZERO: [u8; 3] = [0x02, 0x01, 0x00];
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
pub(crate) const NUMERIC_STRING: u8 = 0x12;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
pub(crate) const T61_STRING: u8 = 0x14;
pub(crate) const IA5_STRING: u8 = 0x16;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const UNIVERSAL_STRING: u8 = 0x1c;
pub(crate) const BMP_STRING: u8 = 0x1e;
/// `[0]`, constructed.
pub(crate) const CONTEXT_0: u8 = 0xa0;
/// `dNSName` of a GeneralName: `[2]`, primitive.
pub(crate) const DNS_NAME: u8 = 0x82;
/// `iPAddress` of a GeneralName: `[7]`, primitive.
pub(crate) const IP_ADDRESS: u8 = 0x87;

/// The tag `[number]`, primitive.
pub(crate) const fn context(number: u8) -> u8 {
    0x80 | number
}

/// The tag `[number]`, constructed.
pub(crate) const fn context_constructed(number: u8) -> u8 {
    0xa0 | number
}

/// One value: tag, length, and the parts of its content one after another.
pub(crate) fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let octets = length.to_be_bytes();
            let octets = &octets[octets.iter().take_while(|octet| **octet == 0).count()..];
            out.push(0x80 | u8::try_from(octets.len()).unwrap_or(0x7f));
            out.extend_from_slice(octets);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// A BIT STRING of whole octets.
pub(crate) fn bit_string(octets: &[u8]) -> Vec<u8> {
    value(0x03, &[&[0], octets])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_minimal() {
        for (length, header) in [
            (0, &[4, 0][..]),
            (127, &[4, 0x7f]),
            (128, &[4, 0x81, 0x80]),
            (255, &[4, 0x81, 0xff]),
            (256, &[4, 0x82, 1, 0]),
            (65_536, &[4, 0x83, 1, 0, 0]),
        ] {
            let written = value(OCTET_STRING, &[&vec![0; length]]);
            assert_eq!(written[..header.len()], *header);
            assert_eq!(written.len(), header.len() + length);
        }
    }
}
