//! What an issuance remembers.

use acme_core::{Error, Timestamp, envelope};
use serde::{Deserialize, Serialize};

/// How far an issuance came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// The request was sent, or is about to be.
    Submitting {
        /// Since when.
        since: Timestamp,
    },
    /// The request was taken.
    Pending {
        /// The name under which the certificate is picked up.
        pickup: String,
        /// Since when.
        since: Timestamp,
        /// When it was started again after it had got stuck.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        restarted: Option<Timestamp>,
    },
}

impl State {
    pub(super) fn encode(&self) -> Result<Vec<u8>, Error> {
        envelope::encode(WHAT, FORMAT, self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        envelope::decode(WHAT, FORMAT, bytes)
    }
}

const FORMAT: u32 = 1;
const WHAT: &str = "request at Venafi";
