//! What an API server tells: a piece of news of a watch, and a page of a list, whichever way they are written.

use super::pieces::Cut;
use super::protobuf::{self, Malformed};
use super::{Watched, json};

/// What a piece of news says.
#[derive(Debug)]
pub(super) enum Piece<K> {
    /// An object was made or changed, or is there.
    Put(K),
    /// An object is gone.
    Delete(K),
    /// Everything up to this state was told.
    Bookmark { version: String },
    /// The stream cannot go on.
    Error { code: u16, message: String },
}

impl<K: Watched> Piece<K> {
    /// Reads a piece of an answer that is cut so; it is used up.
    ///
    /// # Errors
    /// Where it is not what was asked for. Its text, which may be secret, is not told.
    pub(super) fn read(told: &mut [u8], cut: Cut) -> Result<Self, String> {
        match (cut, K::METADATA) {
            (Cut::Lengths, Some(read)) => protobuf::news(told, read).map_err(malformed),
            (Cut::Lengths, None) => Err(malformed(Malformed)),
            (Cut::Lines, _) => json::read(told),
        }
    }
}

/// A page of a list.
#[derive(Debug)]
pub(super) struct Page<K> {
    pub(super) objects: Vec<K>,
    /// How many could not be read.
    pub(super) left_out: usize,
    /// The state that the list shows.
    pub(super) version: String,
    /// What asks for the next page; empty on the last.
    pub(super) next: String,
}

impl<K: Watched> Page<K> {
    /// Reads a page of a list; its text is used up.
    ///
    /// # Errors
    /// Where it is not what was asked for.
    pub(super) fn read(body: &mut Vec<u8>) -> Result<Self, String> {
        match K::METADATA {
            // The API server may answer in JSON all the same.
            Some(read) if protobuf::is_it(body) => protobuf::page(body, read).map_err(malformed),
            Some(_) | None => json::page(body),
        }
    }
}

fn malformed(_: Malformed) -> String {
    "a message that cannot be read".to_owned()
}

/// The kind of a piece of news.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Put,
    Delete,
    Bookmark,
    Error,
    Unknown,
}

impl Kind {
    /// As the API server says it.
    pub(super) fn of(word: &[u8]) -> Self {
        match word {
            b"ADDED" | b"MODIFIED" => Self::Put,
            b"DELETED" => Self::Delete,
            b"BOOKMARK" => Self::Bookmark,
            b"ERROR" => Self::Error,
            _ => Self::Unknown,
        }
    }
}
