//! The account at Route 53 and its zones.

use std::sync::Arc;

use acme_core::{DnsName, Error, ErrorKind, Retry};
use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response};

use super::Budget;
use super::batch::{Carrier, copy_of};
use super::propagation::Changes;
use super::wire::{self, Action, Change, Set};
use crate::credentials::aws::{Client, Fault};
use crate::dns::http_api::{ALIAS, encoded};
use crate::dns01::TxtRecord;
use crate::limits;

/// Who asks, how often it may, and what is on the way.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) client: Client,
    pub(super) budget: Arc<Budget>,
    pub(super) changes: Arc<Changes>,
}

impl Service {
    pub(super) async fn zone_id_of(&self, record: &TxtRecord) -> Result<String, Error> {
        let zone = &record.needed_zone()?.name;
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

    pub(super) async fn ask(
        &self,
        what: &str,
        method: Method,
        path: String,
        body: Bytes,
    ) -> Result<Response<Bytes>, Error> {
        self.budget.take(self.client.clock().now()).map_err(|error| error.while_doing(what))?;
        let mut request = Request::new(body);
        if method == Method::POST {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        }
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|source| {
            Error::new(ErrorKind::Malformed, format!("{what}: no path can be made of that")).with_source(source)
        })?;
        self.client.send(what, request).await
    }

    /// One change after the other, beside what others made: after a batch was refused as a whole.
    async fn fit_in(&self, zone: &str, change: &Change, refusal: Error) -> Result<(), Error> {
        if let Some(fault) = Fault::of(&refusal).filter(|it| is_about_alias(it)) {
            let what = format!("{} ({ALIAS})", refusal.what());
            return Err(Error::new(ErrorKind::Refused, what).with_retry(Retry::Never).with_source(fault.clone()));
        }
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
impl Carrier for Service {
    async fn carry(&self, zone: &str, changes: &[Change]) -> Vec<Result<(), Error>> {
        let sets: Vec<(Action, Set)> = changes.iter().map(|it| (it.action, it.set())).collect();
        let refusal = match self.post(zone, &sets).await {
            Ok(()) => return changes.iter().map(|_| Ok(())).collect(),
            Err(error) => error,
        };
        if !Fault::of(&refusal).is_some_and(|fault| UNFIT.contains(&fault.code())) {
            return changes.iter().map(|_| Err(copy_of(&refusal))).collect();
        }
        let mut outcomes = Vec::with_capacity(changes.len());
        for change in changes {
            // In a batch it is not said whose fault it was.
            let alone = if changes.len() == 1 {
                Err(copy_of(&refusal))
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

/// A record was to go where an alias is.
fn is_about_alias(fault: &Fault) -> bool {
    fault.message().contains("conflicting RRSet") && fault.message().contains("CNAME")
}

pub(super) const VERSION: &str = "/2013-04-01";
/// A batch that does not fit what is there.
const UNFIT: &[&str] = &["InvalidChangeBatch", "InvalidInput"];
