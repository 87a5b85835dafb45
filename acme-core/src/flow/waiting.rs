//! What a flow waits for, as a user reads it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Identifier, Timestamp, text};

/// What is waited for. Prints as one line for a status.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Waiting {
    /// The certificate authority checks these identifiers.
    Validation {
        /// The identifiers.
        identifiers: Vec<Identifier>,
    },
    /// The answer to a challenge is not visible everywhere yet.
    Visibility {
        /// Whose challenge it is.
        identifier: Identifier,
        /// What is still missing, and where.
        missing: String,
    },
    /// The certificate authority makes the certificate.
    Issuing,
    /// The other side asked for a pause.
    Pause {
        /// What was being done.
        doing: String,
        /// What the other side said.
        because: String,
    },
    /// Something failed and is tried again.
    Retry {
        /// What was being done.
        doing: String,
        /// How often it failed so far.
        attempts: u32,
        /// How it failed the last time.
        because: String,
    },
    /// Another process works on the same thing.
    Held {
        /// Who.
        by: String,
    },
    /// Nothing is to be done before this time: renewal, or the next attempt of a schedule.
    Schedule {
        /// What happens then.
        what: String,
        /// When.
        at: Timestamp,
    },
    /// Somebody outside has to act.
    Outside {
        /// What is waited for.
        what: String,
    },
}

impl Waiting {
    /// A wait for somebody or something outside, in words.
    pub fn outside(what: impl Into<String>) -> Self {
        Self::Outside { what: text::printable(&what.into(), 500) }
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Validation { identifiers } => {
                f.write_str("the certificate authority is validating ")?;
                for (at, identifier) in identifiers.iter().take(5).enumerate() {
                    write!(f, "{}{identifier}", if at == 0 { "" } else { ", " })?;
                }
                match identifiers.len().checked_sub(5) {
                    Some(more) if more > 0 => write!(f, " and {more} more"),
                    _ => Ok(()),
                }
            }
            Self::Visibility { identifier, missing } => {
                write!(f, "the challenge for {identifier} is not visible yet: {missing}")
            }
            Self::Issuing => f.write_str("the certificate authority is issuing the certificate"),
            Self::Pause { doing, because } => {
                write!(f, "{doing} was put off by the other side: {because}")
            }
            Self::Retry { doing, attempts, because } => write!(
                f,
                "{doing} failed {attempts} time{}, trying again: {because}",
                if *attempts == 1 { "" } else { "s" }
            ),
            Self::Held { by } => write!(f, "{by} is working on it"),
            Self::Schedule { what, at } => write!(f, "{what} at {at}"),
            Self::Outside { what } => f.write_str(what),
        }
    }
}
