//! Vultr.

mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::{Clock, DnsName, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response};
use serde_json::json;

use self::wire::{Answer, Complaint, Page, Record};
use super::http_api::{Fault, HttpApi, Meaning, Service, Surveyed, Token, encoded, full_name, quoted};
use crate::credentials::CredentialSource;
use crate::dns01::{DnsProvider, TxtRecord};
use crate::{Error, ErrorKind, limits};

/// Writes TXT records through Vultr's API, one record for each value.
///
/// It needs an API key whose access control lets in the address that calls; keys cannot be narrowed to DNS, those of a sub-user with the right to manage DNS can.
/// The zone comes from the SOA walk of [`Dns01`](crate::dns01::Dns01) and must be a domain of the account.
///
/// A value costs one call to add and one to remove. The service takes a value twice, and lists a zone as a whole; so where something stands at the name, or nobody
/// knows, the zone is looked through for what others left, another run of this program among them, at most once an hour.
#[derive(Clone)]
pub struct Vultr {
    api: HttpApi<Token>,
    records: Arc<Surveyed>,
}

impl Vultr {
    /// A provider at Vultr's public address, with API keys as [bearer tokens](Token::bearer).
    ///
    /// # Errors
    /// None with this address.
    pub fn new(
        key: Arc<dyn CredentialSource<Token>>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let api = HttpApi::new(SERVICE, BASE, key, transport, clock)?;
        Ok(Self { api, records: Arc::default() })
    }

    /// Asks at `base` instead, which ends before `/domains`.
    ///
    /// # Errors
    /// `Malformed` when it is no URL.
    pub fn at(mut self, base: &str) -> Result<Self, Error> {
        self.api = self.api.at(base)?;
        Ok(self)
    }

    /// Looks through a zone; whether that was all of it.
    async fn look(&self, what: &str, path: &str, zone: &DnsName) -> Result<bool, Error> {
        let (found, is_all) = self.pages(what, path).await?;
        for record in found {
            if let Some(owner) = full_name(&record.name, zone) {
                self.records.came_upon(&self.api, owner, record.text());
            }
        }
        Ok(is_all)
    }

    async fn create(&self, what: &str, path: &str, record: &TxtRecord, ttl: u64) -> Result<Answer, Error> {
        let name = record.relative_to(&record.needed_zone()?.name)?.unwrap_or_default();
        let body = json!({ "type": "TXT", "name": name, "data": quoted(&record.value), "ttl": ttl });
        self.api.ask(what, Method::POST, path, Some(&body)).await
    }

    /// Makes the record, and answers its id; with the TTL of what others have at the name, where that is what the service wants.
    async fn make(&self, what: &str, path: &str, record: &TxtRecord) -> Result<String, Error> {
        let mut made = self.create(what, path, record, record.ttl.max(SHORTEST).as_secs()).await;
        if let Err(error) = &made
            && error.kind() == ErrorKind::Refused
            && let Some(ttl) = self.ttl_of(what, path, record).await?
        {
            made = self.create(what, path, record, ttl).await;
        }
        Ok(made?.record.id)
    }

    /// The TTL of what others have at the name: the service takes one for all of it.
    async fn ttl_of(&self, what: &str, path: &str, record: &TxtRecord) -> Result<Option<u64>, Error> {
        let zone = &record.needed_zone()?.name;
        let (found, _) = self.pages(what, path).await?;
        Ok(found.into_iter().find(|it| full_name(&it.name, zone).as_ref() == Some(&record.owner)).map(|it| it.ttl))
    }

    /// The ids of the records that hold the value.
    async fn ids_of(&self, what: &str, path: &str, record: &TxtRecord) -> Result<Vec<String>, Error> {
        let zone = &record.needed_zone()?.name;
        let (found, _) = self.pages(what, path).await?;
        let is_it =
            |it: &Record| it.text() == record.value && full_name(&it.name, zone).as_ref() == Some(&record.owner);
        Ok(found.into_iter().filter(is_it).map(|it| it.id).collect())
    }

    /// The TXT records of a zone, and whether these are all.
    async fn pages(&self, what: &str, path: &str) -> Result<(Vec<Record>, bool), Error> {
        let mut records = Vec::new();
        let mut cursor = String::new();
        for _ in 0..limits::DNS_API_PAGES {
            let path = format!("{path}?per_page={PER_PAGE}&cursor={}", encoded(&cursor));
            let found: Page = self.api.ask(what, Method::GET, &path, None).await?;
            records.extend(found.records.into_iter().filter(|it| it.kind == "TXT"));
            cursor = found.meta.links.next;
            if cursor.is_empty() {
                return Ok((records, true));
            }
        }
        Ok((records, false))
    }
}

#[async_trait]
impl DnsProvider for Vultr {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let (what, path) = about("adding", record)?;
        let zone = &record.needed_zone()?.name;
        let look = self.look(&what, &path, zone);
        let found = self.ids_of(&what, &path, record);
        self.records.add(&self.api, record, look, found, self.make(&what, &path, record)).await
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let (what, path) = about("removing", record)?;
        self.records.remove(&self.api, &what, &path, record, self.ids_of(&what, &path, record)).await
    }

    fn wants_vacancy(&self) -> bool {
        true
    }
}

impl fmt::Debug for Vultr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vultr").field("api", &self.api).finish_non_exhaustive()
    }
}

/// What is done, for errors, and the path of the zone's records.
fn about(doing: &str, record: &TxtRecord) -> Result<(String, String), Error> {
    let zone = &record.needed_zone()?.name;
    let what = format!("{doing} a TXT value at {} in the zone {zone}", record.owner);
    Ok((what, format!("/domains/{zone}/records")))
}

fn fault(answer: &Response<Bytes>) -> Option<Fault> {
    let by_status = Fault::by_status(answer, "")?;
    let told: Complaint = serde_json::from_slice(answer.body()).unwrap_or_default();
    let (meaning, advice) = match answer.status().as_u16() {
        401 => (Meaning::Credentials, "check the API key, and that its access control lets this address in"),
        403 => (Meaning::Denied, "its user must be allowed to manage DNS"),
        404 => (Meaning::Missing, "is the zone a domain of this account?"),
        400 | 422 => (Meaning::Refused, ""),
        _ => (by_status.meaning(), ""),
    };
    Some(Fault::new(by_status.code(), told.error, meaning).advising(advice))
}

const SERVICE: Service = Service { name: "Vultr", fault };
const BASE: &str = "https://api.vultr.com/v2";
/// The service's largest page.
const PER_PAGE: usize = 500;
const SHORTEST: Duration = Duration::from_secs(120);
