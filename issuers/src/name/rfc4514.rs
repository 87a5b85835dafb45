//! Names in the words of RFC 4514, read and printed. One pass, no going back.

use std::fmt;

use acme_core::{Error, ErrorKind, text};

use super::{Attribute, AttributeType, RelativeName, too_many};
use crate::limits;

/// The relative names in the order of their encoding: the reverse of how they are written (RFC 4514 section 2.1).
pub(super) fn parse(text: &str) -> Result<Vec<RelativeName>, Error> {
    let mut parser = Parser { text, at: 0 };
    if text.len() > limits::NAME_TEXT {
        return Err(parser.refuse(&format!("it is longer than {} octets", limits::NAME_TEXT)));
    }
    parser.skip_spaces();
    if parser.peek().is_none() {
        return Ok(Vec::new());
    }
    let mut parts = Vec::new();
    let mut attributes = Vec::new();
    let mut count = 0;
    loop {
        count += 1;
        if count > limits::NAME_ATTRIBUTES {
            return Err(too_many());
        }
        attributes.push(parser.attribute()?);
        let separator = parser.peek();
        parser.at += 1;
        if separator != Some(b'+') {
            parts.push(RelativeName::new(std::mem::take(&mut attributes))?);
        }
        if separator.is_none() {
            parts.reverse();
            return Ok(parts);
        }
    }
}

/// Prints relative names in the reverse of the order of their encoding.
pub(super) fn print(parts: &[RelativeName], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (at, part) in parts.iter().rev().enumerate() {
        if at > 0 {
            f.write_str(",")?;
        }
        for (at, attribute) in part.attributes().iter().enumerate() {
            if at > 0 {
                f.write_str("+")?;
            }
            write!(f, "{}=", attribute.kind())?;
            match attribute.text().filter(|text| is_read_again(attribute.kind(), text)) {
                Some(text) => print_text(&text, f)?,
                None => {
                    f.write_str("#")?;
                    attribute.to_der().iter().try_for_each(|octet| write!(f, "{octet:02x}"))?;
                }
            }
        }
    }
    Ok(())
}

/// Text stands behind types that have a name (section 2.4), and only text that is taken when it is read.
fn is_read_again(kind: &AttributeType, text: &str) -> bool {
    kind.short_name().is_some() && Attribute::new(kind.clone(), text).is_ok()
}

/// Section 2.4: what would part names, or is lost at the ends, stands behind a backslash; control characters as hexadecimal.
fn print_text(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (at, char) in text.char_indices() {
        let is_first = at == 0;
        let is_last = at + char.len_utf8() == text.len();
        if char.is_control() {
            char.encode_utf8(&mut [0; 4]).bytes().try_for_each(|octet| write!(f, "\\{octet:02x}"))?;
            continue;
        }
        let is_special = matches!(char, '"' | '+' | ',' | ';' | '<' | '>' | '\\')
            || char == ' ' && (is_first || is_last)
            || char == '#' && is_first;
        if is_special {
            f.write_str("\\")?;
        }
        write!(f, "{char}")?;
    }
    Ok(())
}

struct Parser<'a> {
    text: &'a str,
    /// Octets read.
    at: usize,
}

impl Parser<'_> {
    /// One attribute, up to what parts it from the next.
    fn attribute(&mut self) -> Result<Attribute, Error> {
        self.skip_spaces();
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')) {
            self.at += 1;
        }
        let name = self.text.get(start..self.at).unwrap_or_default();
        if name.is_empty() {
            return Err(self.refuse("an attribute type (as in CN=…) is missing"));
        }
        self.skip_spaces();
        if self.peek() != Some(b'=') {
            return Err(self.refuse(
                "an attribute type and `=` belong in front of every value; escape `,` and `+` in values with `\\`",
            ));
        }
        let kind = AttributeType::parse(name).map_err(|error| error.while_doing(self.context()))?;
        self.at += 1;
        self.skip_spaces();
        let attribute = match self.peek() {
            Some(b'#') => {
                let value = self.hexadecimal()?;
                Attribute::encoded(kind, &value)
            }
            Some(b'"') => {
                return Err(self.refuse(
                    "quotation marks around values are of RFC 2253; write the value without them and escape `,`, `+`, `\"`, `\\`, `<`, `>` and `;` with `\\`",
                ));
            }
            Some(_) | None => {
                let value = self.string()?;
                Attribute::new(kind, &value)
            }
        };
        attribute.map_err(|error| error.while_doing(self.context()))
    }

    /// `#` and pairs of hexadecimal digits.
    fn hexadecimal(&mut self) -> Result<Vec<u8>, Error> {
        self.at += 1;
        let mut value = Vec::new();
        while let Some(octet) = self.pair() {
            value.push(octet);
            self.at += 2;
        }
        self.skip_spaces();
        match self.peek() {
            None | Some(b',' | b'+' | b';') => Ok(value),
            Some(_) => Err(self.refuse(
                "behind `#` there are pairs of hexadecimal digits; a text that begins with `#` is written `\\#`",
            )),
        }
    }

    /// A text with its escapes; spaces around it do not count.
    fn string(&mut self) -> Result<String, Error> {
        let start = self.at;
        let mut value = Vec::new();
        let mut kept = 0;
        while let Some(byte) = self.peek() {
            match byte {
                b',' | b'+' | b';' => break,
                b'"' | b'<' | b'>' | 0 => {
                    return Err(self.refuse(&format!("write `\\{:02x}` for this character", byte)));
                }
                b'\\' => {
                    self.at += 1;
                    if let Some(octet) = self.pair() {
                        value.push(octet);
                        self.at += 2;
                    } else if let Some(escaped) = self.peek().filter(|it| b" \"#+,;<=>\\".contains(it)) {
                        value.push(escaped);
                        self.at += 1;
                    } else {
                        return Err(self.refuse("a `\\` stands before a special character or two hexadecimal digits"));
                    }
                    kept = value.len();
                }
                other => {
                    value.push(other);
                    self.at += 1;
                    if other != b' ' {
                        kept = value.len();
                    }
                }
            }
        }
        value.truncate(kept);
        String::from_utf8(value).map_err(|_| {
            self.at = start;
            self.refuse("the escapes of this value are not UTF-8")
        })
    }

    fn pair(&self) -> Option<u8> {
        let pair = self.text.as_bytes().get(self.at..self.at + 2)?;
        let is_pair = pair.iter().all(u8::is_ascii_hexdigit);
        is_pair.then(|| str::from_utf8(pair).ok().and_then(|it| u8::from_str_radix(it, 16).ok()))?
    }

    fn skip_spaces(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn refuse(&self, why: &str) -> Error {
        let before = self.text.bytes().take(self.at).filter(|byte| !matches!(byte, 0x80..=0xbf)).count();
        Error::new(ErrorKind::Malformed, format!("{}: {why} (at character {})", self.context(), before + 1))
    }

    fn context(&self) -> String {
        format!("{:?} is not a distinguished name of RFC 4514", text::printable(self.text, 120))
    }
}
