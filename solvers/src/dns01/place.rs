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
    /// Where `provider` writes what is to be seen at `owner`.
    pub(crate) async fn find(
        resolver: &Resolver,
        provider: &dyn DnsProvider,
        owner: &DnsName,
        delegation: Delegation,
    ) -> Result<Self, Error> {
        let zones = provider.zones();
        if let Zones::BySoa = zones {
            let located = resolver.locate(owner, delegation).await?;
            let vacancy = located.vacancy;
            let (owner, zone) = located.with_zone(resolver).await?;
            return Ok(Self { owner, zone: Some(Zone::new(zone)), vacancy });
        }
        let (owner, vacancy) = match delegation {
            Delegation::None => (owner.clone(), Vacancy::Unknown),
            Delegation::Follow => {
                let located = resolver.locate(owner, delegation).await?;
                let vacancy = located.vacancy;
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
