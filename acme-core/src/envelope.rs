//! The version envelope around stored states: `{"format":1,"state":{…}}`.
//!
//! Flows are stored in it, and so is what issuers remember of an issuance.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

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

/// `state` in `format` as bytes for a record; `what` it is the state of is for errors.
///
/// # Errors
/// `Internal` when it cannot be written.
pub fn encode<T: Serialize>(what: &str, format: u32, state: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(&Written { format, state }).map_err(|source| {
        Error::new(ErrorKind::Internal, format!("the state of the {what} cannot be written")).with_source(source)
    })
}

/// A state from the bytes of a record, of a format up to `newest`.
///
/// # Errors
/// `Unsupported` when a newer release wrote it (leave it alone), `Malformed` when it cannot be understood.
pub fn decode<T: DeserializeOwned>(what: &str, newest: u32, bytes: &[u8]) -> Result<T, Error> {
    let malformed = |source| {
        Error::new(ErrorKind::Malformed, format!("the stored state of the {what} cannot be read")).with_source(source)
    };
    let Format { format } = serde_json::from_slice(bytes).map_err(malformed)?;
    if format > newest {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the stored state of the {what} has format {format}, written by a newer release; this one reads up to {newest}: update, or leave it to the newer one"
            ),
        ));
    }
    serde_json::from_slice::<Read<T>>(bytes).map(|read| read.state).map_err(malformed)
}
