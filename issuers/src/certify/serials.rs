//! Where serial numbers come from.

use acme_core::{Error, ErrorKind};

use crate::template::SerialNumber;

/// A source of serial numbers: the system's random octets, unless a test brings its own.
pub(crate) struct Serials(Option<Box<Source>>);

type Source = dyn Fn() -> SerialNumber + Send + Sync;

impl Serials {
    /// 158 random bits each.
    pub(crate) fn random() -> Self {
        Self(None)
    }

    /// Whatever `source` answers.
    pub(crate) fn from(source: impl Fn() -> SerialNumber + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(source)))
    }

    pub(crate) fn next(&self) -> Result<SerialNumber, Error> {
        if let Some(source) = &self.0 {
            return Ok(source());
        }
        let mut octets = [0; 20];
        getrandom::fill(&mut octets).map_err(|source| {
            Error::new(ErrorKind::Internal, "the system gave no random numbers").with_source(source)
        })?;
        Ok(SerialNumber::from_random(octets))
    }
}
