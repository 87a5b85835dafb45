//! Records of a service that takes a value twice.

use acme_core::DnsName;

use super::{Credential, HttpApi, Ids, Made};
use crate::Error;
use crate::dns01::TxtRecord;

/// The records that are there, as far as is known: a zone is looked through once in a while ([`limits::DNS_API_ID_TTL`](crate::limits::DNS_API_ID_TTL)) for what
/// others left, another run of this program among them; between two looks a value costs one call to add and one to remove.
#[derive(Debug, Default)]
pub struct Surveyed {
    zones: Ids<DnsName>,
    made: Made,
}

impl Surveyed {
    /// A look through a zone came upon this value.
    pub fn came_upon<C: Credential>(&self, api: &HttpApi<C>, owner: DnsName, value: &str) {
        self.made.remember(api, owner, value, "");
    }

    /// Adds a record that is not there. `look` goes through the zone and says whether that was all of it; else `found` answers the ids of what holds the value;
    /// `create` answers the id of what it made. Each is awaited only where it is needed.
    ///
    /// # Errors
    /// What those three say.
    pub async fn add<C: Credential>(
        &self,
        api: &HttpApi<C>,
        record: &TxtRecord,
        look: impl Future<Output = Result<bool, Error>>,
        found: impl Future<Output = Result<Vec<String>, Error>>,
        create: impl Future<Output = Result<String, Error>>,
    ) -> Result<(), Error> {
        let zone = &record.needed_zone()?.name;
        if self.made.holds(api, record) {
            return Ok(());
        }
        let look = async { Ok(if look.await? { ALL.to_owned() } else { String::new() }) };
        let looked = self.zones.of(zone, api.clock().now(), look).await?;
        if self.made.holds(api, record) {
            return Ok(());
        }
        if looked != ALL && !found.await?.is_empty() {
            return Ok(());
        }
        match create.await {
            Ok(id) => {
                self.made.remember(api, record.owner.clone(), &record.value, &id);
                Ok(())
            }
            Err(error) => {
                // It may be there all the same.
                self.zones.forget(zone);
                Err(error)
            }
        }
    }

    /// Removes a record, as [`Made::remove`].
    ///
    /// # Errors
    /// As there.
    pub async fn remove<C: Credential>(
        &self,
        api: &HttpApi<C>,
        what: &str,
        path: &str,
        record: &TxtRecord,
        found: impl Future<Output = Result<Vec<String>, Error>>,
    ) -> Result<(), Error> {
        self.made.remove(api, what, path, record, found).await
    }
}

/// What is remembered of a zone that was looked through to its end.
const ALL: &str = "all";
