//! What a service calls the zones.

use std::fmt;
use std::sync::Arc;

use acme_core::{DnsName, Error, ErrorKind, Timestamp};

use super::Ids;
use crate::dns01::{TxtRecord, Zones};

/// The ids of zones: the one that is given, else those that the service answers, remembered as [`Ids`] are.
#[derive(Clone, Default)]
pub struct ZoneIds {
    given: Option<String>,
    found: Arc<Ids<DnsName>>,
}

impl ZoneIds {
    /// All records lie in the zone with this id, whatever it is called: no zone is looked up.
    pub fn given(id: impl Into<String>) -> Self {
        Self { given: Some(id.into()), found: Arc::default() }
    }

    /// How the zone of a record is found: not at all where an id is given.
    pub fn zones(&self) -> Zones<'static> {
        if self.given.is_some() { Zones::Unneeded } else { Zones::BySoa }
    }

    /// The id of the zone of `record`: the given one, else what is remembered, else what `found` answers, which is awaited only then.
    ///
    /// # Errors
    /// What `found` says; `Internal` where a zone had to be looked up and was not.
    pub async fn of(
        &self,
        record: &TxtRecord,
        now: Timestamp,
        found: impl Future<Output = Result<String, Error>>,
    ) -> Result<String, Error> {
        match &self.given {
            Some(id) => Ok(id.clone()),
            None => self.found.of(&record.needed_zone()?.name, now, found).await,
        }
    }

    /// Passes `error` on. Where it says that something is missing, the zone may have been deleted, and made again under another id: the next call asks for it.
    #[must_use]
    pub fn forgetting(&self, record: &TxtRecord, error: Error) -> Error {
        if let (ErrorKind::NotFound, Some(zone)) = (error.kind(), &record.zone) {
            self.found.forget(&zone.name);
        }
        error
    }
}

impl fmt::Debug for ZoneIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZoneIds").field("given", &self.given).finish_non_exhaustive()
    }
}
