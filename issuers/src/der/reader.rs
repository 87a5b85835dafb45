//! A strict reader: `None` means "not DER, or not what was expected"; the caller says on what.

/// Reads one value after another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

/// A value as it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    /// Tag, length and content.
    pub(crate) whole: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The content of `bytes`, which is one value of this tag and nothing behind it.
    pub(crate) fn only(tag: u8, bytes: &'a [u8]) -> Option<Self> {
        let mut outer = Self::new(bytes);
        let content = outer.expect(tag)?;
        outer.end()?;
        Some(Self::new(content))
    }

    pub(crate) fn is_empty(self) -> bool {
        self.rest.is_empty()
    }

    /// The next value, whatever it is.
    pub(crate) fn any(&mut self) -> Option<Value<'a>> {
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
    pub(crate) fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let value = ahead.any().filter(|value| value.tag == tag)?;
        *self = ahead;
        Some(value.content)
    }

    /// Nothing is left.
    pub(crate) fn end(self) -> Option<()> {
        self.rest.is_empty().then_some(())
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
        assert_eq!(reader.expect(0x05), None);
        assert_eq!(reader.expect(0x04), Some(&[7][..]));
        assert!(!reader.is_empty());
        assert_eq!(reader.any().unwrap().whole, [0x05, 0x00]);
        assert!(reader.end().is_some());
    }
}
