//! Amazon Route 53.

mod batch;
mod budget;
mod propagation;
mod service;
mod wire;

use std::fmt;
use std::sync::Arc;

use acme_core::Error;
use async_trait::async_trait;

pub use budget::Budget;

use self::batch::Batches;
use self::service::Service;
use self::wire::{Action, Change};
use super::http_api::ZoneIds;
use crate::Readiness;
use crate::credentials::aws::{Client, Endpoint, Partition, Region};
use crate::dns01::{DnsProvider, TxtRecord, Zones};

/// Writes TXT records to Route 53: one multivalue record set for each value, as cert-manager does, so that nothing has to be read first.
///
/// Changes of one zone share batches: the first goes at once, what comes while it is on the way goes together after it. A value counts as settled when Route 53
/// calls its change INSYNC. Route 53 answers with at most eight of the values at one name.
///
/// It needs `route53:ChangeResourceRecordSets` on the zone. `route53:ListHostedZonesByName` on `*` finds zones, unless [their id](Self::with_zone_id) is given;
/// without `route53:GetChange` on `arn:aws:route53:::change/*` the DNS alone shows whether a value is served; `route53:ListResourceRecordSets` on the zone is
/// needed only beside record sets that others made.
///
/// ```
/// # use std::sync::Arc;
/// # struct Wall;
/// # impl acme_core::Clock for Wall {
/// #     fn now(&self) -> acme_core::Timestamp { acme_core::Timestamp::EPOCH }
/// # }
/// # fn example(transport: Arc<dyn acme_core::Transport>) -> Result<(), certwright_solvers::Error> {
/// use certwright_solvers::credentials::aws::{Client, DefaultChain, Environment, Partition};
/// use certwright_solvers::dns::route53::{self, Route53};
///
/// let chain = DefaultChain::new(Environment::from_environment(), transport.clone());
/// let endpoint = route53::endpoint(Partition::Aws)?;
/// let provider = Route53::new(Client::new(endpoint, Arc::new(chain.into_source()), transport, Arc::new(Wall)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Route53 {
    service: Service,
    zones: ZoneIds,
    batches: Arc<Batches>,
}

impl Route53 {
    /// A provider that sends through `client`, which was made for an [`endpoint`].
    pub fn new(client: Client) -> Self {
        let service = Service { client, budget: Arc::new(Budget::default()), changes: Arc::default() };
        Self { service, zones: ZoneIds::default(), batches: Arc::default() }
    }

    /// Writes to the hosted zone with this id, whatever it is called, and looks no zone up.
    #[must_use]
    pub fn with_zone_id(mut self, id: &str) -> Self {
        self.zones = ZoneIds::given(wire::bare_id(id));
        self
    }

    /// Shares the account's allowance with other providers of the same account.
    #[must_use]
    pub fn with_budget(mut self, budget: Arc<Budget>) -> Self {
        self.service.budget = budget;
        self
    }

    async fn apply(&self, record: &TxtRecord, action: Action) -> Result<(), Error> {
        let about =
            |error: Error| error.while_doing(format_args!("{} a TXT value at {}", action.doing(), record.owner));
        let found = self.service.zone_id_of(record);
        let zone = self.zones.of(record, self.service.client.clock().now(), found).await.map_err(about)?;
        let outcome = self.batches.submit(&zone, Change::new(record, action), &self.service).await;
        outcome.map_err(|error| about(self.zones.forgetting(record, error)))
    }
}

#[async_trait]
impl DnsProvider for Route53 {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        self.apply(record, Action::Upsert).await
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        self.apply(record, Action::Delete).await
    }

    async fn settled(&self, value: &str) -> Result<Readiness, Error> {
        self.service.changes.look(value, &self.service).await
    }

    fn zones(&self) -> Zones<'_> {
        self.zones.zones()
    }
}

impl fmt::Debug for Route53 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route53")
            .field("client", &self.service.client)
            .field("zones", &self.zones)
            .finish_non_exhaustive()
    }
}

/// Where Route 53 answers in a partition, and the one region for which it wants signatures there.
///
/// # Errors
/// `Malformed` never, with these.
pub fn endpoint(partition: Partition) -> Result<Endpoint, Error> {
    let url = match partition {
        Partition::Aws => "https://route53.amazonaws.com",
        Partition::China => "https://route53.amazonaws.com.cn",
        Partition::UsGov => "https://route53.us-gov.amazonaws.com",
    };
    endpoint_at(url, partition)
}

/// Route 53 behind another address: a FIPS endpoint, a proxy, a test server.
///
/// # Errors
/// `Malformed` when `url` is none.
pub fn endpoint_at(url: &str, partition: Partition) -> Result<Endpoint, Error> {
    let region = match partition {
        Partition::Aws => "us-east-1",
        Partition::China => "cn-northwest-1",
        Partition::UsGov => "us-gov-west-1",
    };
    Endpoint::at(url, "route53", &Region::parse(region)?)
}
