//! One attribute of a name: a type and a value.

use std::borrow::Cow;

use acme_core::der::{self, Reader, Writer};
use acme_core::{Error, ErrorKind, text};

use super::attribute_type::{AttributeType, Form};
use crate::x509::name::text_of;
use crate::{ObjectIdentifier, limits};

/// An attribute of a name, as in `O=Example`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attribute {
    kind: AttributeType,
    value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Value {
    /// Text; the type says how it is encoded.
    Text(String),
    /// One value of DER: of another type than text, or text in another encoding than ours.
    Encoded(Vec<u8>),
}

impl Attribute {
    /// An attribute with this text: an IA5String for `DC` and `emailAddress`; otherwise a PrintableString where the text allows it, or a UTF8String.
    ///
    /// # Errors
    /// `Malformed` when the text is empty, longer than [`limits::COMMON_NAME`] octets for a common name or
    /// [`limits::NAME_VALUE`] for any other, or not ASCII where IA5String is needed.
    pub fn new(kind: AttributeType, text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::new(ErrorKind::Malformed, format!("the {kind} of a name is empty: leave it out")));
        }
        let most = if kind == AttributeType::COMMON_NAME { limits::COMMON_NAME } else { limits::NAME_VALUE };
        if text.len() > most {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!("the {kind} {:?} is longer than {most} octets", text::printable(text, 100)),
            ));
        }
        if kind.form() == Form::Ia5 && !text.is_ascii() {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!(
                    "the {kind} {:?} holds letters beyond ASCII, which X.509 does not allow there: write domains in their xn-- form",
                    text::printable(text, 100)
                ),
            ));
        }
        Ok(Self { kind, value: Value::Text(text.to_owned()) })
    }

    /// An attribute with this value in DER, written byte for byte.
    ///
    /// # Errors
    /// `Malformed` when it is not exactly one value of DER, or longer than [`limits::NAME_VALUE`].
    pub fn encoded(kind: AttributeType, value: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(value);
        let is_one = reader.any().is_some() && reader.is_empty();
        if !is_one || value.len() > limits::NAME_VALUE {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!("the value of {kind} is not one value of DER of at most {} octets", limits::NAME_VALUE),
            ));
        }
        Ok(Self::of(kind, value))
    }

    /// The type.
    pub fn kind(&self) -> &AttributeType {
        &self.kind
    }

    /// The value as text; `None` when it is none.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match &self.value {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::Encoded(der) => decode(der),
        }
    }

    /// The value in DER.
    pub fn to_der(&self) -> Vec<u8> {
        der::build(64, |it| self.write_value(it))
    }

    /// The same with its text in a PrintableString where the text allows it, or a UTF8String, whatever the type wants.
    pub(super) fn in_directory_string(self) -> Self {
        let text = match &self.value {
            Value::Text(text) if self.kind.form() == Form::Ia5 => text,
            Value::Text(_) | Value::Encoded(_) => return self,
        };
        let value = der::build(64, |it| it.value(directory_string(text), text.as_bytes()));
        Self { kind: self.kind, value: Value::Encoded(value) }
    }

    /// Reads the content of an AttributeTypeAndValue.
    pub(super) fn read(content: &[u8]) -> Option<Self> {
        let mut fields = Reader::new(content);
        let kind = AttributeType::from(ObjectIdentifier::from_der(fields.value(der::OBJECT_IDENTIFIER)?).ok()?);
        let value = fields.any()?.whole;
        fields.end()?;
        Some(Self::of(kind, value))
    }

    /// One value of DER, as text where we would write it the same.
    fn of(kind: AttributeType, value: &[u8]) -> Self {
        if let Some(text) = decode(value)
            && let Ok(ours) = Self::new(kind.clone(), &text)
            && ours.to_der() == value
        {
            return ours;
        }
        Self { kind, value: Value::Encoded(value.to_vec()) }
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.sequence(|it| {
            it.object_identifier(self.kind.oid());
            self.write_value(it);
        });
    }

    fn write_value(&self, out: &mut Writer) {
        match &self.value {
            Value::Text(text) => {
                let tag = match self.kind.form() {
                    Form::Ia5 => der::IA5_STRING,
                    Form::Directory => directory_string(text),
                };
                out.value(tag, text.as_bytes());
            }
            Value::Encoded(der) => out.raw(der),
        }
    }
}

fn directory_string(text: &str) -> u8 {
    if text.bytes().all(is_printable) { der::PRINTABLE_STRING } else { der::UTF8_STRING }
}

/// A character of PrintableString (X.680 section 41.4).
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte)
}

fn decode(value: &[u8]) -> Option<Cow<'_, str>> {
    let mut reader = Reader::new(value);
    let value = reader.any()?;
    reader.end()?;
    text_of(value)
}
