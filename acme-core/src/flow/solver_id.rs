//! The name of a solver: stable, so that another process can clean up.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name under which a solver was registered; it must mean the same in every process that shares the state.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SolverId(String);

impl SolverId {
    /// A solver's name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SolverId {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl fmt::Display for SolverId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
