//! What the fields of X.509 are, read one after another.

use super::{BIT_STRING, BOOLEAN, INTEGER, Reader};

impl<'a> Reader<'a> {
    /// The next value with tag and length, whose tag is `tag`.
    pub(crate) fn whole(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let value = ahead.any().filter(|value| value.tag == tag)?;
        *self = ahead;
        Some(value.whole)
    }

    /// What is inside of the next value, whose tag is `tag`.
    pub(crate) fn enter(&mut self, tag: u8) -> Option<Self> {
        self.expect(tag).map(Self::new)
    }

    /// The content of the next value if its tag is `tag`, and an inner `None` if it is another or nothing is left.
    pub(crate) fn optional(&mut self, tag: u8) -> Option<Option<&'a [u8]>> {
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
    pub(crate) fn integer(&mut self) -> Option<&'a [u8]> {
        let content = self.expect(INTEGER)?;
        let is_minimal = match content {
            [] => false,
            [0, second, ..] => *second >= 0x80,
            [0xff, second, ..] => *second < 0x80,
            _ => true,
        };
        is_minimal.then_some(content)
    }

    /// The octets of the next value, a BIT STRING of whole octets.
    pub(crate) fn bit_string(&mut self) -> Option<&'a [u8]> {
        let (&unused, octets) = self.expect(BIT_STRING)?.split_first()?;
        (unused == 0).then_some(octets)
    }

    /// A BOOLEAN that is left out when it is false. Tools that write the false one out are understood.
    pub(crate) fn flag(&mut self) -> Option<bool> {
        match self.optional(BOOLEAN)? {
            None | Some([0]) => Some(false),
            Some([0xff]) => Some(true),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
