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

use super::http_api::{Fault, HttpApi, Meaning, Service, Surveyed, Token, full_name};
use crate::credentials::CredentialSource;
use crate::dns01::{DnsProvider, TxtRecord};
use crate::{Error, limits};

/// Writes TXT records through DigitalOcean's API, one record for each value.
///
/// It needs a token that may read, create and delete in `domain` (a custom scope, or a full one). The zone comes from the SOA walk of
/// [`Dns01`](crate::dns01::Dns01) and must be a domain of the account.
///
/// A value costs one call to add and one to remove. The service takes a value twice; so where something stands at the name, or nobody knows, the zone is looked through
/// for what others left, another run of this program among them, at most once an hour.
#[derive(Clone)]
pub struct DigitalOcean {
    api: HttpApi<Token>,
    records: Arc<Surveyed>,
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

    /// Looks through a zone; whether that was all of it.
    async fn look(&self, what: &str, path: &str, zone: &DnsName) -> Result<bool, Error> {
        let (found, is_all) = self.pages(what, &format!("{path}?type=TXT")).await?;
        for record in found {
            if let Some(owner) = full_name(&record.name, zone) {
                self.records.came_upon(&self.api, owner, &record.data);
            }
        }
        Ok(is_all)
    }

    /// Makes the record, and answers its id.
    async fn create(&self, what: &str, path: &str, record: &TxtRecord) -> Result<String, Error> {
        let (name, ttl) = (format!("{}.", record.owner), record.ttl.max(SHORTEST).as_secs());
        let body = json!({ "type": "TXT", "name": name, "data": record.value, "ttl": ttl });
        let made: Answer = self.api.ask(what, Method::POST, path, Some(&body)).await?;
        Ok(made.domain_record.id.to_string())
    }

    /// The ids of the records that hold the value.
    async fn ids_of(&self, what: &str, path: &str, record: &TxtRecord) -> Result<Vec<String>, Error> {
        let (found, _) = self.pages(what, &format!("{path}?type=TXT&name={}", record.owner)).await?;
        Ok(found.into_iter().filter(|it| it.data == record.value).map(|it| it.id.to_string()).collect())
    }

    async fn pages(&self, what: &str, path: &str) -> Result<(Vec<Record>, bool), Error> {
        let mut records = Vec::new();
        for page in 1..=limits::DNS_API_PAGES {
            let path = format!("{path}&per_page={PER_PAGE}&page={page}");
            let found: Page = self.api.ask(what, Method::GET, &path, None).await?;
            let is_last = found.domain_records.len() < PER_PAGE;
            records.extend(found.domain_records);
            if is_last {
                return Ok((records, true));
            }
        }
        Ok((records, false))
    }
}

#[async_trait]
impl DnsProvider for DigitalOcean {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let (what, path) = about("adding", record)?;
        let zone = &record.needed_zone()?.name;
        let look = self.look(&what, &path, zone);
        let found = self.ids_of(&what, &path, record);
        self.records.add(&self.api, record, look, found, self.create(&what, &path, record)).await
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let (what, path) = about("removing", record)?;
        self.records.remove(&self.api, &what, &path, record, self.ids_of(&what, &path, record)).await
    }

    fn wants_vacancy(&self) -> bool {
        true
    }
}

impl fmt::Debug for DigitalOcean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigitalOcean").field("api", &self.api).finish_non_exhaustive()
    }
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
struct Answer {
    domain_record: Record,
}

#[derive(Deserialize)]
struct Record {
    id: u64,
    #[serde(default)]
    name: String,
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
