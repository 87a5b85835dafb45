//! How records are written and looked for: what all solvers over a [`DnsProvider`] have in common.

use std::time::Duration;

use acme_core::DnsName;

use super::{Delegation, DnsProvider, Place, Propagation, Resolver, TxtRecord};
use crate::{Error, Readiness};

/// The settings of one solver.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) resolver: Resolver,
    pub(crate) delegation: Delegation,
    pub(crate) propagation: Propagation,
    pub(crate) ttl: Duration,
    pub(crate) again_after: Duration,
}

impl Settings {
    /// What is usual, for records with this TTL.
    pub(crate) fn usual(resolver: Resolver, ttl: Duration) -> Self {
        Self {
            resolver,
            delegation: Delegation::Follow,
            propagation: Propagation::Authoritative,
            ttl,
            again_after: Duration::from_secs(2),
        }
    }

    /// The record where `provider` is to write it.
    pub(crate) async fn placed(
        &self,
        provider: &dyn DnsProvider,
        record: TxtRecord,
        is_first: bool,
    ) -> Result<TxtRecord, Error> {
        let place = Place::find(&self.resolver, provider, &record.owner, self.delegation, is_first).await?;
        Ok(place.take(record.with_ttl(self.ttl)))
    }

    /// What the servers that count lack of a value at `owner` that is `wanted`, if anything.
    pub(crate) async fn missing(
        &self,
        owner: &DnsName,
        wanted: &(dyn Fn(&[u8]) -> bool + Sync),
    ) -> Result<Option<String>, Error> {
        self.propagation.missing(&self.resolver, owner, wanted, self.delegation).await
    }

    /// What follows from what is missing.
    pub(crate) fn readiness(&self, missing: Option<String>) -> Readiness {
        match missing {
            None => Readiness::Ready,
            Some(missing) => Readiness::NotYet { again_after: self.again_after, missing },
        }
    }
}

/// The choices that every solver with [`Settings`] gives; `$ttl` is the usual TTL, in words.
macro_rules! choices {
    ($ttl:literal) => {
        /// Whether the record is written at the end of a CNAME chain or at the name itself.
        #[must_use]
        pub fn with_delegation(mut self, delegation: $crate::dns01::Delegation) -> Self {
            self.settings.delegation = delegation;
            self
        }

        #[doc = concat!("The TTL of records that are written; ", $ttl, " by default.")]
        #[must_use]
        pub fn with_ttl(mut self, ttl: ::std::time::Duration) -> Self {
            self.settings.ttl = ttl;
            self
        }

        /// How long after a look that showed nothing another one is worth its cost; 2 seconds by default.
        #[must_use]
        pub fn with_again_after(mut self, again_after: ::std::time::Duration) -> Self {
            self.settings.again_after = again_after;
            self
        }
    };
}
pub(crate) use choices;
