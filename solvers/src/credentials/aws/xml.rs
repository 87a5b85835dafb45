//! Just enough XML to read what AWS answers: elements and their text. No document types, so nothing in it can grow.

use std::borrow::Cow;
use std::fmt;

use acme_core::{Error, ErrorKind};

use crate::limits;

/// An element: its name without a prefix, its text, and what is in it. Attributes are passed over.
pub struct Element<'a> {
    tag: &'a str,
    text: Cow<'a, str>,
    children: Vec<Element<'a>>,
}

impl<'a> Element<'a> {
    /// Reads a whole document, in time that grows with its length alone.
    ///
    /// # Errors
    /// `Malformed` when it is cut off, not well-formed, has a document type, or breaks [`limits::XML_DEPTH`] or [`limits::XML_ELEMENTS`].
    pub fn parse(document: &'a str) -> Result<Self, Error> {
        let mut rest = document.strip_prefix('\u{feff}').unwrap_or(document);
        let mut open: Vec<Self> = Vec::new();
        let mut elements = 0;
        loop {
            let piece = Piece::take(&mut rest).ok_or_else(unreadable)?;
            let closed = match piece {
                Piece::Nothing => continue,
                Piece::Text(text) => {
                    match open.last_mut() {
                        Some(element) => element.append(text),
                        None if text.trim().is_empty() => {}
                        None => return Err(unreadable()),
                    }
                    continue;
                }
                Piece::Start(_) | Piece::Empty(_) if open.len() == limits::XML_DEPTH => return Err(too_much()),
                Piece::Start(tag) => {
                    elements += 1;
                    open.push(Self::new(tag));
                    continue;
                }
                Piece::Empty(tag) => {
                    elements += 1;
                    Self::new(tag)
                }
                Piece::End(tag) => open.pop().filter(|element| element.tag == tag).ok_or_else(unreadable)?,
            };
            if elements > limits::XML_ELEMENTS {
                return Err(too_much());
            }
            match open.last_mut() {
                Some(parent) => parent.children.push(closed),
                None => return Piece::only_nothing(rest).then_some(closed).ok_or_else(unreadable),
            }
        }
    }

    /// Its name, without a prefix.
    pub fn name(&self) -> &'a str {
        self.tag.rsplit_once(':').map_or(self.tag, |(_, name)| name)
    }

    /// The text right in it, without white space around it.
    pub fn text(&self) -> &str {
        self.text.trim()
    }

    /// What is in it, in order.
    pub fn children(&self) -> &[Self] {
        &self.children
    }

    /// The first element of this name in it.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name() == name)
    }

    /// The text at the end of a path of names that begins in it.
    pub fn find(&self, path: &[&str]) -> Option<&str> {
        let mut element = self;
        for name in path {
            element = element.child(name)?;
        }
        Some(element.text())
    }

    fn new(tag: &'a str) -> Self {
        Self { tag, text: Cow::Borrowed(""), children: Vec::new() }
    }

    fn append(&mut self, more: Cow<'a, str>) {
        if self.text.is_empty() {
            self.text = more;
        } else {
            self.text.to_mut().push_str(&more);
        }
    }
}

/// Shows names alone: the text may be a secret key.
impl fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Element").field("name", &self.name()).field("children", &self.children).finish_non_exhaustive()
    }
}

enum Piece<'a> {
    /// A comment, or an instruction.
    Nothing,
    Text(Cow<'a, str>),
    Start(&'a str),
    Empty(&'a str),
    End(&'a str),
}

impl<'a> Piece<'a> {
    /// The first piece of `rest`; `None` at its end, and where it is not well-formed.
    fn take(rest: &mut &'a str) -> Option<Self> {
        let document = *rest;
        if document.is_empty() {
            return None;
        }
        let Some(markup) = document.strip_prefix('<') else {
            let end = document.find('<').unwrap_or(document.len());
            *rest = &document[end..];
            return unescaped(&document[..end]).map(Self::Text);
        };
        if let Some(comment) = markup.strip_prefix("!--") {
            (_, *rest) = comment.split_once("-->")?;
            return Some(Self::Nothing);
        }
        if let Some(instruction) = markup.strip_prefix('?') {
            (_, *rest) = instruction.split_once("?>")?;
            return Some(Self::Nothing);
        }
        if let Some(verbatim) = markup.strip_prefix("![CDATA[") {
            let (text, after) = verbatim.split_once("]]>")?;
            *rest = after;
            return Some(Self::Text(Cow::Borrowed(text)));
        }
        if let Some(tag) = markup.strip_prefix('/') {
            let (tag, after) = tag.split_once('>')?;
            *rest = after;
            return Some(Self::End(tag.trim_end()));
        }
        let end = end_of_tag(markup)?;
        *rest = &markup[end + 1..];
        let inside = &markup[..end];
        let (inside, piece): (&str, fn(&'a str) -> Self) = match inside.strip_suffix('/') {
            Some(inside) => (inside, Self::Empty),
            None => (inside, Self::Start),
        };
        let tag = inside.split(|char: char| char.is_ascii_whitespace()).next()?;
        let is_name = tag.starts_with(|char: char| char.is_alphabetic() || char == '_')
            && !tag.contains(['<', '&', '"', '\'', '=']);
        is_name.then(|| piece(tag))
    }

    fn only_nothing(mut rest: &'a str) -> bool {
        while !rest.trim_start().is_empty() {
            rest = rest.trim_start();
            if !matches!(Self::take(&mut rest), Some(Self::Nothing)) {
                return false;
            }
        }
        true
    }
}

/// Where the `>` of a tag is, outside the quotes of its attributes.
fn end_of_tag(markup: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in markup.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// Text with the five entities of XML and character references replaced; `None` for any other entity.
fn unescaped(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('&') {
        return Some(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split('&');
    out.push_str(parts.next()?);
    for part in parts {
        let (entity, after) = part.split_once(';')?;
        out.push(match entity {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = entity.strip_prefix('#')?;
                let number = match number.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => number.parse(),
                };
                char::from_u32(number.ok()?)?
            }
        });
        out.push_str(after);
    }
    Some(Cow::Owned(out))
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Malformed, "an answer of AWS is no XML, or it is cut off")
}

fn too_much() -> Error {
    Error::new(
        ErrorKind::Malformed,
        "an answer of AWS holds more XML than can be meant: too deep, or too many elements",
    )
}
