//! Where a record is written: behind its aliases, and in which zone.

use acme_core::DnsName;

use super::provider::longest;
use super::{Delegation, DnsProvider, Resolver, TxtRecord, Zone, Zones};
use crate::Error;

/// An owner, and the zone that holds it where the provider wants to know.
pub(crate) struct Place {
    owner: DnsName,
    zone: Option<Zone>,
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
            let (owner, zone) = located.with_zone(resolver).await?;
            return Ok(Self { owner, zone: Some(Zone::new(zone)) });
        }
        let owner = match delegation {
            Delegation::None => owner.clone(),
            Delegation::Follow => {
                let located = resolver.locate(owner, delegation).await?;
                located.into_end()
            }
        };
        let zone = match zones {
            Zones::Listed(index) => Some(longest(index.zones(&owner).await?, &owner)?),
            Zones::BySoa | Zones::Unneeded => None,
        };
        Ok(Self { owner, zone })
    }

    /// The record, put there.
    pub(crate) fn take(self, record: TxtRecord) -> TxtRecord {
        TxtRecord { owner: self.owner, zone: self.zone, ..record }
    }
}
