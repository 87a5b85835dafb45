//! What an issuance remembers.

use acme_core::{Error, ErrorKind, Timestamp};
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

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    state: &'a State,
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Deserialize)]
struct Read {
    state: State,
}

impl State {
    pub(super) fn encode(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(&Written { format: FORMAT, state: self }).map_err(|source| {
            Error::new(ErrorKind::Internal, "the state of the request cannot be written").with_source(source)
        })
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let malformed = |source| {
            Error::new(ErrorKind::Malformed, "the stored state of the request cannot be read").with_source(source)
        };
        let Format { format } = serde_json::from_slice(bytes).map_err(malformed)?;
        if format > FORMAT {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the stored state of the request has format {format}, written by a newer release; this one reads up to {FORMAT}"
                ),
            ));
        }
        serde_json::from_slice::<Read>(bytes).map(|read| read.state).map_err(malformed)
    }
}

const FORMAT: u32 = 1;
