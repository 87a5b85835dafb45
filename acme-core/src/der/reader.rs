//! The reader: strict, and without a copy.

use super::{BIT_STRING, BOOLEAN, INTEGER, SEQUENCE};

/// Reads one value after another.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

/// A value as it stands.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a> {
    /// What it is.
    pub tag: u8,
    /// What is in it.
    pub content: &'a [u8],
    /// Tag, length and content.
    pub whole: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from their beginning.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The content of `bytes`, which is one SEQUENCE and nothing behind it.
    pub fn sequence(bytes: &'a [u8]) -> Option<Self> {
        Self::only(SEQUENCE, bytes)
    }

    /// The content of `bytes`, which is one value of this tag and nothing behind it.
    pub fn only(tag: u8, bytes: &'a [u8]) -> Option<Self> {
        let mut outer = Self::new(bytes);
        let content = outer.value(tag)?;
        outer.end()?;
        Some(Self::new(content))
    }

    /// Whether nothing is left.
    pub fn is_empty(self) -> bool {
        self.rest.is_empty()
    }

    /// The next value, whatever it is.
    pub fn any(&mut self) -> Option<Value<'a>> {
        let all = self.rest;
        let (&tag, rest) = all.split_first()?;
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (&first, mut rest) = rest.split_first()?;
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            let octets;
            (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let is_minimal = match octets {
                [] | [0, ..] => false,
                [only] => *only >= 0x80,
                more => more.len() <= 4,
            };
            if !is_minimal {
                return None;
            }
            octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet))
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Value { tag, content, whole: &all[..all.len() - rest.len()] })
    }

    /// The content of the next value, whose tag is `tag`.
    pub fn value(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let value = ahead.any().filter(|value| value.tag == tag)?;
        *self = ahead;
        Some(value.content)
    }

    /// Nothing is left.
    pub fn end(self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }

    /// The next value with tag and length, whose tag is `tag`.
    pub fn whole(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let value = ahead.any().filter(|value| value.tag == tag)?;
        *self = ahead;
        Some(value.whole)
    }

    /// What is inside of the next value, whose tag is `tag`.
    pub fn enter(&mut self, tag: u8) -> Option<Self> {
        self.value(tag).map(Self::new)
    }

    /// The content of the next value if its tag is `tag`, and an inner `None` if it is another or nothing is left.
    pub fn optional(&mut self, tag: u8) -> Option<Option<&'a [u8]>> {
        if self.is_empty() {
            return Some(None);
        }
        let mut ahead = *self;
        let value = ahead.any()?;
        Some((value.tag == tag).then(|| {
            *self = ahead;
            value.content
        }))
    }

    /// The content of the next value, an INTEGER in as few octets as it needs; it may be negative.
    pub fn integer(&mut self) -> Option<&'a [u8]> {
        let content = self.value(INTEGER)?;
        let is_minimal = match content {
            [] => false,
            [0, second, ..] => *second >= 0x80,
            [0xff, second, ..] => *second < 0x80,
            _ => true,
        };
        is_minimal.then_some(content)
    }

    /// The octets of the next value, a BIT STRING of whole octets.
    pub fn bit_string(&mut self) -> Option<&'a [u8]> {
        let (&unused, octets) = self.value(BIT_STRING)?.split_first()?;
        (unused == 0).then_some(octets)
    }

    /// A BOOLEAN that is left out when it is false. Tools that write the false one out are understood.
    pub fn flag(&mut self) -> Option<bool> {
        match self.optional(BOOLEAN)? {
            None | Some([0]) => Some(false),
            Some([0xff]) => Some(true),
            Some(_) => None,
        }
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

    /// The tag of the next value, if there is one.
    pub fn tag(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_der_is_refused() {
        for bytes in [
            &[][..],
            &[0x04],
            &[0x04, 0x01],             // cut off
            &[0x24, 0x80, 0x00, 0x00], // indefinite
            &[0x04, 0x81, 0x01, 0x05], // length not minimal
            &[0x04, 0x82, 0x00, 0x81, 0x05],
            &[0x1f, 0x81, 0x01, 0x00], // tag of two octets
            &[0x04, 0x85, 1, 1, 1, 1, 1],
            &[0x04, 0x84, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert!(Reader::new(bytes).any().is_none(), "{bytes:02x?}");
        }
    }

    #[test]
    fn what_was_not_expected_is_still_there() {
        let mut reader = Reader::new(&[0x04, 0x01, 0x07, 0x05, 0x00]);
        assert_eq!(reader.value(0x05), None);
        assert_eq!(reader.value(0x04), Some(&[7][..]));
        assert!(!reader.is_empty());
        assert_eq!(reader.any().unwrap().whole, [0x05, 0x00]);
        assert!(reader.end().is_some());
    }

    #[test]
    fn integers_take_no_octet_more_than_they_need() {
        for (bytes, number) in [
            (&[2, 1, 0][..], Some(&[0][..])),
            (&[2, 1, 0xff], Some(&[0xff])),
            (&[2, 2, 0, 0x80], Some(&[0, 0x80])),
            (&[2, 2, 0xff, 0x7f], Some(&[0xff, 0x7f])),
            (&[2, 0], None),
            (&[2, 2, 0, 0x7f], None),
            (&[2, 2, 0xff, 0x80], None),
            (&[4, 1, 0], None),
        ] {
            assert_eq!(Reader::new(bytes).integer(), number, "{bytes:02x?}");
        }
    }

    #[test]
    fn what_may_be_left_out_may_be_there() {
        let mut reader = Reader::new(&[1, 1, 0xff, 4, 1, 7, 4, 9]);
        assert_eq!(reader.flag(), Some(true));
        assert_eq!(reader.flag(), Some(false));
        assert_eq!(reader.optional(4), Some(Some(&[7][..])));
        assert_eq!(reader.optional(4), None, "cut off");
        assert_eq!(Reader::new(&[]).optional(4), Some(None));
        assert_eq!(Reader::new(&[1, 1, 1]).flag(), None);
        assert_eq!(Reader::new(&[3, 2, 1, 0x80]).bit_string(), None);
    }

    #[test]
    fn only_whole_numbers_have_a_magnitude() {
        for (bytes, magnitude) in [
            (&[2, 1, 0][..], Some(&[][..])),
            (&[2, 2, 0, 0x80], Some(&[0x80])),
            (&[2, 1, 0x80], None), // negative
            (&[2, 2, 0, 5], None), // not minimal
            (&[2, 0], None),
        ] {
            assert_eq!(Reader::new(bytes).unsigned(), magnitude, "{bytes:02x?}");
        }
    }
}
