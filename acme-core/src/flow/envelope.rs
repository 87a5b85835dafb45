//! The version envelope around stored states: `{"format":1,"state":{…}}`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

/// The format that this release writes. It reads this one and, from the second minor on, the one before.
pub(super) const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Written<'a, T> {
    format: u32,
    state: &'a T,
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Deserialize)]
struct Read<T> {
    state: T,
}

/// `state` as bytes for a record.
pub(super) fn encode<T: Serialize>(what: &'static str, state: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(&Written { format: FORMAT, state }).map_err(|source| {
        Error::new(ErrorKind::Internal, format!("the state of the {what} cannot be written")).with_source(source)
    })
}

/// A state from the bytes of a record.
pub(super) fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, Error> {
    let malformed = |source| {
        Error::new(ErrorKind::Malformed, format!("the stored state of the {what} cannot be read")).with_source(source)
    };
    let Format { format } = serde_json::from_slice(bytes).map_err(malformed)?;
    if format > FORMAT {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the stored state of the {what} has format {format}, written by a newer release; this one reads up to {FORMAT}: update, or leave it to the newer one"
            ),
        ));
    }
    serde_json::from_slice::<Read<T>>(bytes).map(|read| read.state).map_err(malformed)
}
