//! Amazon Route 53.

mod batch;
mod budget;
mod propagation;
mod wire;

use std::fmt;
use std::sync::Arc;

use acme_core::{DnsName, Error, ErrorKind};
use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response};

pub use budget::Budget;

use self::batch::Batches;
use self::propagation::Changes;
use self::wire::{Action, Change, Set};
use super::http_api::{Ids, encoded};
use crate::credentials::aws::{Client, Endpoint, Fault, Partition, Region};
use crate::dns01::{DnsProvider, TxtRecord, Zones};
use crate::{Readiness, limits};

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
    zone_id: Option<String>,
    ids: Arc<Ids<DnsName>>,
    batches: Arc<Batches>,
}

impl Route53 {
    /// A provider that sends through `client`, which was made for an [`endpoint`].
    pub fn new(client: Client) -> Self {
        let service = Service { client, budget: Arc::new(Budget::default()), changes: Arc::default() };
        Self { service, zone_id: None, ids: Arc::default(), batches: Arc::default() }
    }

    /// Writes to the hosted zone with this id, whatever it is called, and looks no zone up.
    #[must_use]
    pub fn with_zone_id(mut self, id: &str) -> Self {
        self.zone_id = Some(wire::bare_id(id).to_owned());
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
        let zone = match &self.zone_id {
            Some(id) => id.clone(),
            None => {
                let (zone, now) = (&record.needed_zone()?.name, self.service.client.clock().now());
                self.ids.of(zone, now, self.service.zone_id_of(zone)).await.map_err(about)?
            }
        };
        let outcome = self.batches.submit(&zone, Change::new(record, action), &self.service).await;
        outcome.map_err(|error| {
            if let (Some("NoSuchHostedZone"), Some(zone)) = (Fault::of(&error).map(Fault::code), &record.zone) {
                self.ids.forget(&zone.name);
            }
            about(error)
        })
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
        if self.zone_id.is_some() { Zones::Unneeded } else { Zones::BySoa }
    }
}

impl fmt::Debug for Route53 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route53")
            .field("client", &self.service.client)
            .field("zone_id", &self.zone_id)
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

/// The account: who asks, how often it may, and what is on the way.
#[derive(Clone)]
struct Service {
    client: Client,
    budget: Arc<Budget>,
    changes: Arc<Changes>,
}

impl Service {
    async fn zone_id_of(&self, zone: &DnsName) -> Result<String, Error> {
        let what = "route53:ListHostedZonesByName on *";
        let path = format!("{VERSION}/hostedzonesbyname?dnsname={zone}&maxitems=100");
        let answer = self.ask(what, Method::GET, path, Bytes::new()).await?;
        let found = wire::zones(&answer)?;
        let mut ours = found.iter().filter(|it| it.name == zone.as_str());
        match (ours.clone().find(|it| !it.is_private), ours.next()) {
            (Some(public), _) => Ok(public.id.clone()),
            (None, Some(_)) => Err(Error::new(
                ErrorKind::NotFound,
                format!(
                    "the hosted zone {zone} is private: certificate authorities do not see it; make a public one, or delegate the challenge's name"
                ),
            )),
            (None, None) => Err(Error::new(
                ErrorKind::NotFound,
                format!(
                    "Route 53 has no hosted zone {zone} in the account of these credentials; assume a role in the account that has it, or give the zone's id"
                ),
            )),
        }
    }

    /// The record sets of type TXT at `owner`.
    async fn sets(&self, zone: &str, owner: &DnsName) -> Result<Vec<Set>, Error> {
        let what = format!("route53:ListResourceRecordSets on {}", self.arn(zone));
        let mut out = Vec::new();
        let mut after = String::new();
        for _ in 0..limits::DNS_API_PAGES {
            let path = format!("{VERSION}/hostedzone/{zone}/rrset?name={owner}&type=TXT&maxitems=100{after}");
            let page = wire::sets(&self.ask(&what, Method::GET, path, Bytes::new()).await?, owner)?;
            out.extend(page.sets);
            match page.next {
                Some(identifier) => after = format!("&identifier={}", encoded(&identifier)),
                None => break,
            }
        }
        Ok(out)
    }

    /// One change batch: all of it, or nothing.
    async fn post(&self, zone: &str, sets: &[(Action, Set)]) -> Result<(), Error> {
        let what = format!("route53:ChangeResourceRecordSets on {}", self.arn(zone));
        let path = format!("{VERSION}/hostedzone/{zone}/rrset/");
        let answer = self.ask(&what, Method::POST, path, wire::batch(sets).into()).await?;
        let added = sets.iter().filter(|(action, _)| *action == Action::Upsert).flat_map(|(_, set)| &set.values);
        self.changes.remember(wire::change(&answer)?, added);
        Ok(())
    }

    async fn ask(&self, what: &str, method: Method, path: String, body: Bytes) -> Result<Response<Bytes>, Error> {
        self.budget.take(self.client.clock().now()).map_err(|error| error.while_doing(what))?;
        let mut request = Request::new(body);
        if method == Method::POST {
            request.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/xml"));
        }
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|source| {
            Error::new(ErrorKind::Malformed, format!("{what}: no path can be made of that")).with_source(source)
        })?;
        self.client.send(what, request).await
    }

    /// One change after the other, beside what others made: after a batch was refused as a whole.
    async fn fit_in(&self, zone: &str, change: &Change, refusal: Error) -> Result<(), Error> {
        let sets = match self.sets(zone, &change.owner).await {
            Ok(sets) => sets,
            Err(error) if error.kind() == ErrorKind::Unauthorized => {
                // What is deleted without having been there was refused for that alone.
                let is_gone = Fault::of(&refusal).is_some_and(|fault| fault.message().contains("was not found"));
                if change.action == Action::Delete && is_gone {
                    return Ok(());
                }
                let hint = format!(
                    "allow route53:ListResourceRecordSets on {}, so that what is there can be seen",
                    self.arn(zone)
                );
                return Err(
                    Error::new(refusal.kind(), format!("{}; {hint}", refusal.what())).with_retry(refusal.retry())
                );
            }
            Err(error) => return Err(error),
        };
        match change.beside(&sets) {
            Some(sets) if sets.is_empty() => Ok(()),
            Some(sets) => self.post(zone, &sets).await,
            None => Err(refusal),
        }
    }

    fn arn(&self, zone: &str) -> String {
        let partition = self.client.endpoint().scope().region().partition();
        format!("arn:{partition}:route53:::hostedzone/{zone}")
    }
}

#[async_trait]
impl batch::Carrier for Service {
    async fn carry(&self, zone: &str, changes: &[Change]) -> Vec<Result<(), Error>> {
        let sets: Vec<(Action, Set)> = changes.iter().map(|it| (it.action, it.set())).collect();
        let refusal = match self.post(zone, &sets).await {
            Ok(()) => return changes.iter().map(|_| Ok(())).collect(),
            Err(error) => error,
        };
        if !Fault::of(&refusal).is_some_and(|fault| UNFIT.contains(&fault.code())) {
            return changes.iter().map(|_| Err(batch::copy_of(&refusal))).collect();
        }
        let mut outcomes = Vec::with_capacity(changes.len());
        for change in changes {
            // In a batch it is not said whose fault it was.
            let alone = if changes.len() == 1 {
                Err(batch::copy_of(&refusal))
            } else {
                self.post(zone, &[(change.action, change.set())]).await
            };
            outcomes.push(match alone {
                Err(error) if Fault::of(&error).is_some_and(|fault| UNFIT.contains(&fault.code())) => {
                    self.fit_in(zone, change, error).await
                }
                outcome => outcome,
            });
        }
        outcomes
    }
}

const VERSION: &str = "/2013-04-01";
/// A batch that does not fit what is there.
const UNFIT: &[&str] = &["InvalidChangeBatch", "InvalidInput"];
