//! Records of a service that takes a value twice.

use acme_core::DnsName;

use super::{Credential, HttpApi, Ids, Made};
use crate::Error;
use crate::dns01::{TxtRecord, Vacancy, Zone};

/// The records that are there, as far as is known: a value costs one call to add and one to remove.
///
/// What others left, another run of this program among them, is seen in the DNS: where a name is [vacant](TxtRecord::vacancy) nothing is looked for. Else, and where
/// the answer to an addition was lost, the zone is looked through, once in a while ([`limits::DNS_API_ID_TTL`](crate::limits::DNS_API_ID_TTL)).
#[derive(Debug, Default)]
pub struct Surveyed {
    zones: Ids<DnsName>,
    made: Made,
    /// What may be there: it was sent, and nothing was heard of it.
    doubts: Ids<(DnsName, String)>,
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
        let (now, value) = (api.clock().now(), (record.owner.clone(), record.value.clone()));
        let is_doubted = self.doubts.known(&value, now).is_some();
        if is_doubted {
            self.zones.forget(zone);
        }
        if is_doubted || record.vacancy == Vacancy::Unknown {
            let look = async { Ok(if look.await? { ALL.to_owned() } else { String::new() }) };
            let looked = self.zones.of(zone, now, look).await?;
            if self.made.holds(api, record) || (looked != ALL && !found.await?.is_empty()) {
                return Ok(());
            }
        }
        // Until the answer is there, which may never be.
        self.doubts.remember(value.clone(), "", now);
        let id = create.await?;
        self.doubts.forget(&value);
        self.made.remember(api, record.owner.clone(), &record.value, &id);
        Ok(())
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

/// What a service calls `name` inside of `zone`, as a full name: most services give relative ones, `@` or nothing for the apex, some give full ones.
pub fn full_name(name: &str, zone: &DnsName) -> Option<DnsName> {
    if matches!(name, "" | "@") {
        return Some(zone.clone());
    }
    let full = DnsName::parse(name).ok().filter(|it| Zone::new(zone.clone()).holds(it));
    full.or_else(|| DnsName::parse(&format!("{name}.{zone}")).ok())
}

/// What is remembered of a zone that was looked through to its end.
const ALL: &str = "all";
