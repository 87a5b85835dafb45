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
        let owner = owner.clone();
        Ok(match (provider.zones(), delegation) {
            (Zones::BySoa, _) => {
                let (owner, zone) = resolver.locate(&owner, delegation).await?.with_zone(resolver).await?;
                Self { owner, zone: Some(Zone::new(zone)) }
            }
            (Zones::Unneeded, Delegation::None) => Self { owner, zone: None },
            (Zones::Unneeded, Delegation::Follow) => {
                Self { owner: resolver.locate(&owner, delegation).await?.into_end(), zone: None }
            }
            (Zones::Listed(index), _) => {
                let owner = match delegation {
                    Delegation::Follow => resolver.locate(&owner, delegation).await?.into_end(),
                    Delegation::None => owner,
                };
                let zone = Some(longest(index.zones(&owner).await?, &owner)?);
                Self { owner, zone }
            }
        })
    }
}
