//! Linode (Akamai Connected Cloud).

use std::fmt;
use std::sync::Arc;

use acme_core::{Clock, DnsName, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, Method, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::http_api::{Fault, HttpApi, Meaning, Service, Surveyed, Token, ZoneIds, full_name};
use crate::credentials::CredentialSource;
use crate::dns01::{DnsProvider, TxtRecord};
use crate::{Error, ErrorKind, limits};

/// Writes TXT records through Linode's API, one record for each value.
///
/// It needs a personal access token with the scope `domains:read_write`. The zone comes from the SOA walk of [`Dns01`](crate::dns01::Dns01) and must be a domain of
/// the account; its id is asked for once an hour. Linode's name servers take changes over every few minutes: give propagation its time.
///
/// A value costs one call to add and one to remove. The service takes a value twice; so where something stands at the name, or nobody knows, the zone is looked through
/// for what others left, another run of this program among them, at most once an hour.
#[derive(Clone)]
pub struct Linode {
    api: HttpApi<Token>,
    zones: ZoneIds,
    records: Arc<Surveyed>,
}

impl Linode {
    /// A provider at Linode's public address, with [bearer tokens](Token::bearer).
    ///
    /// # Errors
    /// None with this address.
    pub fn new(
        token: Arc<dyn CredentialSource<Token>>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let api = HttpApi::new(SERVICE, BASE, token, transport, clock)?;
        Ok(Self { api, zones: ZoneIds::default(), records: Arc::default() })
    }

    /// Asks at `base` instead, which ends before `/domains`.
    ///
    /// # Errors
    /// `Malformed` when it is no URL.
    pub fn at(mut self, base: &str) -> Result<Self, Error> {
        self.api = self.api.at(base)?;
        Ok(self)
    }

    /// The path of the records of the zone of `record`.
    async fn path(&self, record: &TxtRecord) -> Result<String, Error> {
        let id = self.zones.of(record, self.api.clock().now(), self.zone_id_of(record)).await?;
        Ok(format!("/domains/{id}/records"))
    }

    async fn zone_id_of(&self, record: &TxtRecord) -> Result<String, Error> {
        let zone = &record.needed_zone()?.name;
        let what = format!("finding the zone {zone}");
        let (found, _) = self.listed::<Domain>(&what, "/domains", &json!({ "domain": zone })).await?;
        let found = found.into_iter().find(|it| it.domain.eq_ignore_ascii_case(zone.as_str()));
        found.map(|it| it.id.to_string()).ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                format!("{what}: Linode shows no such domain to this token; is it in this account?"),
            )
        })
    }

    /// Looks through a zone; whether that was all of it.
    async fn look(&self, what: &str, path: &str, zone: &DnsName) -> Result<bool, Error> {
        let (found, is_all) = self.listed::<Record>(what, path, &json!({ "type": "TXT" })).await?;
        for record in found {
            if let Some(owner) = full_name(&record.name, zone) {
                self.records.came_upon(&self.api, owner, &record.target);
            }
        }
        Ok(is_all)
    }

    /// Makes the record, and answers its id.
    async fn create(&self, what: &str, path: &str, record: &TxtRecord) -> Result<String, Error> {
        let relative = record.relative_to(&record.needed_zone()?.name)?.unwrap_or_default();
        let body = json!({ "type": "TXT", "name": relative, "target": record.value, "ttl_sec": SHORTEST });
        let made: Record = self.api.ask(what, Method::POST, path, Some(&body)).await?;
        Ok(made.id.to_string())
    }

    /// The ids of the records that hold the value.
    async fn ids_of(&self, what: &str, path: &str, record: &TxtRecord) -> Result<Vec<String>, Error> {
        let zone = &record.needed_zone()?.name;
        let (found, _) = self.listed::<Record>(what, path, &json!({ "type": "TXT" })).await?;
        let is_it =
            |it: &Record| it.target == record.value && full_name(&it.name, zone).as_ref() == Some(&record.owner);
        Ok(found.into_iter().filter(is_it).map(|it| it.id.to_string()).collect())
    }

    /// What a list holds, and whether that is all of it.
    async fn listed<T: DeserializeOwned>(
        &self,
        what: &str,
        path: &str,
        filter: &Value,
    ) -> Result<(Vec<T>, bool), Error> {
        let mut all = Vec::new();
        for page in 1..=limits::DNS_API_PAGES {
            let path = format!("{path}?page_size={PER_PAGE}&page={page}");
            let answer = self.api.send_with(what, FILTER, &filter.to_string(), Method::GET, &path, None).await?;
            let found: Page<T> = self.api.read(what, &answer)?;
            all.extend(found.data);
            if page >= found.pages {
                return Ok((all, true));
            }
        }
        Ok((all, false))
    }
}

#[async_trait]
impl DnsProvider for Linode {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let what = format!("adding a TXT value at {}", record.owner);
        let path = self.path(record).await?;
        let zone = &record.needed_zone()?.name;
        let look = self.look(&what, &path, zone);
        let found = self.ids_of(&what, &path, record);
        let outcome = self.records.add(&self.api, record, look, found, self.create(&what, &path, record)).await;
        outcome.map_err(|error| self.zones.forgetting(record, error))
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let what = format!("removing a TXT value at {}", record.owner);
        let path = self.path(record).await?;
        let found = self.ids_of(&what, &path, record);
        let outcome = self.records.remove(&self.api, &what, &path, record, found).await;
        outcome.map_err(|error| self.zones.forgetting(record, error))
    }

    fn wants_vacancy(&self) -> bool {
        true
    }
}

impl fmt::Debug for Linode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linode").field("api", &self.api).finish_non_exhaustive()
    }
}

fn fault(answer: &Response<Bytes>) -> Option<Fault> {
    let by_status = Fault::by_status(answer, "")?;
    let told: Told = serde_json::from_slice(answer.body()).unwrap_or_default();
    let words: Vec<&str> = told.errors.iter().map(|it| it.reason.as_str()).collect();
    let (meaning, advice) = match answer.status().as_u16() {
        401 => (Meaning::Credentials, "check the token, and that it has the scope domains:read_write"),
        403 => (Meaning::Denied, "its user must be allowed to change the domain"),
        404 => (Meaning::Missing, "is the domain in this account?"),
        400 | 422 => (Meaning::Refused, ""),
        _ => (by_status.meaning(), ""),
    };
    Some(Fault::new(by_status.code(), words.join("; "), meaning).advising(advice))
}

#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    pages: usize,
}

#[derive(Deserialize)]
struct Domain {
    id: u64,
    domain: String,
}

#[derive(Deserialize)]
struct Record {
    id: u64,
    name: String,
    target: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    errors: Vec<Complaint>,
}

#[derive(Deserialize)]
struct Complaint {
    #[serde(default)]
    reason: String,
}

const SERVICE: Service = Service { name: "Linode", fault };
const BASE: &str = "https://api.linode.com/v4";
const FILTER: HeaderName = HeaderName::from_static("x-filter");
/// The service's largest page.
const PER_PAGE: usize = 500;
/// In seconds, one of those that the service takes.
const SHORTEST: u32 = 300;
