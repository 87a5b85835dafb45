//! Points in time, as JSON carries them.

use std::fmt;

use acme_core::Timestamp;
use serde::{Deserialize, Serialize};

/// A point in time in RFC 3339, to the second. Text of any other form is kept as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(String);

impl Time {
    /// The point in time, or `None` where the text could not be read.
    pub fn timestamp(&self) -> Option<Timestamp> {
        Timestamp::parse_rfc3339(&self.0).ok()
    }

    /// The time as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Self {
        let seconds = i64::try_from(at.since(Timestamp::EPOCH).as_secs()).unwrap_or(i64::MAX);
        Self(Timestamp::from_unix_seconds(seconds).to_string())
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
