//! Metadata as Protocol Buffers: what the API server writes and this process reads in a fraction of the time that JSON takes. Of news the server writes it
//! once for all who ask for it so, and its garbage collector always does.
//!
//! The numbers of fields are those of `k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto` and `pkg/runtime/generated.proto`, which never change. What else
//! is in a message is passed over. The encoding is described at <https://protobuf.dev/programming-guides/encoding>.

use acme_core::text;

use super::piece::{Kind, Page, Piece};
use crate::limits;

/// What is not what was asked for: at a byte that cannot be read, or for want of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A message, as far as it has not been read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a>(&'a [u8]);

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    /// A number, or a truth.
    Number(u64),
    /// A text, a message, or bytes.
    Bytes(&'a [u8]),
    /// A number of fixed length, which nothing here is written as.
    Fixed,
}

impl<'a> Message<'a> {
    /// A message to be read from its beginning.
    #[cfg(test)]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next field with its number; `None` at the end.
    ///
    /// # Errors
    /// Where this is no message.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Field<'a>)>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.number()?;
        let field = match tag & 7 {
            0 => Field::Number(self.number()?),
            1 => self.take(8).map(|_| Field::Fixed)?,
            2 => {
                let length = usize::try_from(self.number()?).map_err(|_| Malformed)?;
                Field::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Field::Fixed)?,
            _ => return Err(Malformed),
        };
        Ok(Some((tag >> 3, field)))
    }

    fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(Malformed)?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }
}

impl<'a> Field<'a> {
    /// What it says.
    ///
    /// # Errors
    /// Where it is no text.
    pub(crate) fn text(self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed)
    }

    /// The message that it holds.
    ///
    /// # Errors
    /// Where it holds none.
    pub(crate) fn message(self) -> Result<Message<'a>, Malformed> {
        self.bytes().map(Message)
    }

    /// What it holds.
    ///
    /// # Errors
    /// Where that is a number.
    pub(crate) fn bytes(self) -> Result<&'a [u8], Malformed> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(_) | Self::Fixed => Err(Malformed),
        }
    }
}

/// Whether a list is written so.
pub(super) fn is_it(body: &[u8]) -> bool {
    body.starts_with(MAGIC)
}

/// Reads a piece of news, its object by `read`.
///
/// # Errors
/// Where it is not what was asked for.
pub(super) fn news<K>(piece: &[u8], read: fn(Message<'_>) -> Result<K, Malformed>) -> Result<Piece<K>, Malformed> {
    let (mut kind, mut embedded) = (Kind::Unknown, Message(&[]));
    let mut event = Message(piece);
    while let Some((number, field)) = event.next()? {
        match number {
            1 => kind = Kind::of(field.bytes()?),
            2 => embedded = field.message()?,
            _ => {}
        }
    }
    let content = enveloped(within(embedded, 1)?.0)?;
    match kind {
        Kind::Put => object(content, read).map(Piece::Put),
        Kind::Delete => object(content, read).map(Piece::Delete),
        Kind::Bookmark => object(content, version).map(|version| Piece::Bookmark { version }),
        Kind::Error => {
            let (mut code, mut message) = (0, "");
            let mut status = content;
            while let Some((number, field)) = status.next()? {
                match (number, field) {
                    (3, _) => message = field.text()?,
                    (6, Field::Number(number)) => code = u16::try_from(number).unwrap_or(0),
                    (_, _) => {}
                }
            }
            Ok(Piece::Error { code, message: text::printable(message, limits::TEXT) })
        }
        Kind::Unknown => Err(Malformed),
    }
}

/// Reads a page of a list of metadata, each object by `read`.
///
/// # Errors
/// Where it is not what was asked for.
pub(super) fn page<K>(body: &[u8], read: fn(Message<'_>) -> Result<K, Malformed>) -> Result<Page<K>, Malformed> {
    let mut list = enveloped(body)?;
    let mut page = Page { objects: Vec::new(), left_out: 0, version: String::new(), next: String::new() };
    while let Some((number, field)) = list.next()? {
        match number {
            1 => {
                let mut metadata = field.message()?;
                while let Some((number, field)) = metadata.next()? {
                    match number {
                        2 => page.version = field.text()?.to_owned(),
                        3 => page.next = field.text()?.to_owned(),
                        _ => {}
                    }
                }
            }
            2 => match object(field.message()?, read) {
                Ok(object) => page.objects.push(object),
                Err(Malformed) => page.left_out += 1,
            },
            _ => {}
        }
    }
    Ok(page)
}

/// An object of which the metadata is all there is.
fn object<K>(object: Message<'_>, read: fn(Message<'_>) -> Result<K, Malformed>) -> Result<K, Malformed> {
    read(within(object, 1)?)
}

/// The state that metadata show.
fn version(mut metadata: Message<'_>) -> Result<String, Malformed> {
    let mut version = "";
    while let Some((number, field)) = metadata.next()? {
        if number == 6 {
            version = field.text()?;
        }
    }
    Ok(version.to_owned())
}

/// What is in the envelope that the API server puts around each message.
fn enveloped(bytes: &[u8]) -> Result<Message<'_>, Malformed> {
    within(Message(bytes.strip_prefix(MAGIC).ok_or(Malformed)?), 2)
}

/// The message in a field of another; an empty one where it is not there.
fn within(mut message: Message<'_>, wanted: u64) -> Result<Message<'_>, Malformed> {
    let mut found = Message(&[]);
    while let Some((number, field)) = message.next()? {
        if number == wanted {
            found = field.message()?;
        }
    }
    Ok(found)
}

/// What the API server writes before a message.
const MAGIC: &[u8] = b"k8s\0";

#[cfg(test)]
mod tests {
    use super::{Field, MAGIC, Malformed, Message, Piece, news, page};

    /// A field of a message, as protoc writes it.
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).expect("it is short");
        [&[number << 3 | 2, length][..], content].concat()
    }

    fn enveloped(kind: &[u8], content: &[u8]) -> Vec<u8> {
        let kind = [field(1, b"meta.k8s.io/v1"), field(2, kind)].concat();
        [MAGIC, &field(1, &kind), &field(2, content), &field(3, b""), &field(4, b"")].concat()
    }

    fn list() -> Vec<u8> {
        let metadata = [field(2, b"5"), field(3, b"more")].concat();
        let named = |name: &[u8]| field(2, &field(1, &field(1, name)));
        let list = [field(1, &metadata), named(b"a"), named(b"\xff"), named(b"b")].concat();
        enveloped(b"PartialObjectMetadataList", &list)
    }

    fn event(kind: &[u8], content: &[u8]) -> Vec<u8> {
        [field(1, kind), field(2, &field(1, &enveloped(b"PartialObjectMetadata", content)))].concat()
    }

    fn name(mut metadata: Message<'_>) -> Result<String, Malformed> {
        let (number, field) = metadata.next()?.ok_or(Malformed)?;
        assert_eq!(number, 1);
        field.text().map(str::to_owned)
    }

    #[test]
    fn a_page_holds_what_can_be_read() {
        let page = page(&list(), name).expect("it is a page");
        assert_eq!((page.objects, page.left_out), (vec!["a".to_owned(), "b".to_owned()], 1));
        assert_eq!((page.version.as_str(), page.next.as_str()), ("5", "more"));
    }

    #[test]
    fn news_say_what_became_of_an_object() {
        let object = field(1, &[field(1, b"web"), field(6, b"7")].concat());
        assert!(matches!(news(&event(b"ADDED", &object), name), Ok(Piece::Put(name)) if name == "web"));
        assert!(matches!(news(&event(b"MODIFIED", &object), name), Ok(Piece::Put(name)) if name == "web"));
        assert!(matches!(news(&event(b"DELETED", &object), name), Ok(Piece::Delete(name)) if name == "web"));
        assert!(matches!(news(&event(b"BOOKMARK", &object), name), Ok(Piece::Bookmark { version }) if version == "7"));
        assert!(news(&event(b"ANOTHER", &object), name).is_err());
        // 410, in two bytes of seven bits.
        let gone = [&field(3, b"too old\n")[..], &[6 << 3, 0x9a, 0x03]].concat();
        let Ok(Piece::Error { code, message }) = news(&event(b"ERROR", &gone), name) else { panic!("it is an error") };
        assert_eq!((code, message.as_str()), (410, "too old "));
    }

    #[test]
    fn fields_are_numbers_texts_and_what_nobody_asks_for() {
        let mut message =
            Message::new(&[0x08, 0xac, 0x02, 0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0x1d, 1, 2, 3, 4, 0x22, 1, b'x']);
        assert_eq!(message.next(), Ok(Some((1, Field::Number(300)))));
        assert_eq!(message.next(), Ok(Some((2, Field::Fixed))));
        assert_eq!(message.next(), Ok(Some((3, Field::Fixed))));
        assert_eq!(message.next(), Ok(Some((4, Field::Bytes(b"x")))));
        assert_eq!(message.next(), Ok(None));
    }

    #[test]
    fn what_is_cut_off_or_no_message_is_told() {
        let list = list();
        for length in 0..list.len() {
            // A message may end after any of its fields.
            let _ = page(&list[..length], name);
        }
        let event = event(b"ADDED", &field(1, &field(1, b"web")));
        for length in 0..event.len() {
            let _ = news(&event[..length], name);
        }
        assert!(page(b"{}", name).is_err());
        for broken in [&[0x0b][..], &[0x0a, 9, 1], &[0xff; 11], &[0x09, 1], &[0x08]] {
            assert_eq!(Message::new(broken).next(), Err(Malformed), "{broken:?}");
        }
    }
}
