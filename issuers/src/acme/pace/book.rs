//! The pauses that a certificate authority asked for, as they are kept.

use acme_core::{Error, ErrorKind, Timestamp};
use serde::{Deserialize, Serialize};

use super::Scope;
use crate::limits;

/// A pause that a certificate authority asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Embargo {
    /// Whom it concerns.
    pub scope: Scope,
    /// When it ends.
    pub until: Timestamp,
    /// What the certificate authority said.
    pub because: String,
}

/// All pauses at one certificate authority. Ended ones are dropped, and there is a most.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Book {
    entries: Vec<Embargo>,
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    entries: &'a [Embargo],
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl Book {
    /// The pause that ends last among those that hold up something under `scopes`.
    pub(super) fn holding(&self, scopes: &[Scope], now: Timestamp) -> Option<&Embargo> {
        self.entries
            .iter()
            .filter(|entry| entry.until > now && scopes.contains(&entry.scope))
            .max_by_key(|entry| entry.until)
    }

    /// Takes in a pause. Of two with the same scope, the one that ends later counts.
    pub(super) fn add(&mut self, new: Embargo) {
        match self.entries.iter_mut().find(|it| it.scope == new.scope) {
            Some(held) if held.until >= new.until => {}
            Some(held) => *held = new,
            None => self.entries.push(new),
        }
    }

    /// Takes in what another process knows.
    pub(super) fn merge(&mut self, other: Self) {
        for entry in other.entries {
            self.add(entry);
        }
    }

    /// Drops what has ended, and what ends first where there is too much.
    pub(super) fn tidy(&mut self, now: Timestamp) {
        self.entries.retain(|entry| entry.until > now);
        if self.entries.len() > limits::EMBARGOES {
            self.entries.sort_by_key(|entry| std::cmp::Reverse(entry.until));
            self.entries.truncate(limits::EMBARGOES);
        }
    }

    pub(super) fn entries(&self) -> &[Embargo] {
        &self.entries
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, Error> {
        let written = Written { format: FORMAT, entries: &self.entries };
        serde_json::to_vec(&written)
            .map_err(|source| Error::new(ErrorKind::Internal, "the pauses cannot be written").with_source(source))
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let malformed =
            |source| Error::new(ErrorKind::Malformed, "the stored pauses cannot be read").with_source(source);
        let Format { format } = serde_json::from_slice(bytes).map_err(malformed)?;
        if format > FORMAT {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the stored pauses have format {format}, written by a newer release; this one reads up to {FORMAT}"
                ),
            ));
        }
        serde_json::from_slice(bytes).map_err(malformed)
    }
}

const FORMAT: u32 = 1;
