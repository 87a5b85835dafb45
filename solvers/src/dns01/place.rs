//! Where a record is written: behind its aliases, and in which zone.

use acme_core::DnsName;

use super::provider::longest;
use super::{Delegation, DnsProvider, Resolver, TxtRecord, Vacancy, Zone, Zones};
use crate::Error;

/// An owner, the zone that holds it where the provider wants to know, and whether anything stands there.
pub(crate) struct Place {
    owner: DnsName,
    zone: Option<Zone>,
    vacancy: Vacancy,
}

impl Place {
    /// Where `provider` writes what is to be seen at `owner`. Whether anything stands there is asked for the [first](crate::Presentation::is_first) to present alone,
    /// and for a provider that makes something of it: what a process that died has just written no name server may show yet.
    pub(crate) async fn find(
        resolver: &Resolver,
        provider: &dyn DnsProvider,
        owner: &DnsName,
        delegation: Delegation,
        is_first: bool,
    ) -> Result<Self, Error> {
        let zones = provider.zones();
        let asks_vacancy = is_first && provider.wants_vacancy();
        if let Zones::BySoa = zones {
            let located = resolver.locate(owner, delegation).await?;
            let vacancy = if asks_vacancy { located.vacancy(resolver).await } else { Vacancy::Unknown };
            let (owner, zone) = located.with_zone(resolver).await?;
            return Ok(Self { owner, zone: Some(Zone::new(zone)), vacancy });
        }
        let (owner, vacancy) = match delegation {
            Delegation::None => (owner.clone(), Vacancy::Unknown),
            Delegation::Follow => {
                let located = resolver.locate(owner, delegation).await?;
                let vacancy = if asks_vacancy { located.vacancy(resolver).await } else { Vacancy::Unknown };
                (located.into_end(), vacancy)
            }
        };
        let zone = match zones {
            Zones::Listed(index) => Some(longest(index.zones(&owner).await?, &owner)?),
            Zones::BySoa | Zones::Unneeded => None,
        };
        Ok(Self { owner, zone, vacancy })
    }

    /// The record, put there.
    pub(crate) fn take(self, record: TxtRecord) -> TxtRecord {
        TxtRecord { owner: self.owner, zone: self.zone, vacancy: self.vacancy, ..record }
    }
}
