//! deSEC.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::{Clock, DnsName, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::http_api::{Fault, HttpApi, Meaning, Service, Token, Turns, bare, existing, quoted};
use crate::Error;
use crate::credentials::CredentialSource;
use crate::dns01::{DnsProvider, TxtRecord};

/// Writes TXT records through deSEC's API, all values of a name in one record set.
///
/// Sets are read, changed and written, and the service has no guard against two who do so at once: within a process a name is changed by one at a time; let one
/// process write a name. It needs a token whose policy lets it write TXT records of the domain. The zone comes from the SOA walk of [`Dns01`](crate::dns01::Dns01).
#[derive(Clone)]
pub struct Desec {
    api: HttpApi<Token>,
    turns: Arc<Turns<DnsName>>,
}

impl Desec {
    /// A provider at deSEC's public address, with tokens (`Token::bearer(..).with_scheme("Token ")`).
    ///
    /// # Errors
    /// None with this address.
    pub fn new(
        token: Arc<dyn CredentialSource<Token>>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        Ok(Self { api: HttpApi::new(SERVICE, BASE, token, transport, clock)?, turns: Arc::default() })
    }

    /// Asks at `base` instead, which ends before `/domains`.
    ///
    /// # Errors
    /// `Malformed` when it is no URL.
    pub fn at(mut self, base: &str) -> Result<Self, Error> {
        self.api = self.api.at(base)?;
        Ok(self)
    }

    /// The set at the record's owner, if there is one.
    async fn set(&self, about: &About) -> Result<Option<Set>, Error> {
        existing(self.api.ask(&about.what, Method::GET, &about.set, None).await)
    }

    async fn write(&self, about: &About, method: Method, path: &str, body: Value) -> Result<(), Error> {
        self.api.send(&about.what, method, path, Some(&body)).await.map(drop)
    }
}

#[async_trait]
impl DnsProvider for Desec {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let about = About::new("adding", record)?;
        let _turn = self.turns.of(&record.owner).await;
        let text = quoted(&record.value);
        match self.set(&about).await? {
            Some(set) if set.holds(&record.value) => Ok(()),
            Some(mut set) => {
                set.records.push(text);
                self.write(&about, Method::PATCH, &about.set, json!({ "records": set.records })).await
            }
            None => {
                let ttl = record.ttl.max(SHORTEST).as_secs();
                let body = json!({ "subname": about.subname, "type": "TXT", "ttl": ttl, "records": [text] });
                self.write(&about, Method::POST, &about.sets, body).await
            }
        }
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let about = About::new("removing", record)?;
        let _turn = self.turns.of(&record.owner).await;
        let Some(mut set) = self.set(&about).await? else {
            return self.api.is_gone(&about.what, &about.domain).await;
        };
        if !set.holds(&record.value) {
            return Ok(());
        }
        set.records.retain(|it| bare(it) != record.value);
        // Without records it is deleted.
        self.write(&about, Method::PATCH, &about.set, json!({ "records": set.records })).await
    }
}

impl fmt::Debug for Desec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desec").field("api", &self.api).finish_non_exhaustive()
    }
}

/// What is done, for errors; where; and what to the service.
struct About {
    what: String,
    subname: String,
    domain: String,
    sets: String,
    set: String,
}

impl About {
    fn new(doing: &str, record: &TxtRecord) -> Result<Self, Error> {
        let zone = &record.needed_zone()?.name;
        let relative = record.relative_to(zone)?;
        let what = format!("{doing} a TXT value at {} in the zone {zone}", record.owner);
        let domain = format!("/domains/{zone}/");
        let sets = format!("{domain}rrsets/");
        let set = format!("{sets}{}/TXT/", relative.unwrap_or("@"));
        Ok(Self { what, subname: relative.unwrap_or_default().to_owned(), domain, sets, set })
    }
}

#[derive(Deserialize)]
struct Set {
    records: Vec<String>,
}

impl Set {
    fn holds(&self, value: &str) -> bool {
        self.records.iter().any(|it| bare(it) == value)
    }
}

fn fault(answer: &Response<Bytes>) -> Option<Fault> {
    let by_status = Fault::by_status(answer, "")?;
    let told: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let message = told.get("detail").and_then(Value::as_str).map_or_else(|| words(&told), ToOwned::to_owned);
    let (meaning, advice) = match answer.status().as_u16() {
        401 => (Meaning::Credentials, "check the token"),
        403 => (Meaning::Denied, "give the token a policy that lets it write TXT records of the domain"),
        404 => (Meaning::Missing, "is the domain one of this account?"),
        400 | 422 => (Meaning::Refused, ""),
        // Of a throttled client it says when to come again.
        _ => (by_status.meaning(), ""),
    };
    Some(Fault::new(by_status.code(), message, meaning).advising(advice))
}

/// What is wrong with which field: `{"ttl": ["Ensure this value …"]}`.
fn words(told: &Value) -> String {
    let fields = told.as_object().into_iter().flatten();
    let said = fields.filter_map(|(field, said)| Some(format!("{field}: {}", said.get(0)?.as_str()?)));
    said.collect::<Vec<_>>().join("; ")
}

const SERVICE: Service = Service { name: "deSEC", fault };
const BASE: &str = "https://desec.io/api/v1";
/// What domains have for a minimum, until deSEC's people lower it.
const SHORTEST: Duration = Duration::from_secs(3600);
