//! As much of DER (X.690) as keys, certificates and key stores need: a strict [`Reader`], and a [`Writer`] that cannot fail.
//!
//! `None` means "not DER, or not what was expected"; the caller says on what.

use std::fmt::Write as _;

mod public_key;
mod reader;
mod writer;

pub(crate) use public_key::{PublicKeyInfo, RsaPublicKey};
pub use reader::{Reader, Value};
pub use writer::{Writer, build};

/// One value.
pub fn write(tag: u8, content: &[u8]) -> Vec<u8> {
    build(content.len() + 6, |it| it.value(tag, content))
}

/// An INTEGER from its magnitude, which may have leading zeros.
pub fn write_unsigned(magnitude: &[u8]) -> Vec<u8> {
    build(magnitude.len() + 7, |it| it.unsigned(magnitude))
}

/// A BIT STRING of whole octets.
pub fn write_bit_string(octets: &[u8]) -> Vec<u8> {
    build(octets.len() + 7, |it| it.bit_string(octets))
}

/// The tag `[number]`, primitive.
pub const fn context(number: u8) -> u8 {
    0x80 | number
}

/// The tag `[number]`, constructed.
pub const fn context_constructed(number: u8) -> u8 {
    0xa0 | number
}

/// An OBJECT IDENTIFIER (its content) as humans write it, cut off where it is long.
pub fn dotted(content: &[u8]) -> String {
    const LONGEST: usize = 128;
    let mut out = String::new();
    let mut arc: u64 = 0;
    for octet in content {
        if out.len() > LONGEST || arc >> 57 != 0 {
            out.push('…');
            return out;
        }
        arc = arc << 7 | u64::from(octet & 0x7f);
        if octet & 0x80 == 0 {
            if out.is_empty() {
                let first = (arc / 40).min(2);
                let _ = write!(out, "{first}.{}", arc - 40 * first);
            } else {
                let _ = write!(out, ".{arc}");
            }
            arc = 0;
        }
    }
    out
}

/// BOOLEAN.
pub const BOOLEAN: u8 = 0x01;
/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// BIT STRING.
pub const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// OBJECT IDENTIFIER.
pub const OBJECT_IDENTIFIER: u8 = 0x06;
/// ENUMERATED.
pub const ENUMERATED: u8 = 0x0a;
/// UTF8String.
pub const UTF8_STRING: u8 = 0x0c;
/// NumericString.
pub const NUMERIC_STRING: u8 = 0x12;
/// PrintableString.
pub const PRINTABLE_STRING: u8 = 0x13;
/// TeletexString, also called T61String.
pub const T61_STRING: u8 = 0x14;
/// IA5String.
pub const IA5_STRING: u8 = 0x16;
/// UTCTime.
pub const UTC_TIME: u8 = 0x17;
/// GeneralizedTime.
pub const GENERALIZED_TIME: u8 = 0x18;
/// UniversalString.
pub const UNIVERSAL_STRING: u8 = 0x1c;
/// BMPString.
pub const BMP_STRING: u8 = 0x1e;
/// SEQUENCE and SEQUENCE OF.
pub const SEQUENCE: u8 = 0x30;
/// SET and SET OF.
pub const SET: u8 = 0x31;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let content = vec![7; length];
            let bytes = write(OCTET_STRING, &content);
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.value(OCTET_STRING), Some(content.as_slice()));
            assert!(reader.end().is_some());
        }
        for magnitude in [&[][..], &[1], &[0x7f], &[0x80], &[0xff, 0]] {
            let bytes = write_unsigned(magnitude);
            assert_eq!(Reader::new(&bytes).unsigned(), Some(magnitude));
        }
    }

    #[test]
    fn an_identifier_is_written_with_dots() {
        assert_eq!(dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05]), "1.2.840.113549.1.1.5");
        assert_eq!(dotted(&[0x88, 0x37, 0x03]), "2.999.3");
        assert_eq!(dotted(&[0xff; 4096]), "…");
        assert!(dotted(&[1; 4096]).len() < 140);
    }
}
