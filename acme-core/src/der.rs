//! As much of DER (X.690) as keys, signatures and key stores need: a strict reader, and a writer that cannot fail.
//!
//! `None` means "not DER, or not what was expected"; the caller says on what.

use std::fmt::Write as _;

/// Reads one value after another.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from their beginning.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The content of `bytes`, which is one SEQUENCE and nothing behind it.
    pub fn sequence(bytes: &'a [u8]) -> Option<Self> {
        let mut outer = Self::new(bytes);
        let content = outer.value(SEQUENCE)?;
        outer.end()?;
        Some(Self::new(content))
    }

    /// The content of the next value, whose tag is `tag`.
    pub fn value(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&found, rest) = self.rest.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            let octets;
            (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let minimal = match octets {
                [] | [0, ..] => false,
                [only] => *only >= 0x80,
                more => more.len() <= 4,
            };
            if !minimal {
                return None;
            }
            octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet))
        };
        let (content, rest) = rest.split_at_checked(length)?;
        if found != tag {
            return None;
        }
        self.rest = rest;
        Some(content)
    }

    /// The magnitude of the next value, an INTEGER that is not negative.
    pub fn unsigned(&mut self) -> Option<&'a [u8]> {
        match self.value(INTEGER)? {
            [] => None,
            [0] => Some(&[]),
            [0, rest @ ..] => (rest[0] >= 0x80).then_some(rest),
            all => (all[0] < 0x80).then_some(all),
        }
    }

    /// The octets of the next value, a BIT STRING of whole octets.
    pub fn bit_string(&mut self) -> Option<&'a [u8]> {
        let (&unused, octets) = self.value(BIT_STRING)?.split_first()?;
        (unused == 0).then_some(octets)
    }

    /// The tag of the next value, if there is one.
    pub fn tag(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Nothing is left.
    pub fn end(self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }
}

/// One value.
pub fn write(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let octets = length.to_be_bytes();
            let zeros = octets.iter().take_while(|it| **it == 0).count();
            let octets = &octets[zeros..];
            out.push(0x80 | u8::try_from(octets.len()).unwrap_or(0x7f));
            out.extend_from_slice(octets);
        }
    }
    out.extend_from_slice(content);
    out
}

/// An INTEGER from its magnitude, which may have leading zeros.
pub fn write_unsigned(magnitude: &[u8]) -> Vec<u8> {
    let zeros = magnitude.iter().take_while(|it| **it == 0).count();
    let magnitude = &magnitude[zeros..];
    let mut content = Vec::with_capacity(magnitude.len() + 1);
    if magnitude.first().is_none_or(|first| *first >= 0x80) {
        content.push(0);
    }
    content.extend_from_slice(magnitude);
    write(INTEGER, &content)
}

/// A BIT STRING of whole octets.
pub fn write_bit_string(octets: &[u8]) -> Vec<u8> {
    write(BIT_STRING, &[&[0], octets].concat())
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

/// A SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), taken apart.
pub(crate) struct PublicKeyInfo<'a> {
    /// The content of its AlgorithmIdentifier, as `rustls_pki_types::alg_id` writes it.
    pub(crate) algorithm: &'a [u8],
    /// The key.
    pub(crate) key: &'a [u8],
}

impl<'a> PublicKeyInfo<'a> {
    pub(crate) fn read(spki: &'a [u8]) -> Option<Self> {
        let mut fields = Reader::sequence(spki)?;
        let algorithm = fields.value(SEQUENCE)?;
        let key = fields.bit_string()?;
        fields.end()?;
        Some(Self { algorithm, key })
    }
}

/// An RSAPublicKey (RFC 8017 appendix A.1.1).
pub(crate) struct RsaPublicKey<'a> {
    pub(crate) modulus: &'a [u8],
    pub(crate) exponent: &'a [u8],
}

impl<'a> RsaPublicKey<'a> {
    pub(crate) fn read(key: &'a [u8]) -> Option<Self> {
        let mut fields = Reader::sequence(key)?;
        let modulus = fields.unsigned()?;
        let exponent = fields.unsigned()?;
        fields.end()?;
        (!modulus.is_empty() && !exponent.is_empty()).then_some(Self { modulus, exponent })
    }

    /// The length of the modulus.
    pub(crate) fn bits(&self) -> usize {
        self.modulus.len() * 8 - self.modulus.first().map_or(0, |first| first.leading_zeros() as usize)
    }
}

/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// BIT STRING.
pub const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// OBJECT IDENTIFIER.
pub const OBJECT_IDENTIFIER: u8 = 0x06;
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
        assert_eq!(write_unsigned(&[0, 0, 5]), [INTEGER, 1, 5]);
    }

    #[test]
    fn an_identifier_is_written_with_dots() {
        assert_eq!(dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05]), "1.2.840.113549.1.1.5");
        assert_eq!(dotted(&[0x88, 0x37, 0x03]), "2.999.3");
        assert_eq!(dotted(&[0xff; 4096]), "…");
        assert!(dotted(&[1; 4096]).len() < 140);
    }

    #[test]
    fn what_is_not_der_is_refused() {
        for bytes in [
            &[][..],
            &[0x02],
            &[0x02, 0x01],             // cut off
            &[0x02, 0x80, 0x00, 0x00], // indefinite
            &[0x02, 0x81, 0x01, 0x05], // length not minimal
            &[0x02, 0x82, 0x00, 0x81, 0x05],
            &[0x02, 0x02, 0x00, 0x05], // integer not minimal
            &[0x02, 0x01, 0x80],       // negative
            &[0x02, 0x00],
            &[0x02, 0x85, 1, 1, 1, 1, 1],
            &[0x02, 0x84, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(Reader::new(bytes).unsigned(), None, "{bytes:02x?}");
        }
    }
}
