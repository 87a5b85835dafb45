//! Where a record is written: behind its aliases, and in which zone.

use acme_core::DnsName;

use super::provider::longest;
use super::{Delegation, DnsProvider, Resolver, Zone, Zones};
use crate::Error;

/// An owner, and the zone that holds it where the provider wants to know.
pub(crate) struct Place {
    pub(crate) owner: DnsName,
    pub(crate) zone: Option<Zone>,
}

impl Place {
    /// Where `provider` writes what is to be seen at `owner`.
    pub(crate) async fn find(
        resolver: &Resolver,
        provider: &dyn DnsProvider,
        owner: &DnsName,
        delegation: Delegation,
    ) -> Result<Self, Error> {
        let owner = match delegation {
            Delegation::Follow => resolver.follow(owner).await?.into_end(),
            Delegation::None => owner.clone(),
        };
        let zone = match provider.zones() {
            Zones::Unneeded => None,
            Zones::BySoa => Some(Zone::new(resolver.zone_of(&owner).await?)),
            Zones::Listed(index) => Some(longest(index.zones(&owner).await?, &owner)?),
        };
        Ok(Self { owner, zone })
    }
}
