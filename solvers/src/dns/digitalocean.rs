//! DigitalOcean.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::{Clock, DnsName, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response};
use serde::Deserialize;
use serde_json::json;

use super::http_api::{Fault, HttpApi, Ids, Meaning, Service, Token};
use crate::credentials::CredentialSource;
use crate::dns01::{DnsProvider, TxtRecord};
use crate::{Error, ErrorKind, limits};

/// Writes TXT records through DigitalOcean's API, one record for each value.
///
/// It needs a token that may read, create and delete in `domain` (a custom scope, or a full one). The zone comes from the SOA walk of
/// [`Dns01`](crate::dns01::Dns01) and must be a domain of the account.
#[derive(Clone)]
pub struct DigitalOcean {
    api: HttpApi<Token>,
    records: Arc<Ids<(DnsName, String)>>,
}

impl DigitalOcean {
    /// A provider at DigitalOcean's public address, with [bearer tokens](Token::bearer).
    ///
    /// # Errors
    /// None with this address.
    pub fn new(
        token: Arc<dyn CredentialSource<Token>>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        Ok(Self { api: HttpApi::new(SERVICE, BASE, token, transport, clock)?, records: Arc::default() })
    }

    /// Asks at `base` instead, which ends before `/v2`.
    ///
    /// # Errors
    /// `Malformed` when it is no URL.
    pub fn at(mut self, base: &str) -> Result<Self, Error> {
        self.api = self.api.at(base)?;
        Ok(self)
    }

    fn known(&self, record: &TxtRecord) -> Option<String> {
        self.records.known(&key(record), self.api.clock().now())
    }

    async fn delete(&self, what: &str, path: &str, id: &str) -> Result<Deleted, Error> {
        match self.api.send(what, Method::DELETE, &format!("{path}/{id}"), None).await {
            Ok(_) => Ok(Deleted::Now),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Deleted::Before),
            Err(error) => Err(error),
        }
    }

    /// The ids of the records that hold the value.
    async fn ids_of(&self, what: &str, path: &str, record: &TxtRecord) -> Result<Vec<u64>, Error> {
        let mut ids = Vec::new();
        for page in 1..=limits::DNS_API_PAGES {
            let path = format!("{path}?type=TXT&name={}&per_page={PER_PAGE}&page={page}", record.owner);
            let found: Page = self.api.ask(what, Method::GET, &path, None).await?;
            let is_last = found.domain_records.len() < PER_PAGE;
            // The filter is by name; the name in an answer is relative to the zone.
            ids.extend(found.domain_records.into_iter().filter(|it| it.data == record.value).map(|it| it.id));
            if is_last {
                break;
            }
        }
        Ok(ids)
    }
}

#[async_trait]
impl DnsProvider for DigitalOcean {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let (what, path) = about("adding", record)?;
        let (name, ttl) = (format!("{}.", record.owner), record.ttl.max(SHORTEST).as_secs());
        let body = json!({ "type": "TXT", "name": name, "data": record.value, "ttl": ttl });
        // A value that is there already, as after an addition whose answer was lost, would be there twice.
        if self.known(record).is_some() || !self.ids_of(&what, &path, record).await?.is_empty() {
            return Ok(());
        }
        let made: Made = self.api.ask(&what, Method::POST, &path, Some(&body)).await?;
        self.records.remember(key(record), &made.domain_record.id.to_string(), self.api.clock().now());
        Ok(())
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let (what, path) = about("removing", record)?;
        if let Some(id) = self.known(record) {
            self.records.forget(&key(record));
            if self.delete(&what, &path, &id).await? == Deleted::Now {
                return Ok(());
            }
        }
        for id in self.ids_of(&what, &path, record).await? {
            self.delete(&what, &path, &id.to_string()).await?;
        }
        Ok(())
    }
}

impl fmt::Debug for DigitalOcean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigitalOcean").field("api", &self.api).finish()
    }
}

/// Whether it was there to be deleted.
#[derive(PartialEq, Eq)]
enum Deleted {
    Now,
    Before,
}

fn key(record: &TxtRecord) -> (DnsName, String) {
    (record.owner.clone(), record.value.clone())
}

/// What is done, for errors, and the path of the zone's records.
fn about(doing: &str, record: &TxtRecord) -> Result<(String, String), Error> {
    let zone = &record.needed_zone()?.name;
    let what = format!("{doing} a TXT value at {} in the zone {zone}", record.owner);
    Ok((what, format!("/v2/domains/{zone}/records")))
}

fn fault(answer: &Response<Bytes>) -> Option<Fault> {
    if answer.status().is_success() {
        return None;
    }
    let Ok(told) = serde_json::from_slice::<Complaint>(answer.body()) else {
        return Fault::by_status(answer, "");
    };
    let (meaning, advice) = match answer.status().as_u16() {
        401 => (Meaning::Credentials, "check the token"),
        403 => (Meaning::Denied, "give the token the scopes domain:read, domain:create and domain:delete"),
        404 => (Meaning::Missing, "is the zone a domain of this account?"),
        422 => (Meaning::Refused, ""),
        _ => (Meaning::Status, ""),
    };
    Some(Fault::new(told.id, told.message, meaning).advising(advice))
}

#[derive(Deserialize)]
struct Page {
    domain_records: Vec<Record>,
}

#[derive(Deserialize)]
struct Made {
    domain_record: Record,
}

#[derive(Deserialize)]
struct Record {
    id: u64,
    #[serde(default)]
    data: String,
}

#[derive(Deserialize)]
struct Complaint {
    id: String,
    #[serde(default)]
    message: String,
}

const SERVICE: Service = Service { name: "DigitalOcean", fault };
const BASE: &str = "https://api.digitalocean.com";
const PER_PAGE: usize = 200;
const SHORTEST: Duration = Duration::from_secs(30);
