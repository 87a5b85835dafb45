//! Akamai Edge DNS.

mod edge_grid;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::{Clock, DnsName, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use edge_grid::EdgeGrid;

use super::http_api::{Fault, HttpApi, Meaning, Service, Turns, bare, existing, quoted};
use crate::Error;
use crate::credentials::CredentialSource;
use crate::dns01::{DnsProvider, TxtRecord};

/// Writes TXT records through Akamai's API, all values of a name in one record set.
///
/// Sets are read, changed and written, and the service has no guard against two who do so at once: within a process one zone is changed by one at a time, as Akamai's
/// own library does; let one process write a name. It needs an API client with read-write access to `DNS-Zone Record Management` and to the zone's group. The zone
/// comes from the SOA walk of [`Dns01`](crate::dns01::Dns01).
#[derive(Clone)]
pub struct Akamai {
    api: HttpApi<EdgeGrid>,
    turns: Arc<Turns<DnsName>>,
}

impl Akamai {
    /// A provider that asks `host`, the address of the API client (`akab-….luna.akamaiapis.net`), with or without its scheme.
    ///
    /// # Errors
    /// `Malformed` when `host` is none.
    pub fn new(
        host: &str,
        client: Arc<dyn CredentialSource<EdgeGrid>>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let base = if host.contains("://") { host.to_owned() } else { format!("https://{host}") };
        Ok(Self { api: HttpApi::new(SERVICE, &base, client, transport, clock)?, turns: Arc::default() })
    }

    /// The set at the record's owner, if there is one.
    async fn set(&self, what: &str, path: &str) -> Result<Option<Set>, Error> {
        existing(self.api.ask(what, Method::GET, path, None).await)
    }

    async fn write(&self, what: &str, path: &str, method: Method, set: &Set) -> Result<(), Error> {
        self.api.send(what, method, path, Some(&json!(set))).await.map(drop)
    }
}

#[async_trait]
impl DnsProvider for Akamai {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let (what, path, zone) = about("adding", record)?;
        let _turn = self.turns.of(&zone).await;
        match self.set(&what, &path).await? {
            Some(set) if set.holds(&record.value) => Ok(()),
            Some(mut set) => {
                set.rdata.push(quoted(&record.value));
                self.write(&what, &path, Method::PUT, &set).await
            }
            None => {
                let ttl = record.ttl.max(SHORTEST).as_secs();
                let (name, rdata) = (record.owner.to_string(), vec![quoted(&record.value)]);
                self.write(&what, &path, Method::POST, &Set { name, kind: "TXT".to_owned(), ttl, rdata }).await
            }
        }
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let (what, path, zone) = about("removing", record)?;
        let _turn = self.turns.of(&zone).await;
        let Some(mut set) = self.set(&what, &path).await? else {
            return self.api.is_gone(&what, &format!("{ZONES}/{zone}")).await;
        };
        if !set.holds(&record.value) {
            return Ok(());
        }
        set.rdata.retain(|it| bare(it) != record.value);
        if !set.rdata.is_empty() {
            return self.write(&what, &path, Method::PUT, &set).await;
        }
        existing(self.api.send(&what, Method::DELETE, &path, None).await).map(drop)
    }
}

impl fmt::Debug for Akamai {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Akamai").field("api", &self.api).finish_non_exhaustive()
    }
}

/// What is done, for errors; the path of the set; and the zone.
fn about(doing: &str, record: &TxtRecord) -> Result<(String, String, DnsName), Error> {
    let zone = record.needed_zone()?.name.clone();
    let what = format!("{doing} a TXT value at {} in the zone {zone}", record.owner);
    let path = format!("{ZONES}/{zone}/names/{}/types/TXT", record.owner);
    Ok((what, path, zone))
}

#[derive(Serialize, Deserialize)]
struct Set {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    ttl: u64,
    rdata: Vec<String>,
}

impl Set {
    fn holds(&self, value: &str) -> bool {
        self.rdata.iter().any(|it| bare(it) == value)
    }
}

/// A problem document; its `instance` is another one each time and is left out.
fn fault(answer: &Response<Bytes>) -> Option<Fault> {
    let by_status = Fault::by_status(answer, "")?;
    let told: Problem = serde_json::from_slice(answer.body()).unwrap_or_default();
    let words = [told.title.as_str(), told.detail.as_str()];
    let words: Vec<&str> = words.into_iter().filter(|it| !it.is_empty()).collect();
    let (meaning, advice) = match answer.status().as_u16() {
        401 => {
            (Meaning::Credentials, "check the tokens and the secret of the API client, and the clock of this machine")
        }
        403 => (
            Meaning::Denied,
            "give the API client read-write access to DNS-Zone Record Management and to the zone's group",
        ),
        404 => (Meaning::Missing, "does the contract of this API client hold the zone?"),
        400 | 422 => (Meaning::Refused, ""),
        _ => (by_status.meaning(), ""),
    };
    Some(Fault::new(by_status.code(), words.join(": "), meaning).advising(advice))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: String,
    detail: String,
}

const SERVICE: Service = Service { name: "Akamai", fault };
const ZONES: &str = "/config-dns/v2/zones";
/// cert-manager's TTL.
const SHORTEST: Duration = Duration::from_secs(300);
