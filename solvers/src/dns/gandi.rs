//! Gandi LiveDNS.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::{Clock, DnsName, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response};
use serde::Deserialize;
use serde_json::json;

use super::http_api::{Fault, HttpApi, Meaning, Service, Token, Turns, bare, existing, quoted};
use crate::credentials::CredentialSource;
use crate::dns01::{DnsProvider, TxtRecord};
use crate::{Error, ErrorKind};

/// Writes TXT records through Gandi's LiveDNS API, all values of a name in one record set.
///
/// Sets are read, changed and written, and the service has no guard against two who do so at once: within a process a name is changed by one at a time; let one
/// process write a name. It needs a personal access token that may manage domain name technical configurations. The zone comes from the SOA walk of
/// [`Dns01`](crate::dns01::Dns01).
#[derive(Clone)]
pub struct Gandi {
    api: HttpApi<Token>,
    turns: Arc<Turns<DnsName>>,
}

impl Gandi {
    /// A provider at Gandi's public address, with personal access tokens ([`Token::bearer`]) or an API key of old
    /// (`Token::bearer(..).with_scheme("Apikey ")`).
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
    async fn set(&self, what: &str, path: &str) -> Result<Option<Set>, Error> {
        existing(self.api.ask(what, Method::GET, path, None).await)
    }

    /// Makes the set (`POST`), or puts it in the place of the one that is there (`PUT`).
    async fn write(&self, method: Method, what: &str, path: &str, set: &Set) -> Result<(), Error> {
        let body = json!({ "rrset_ttl": set.rrset_ttl, "rrset_values": set.rrset_values });
        self.api.send(what, method, path, Some(&body)).await.map(drop)
    }
}

#[async_trait]
impl DnsProvider for Gandi {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let (what, path) = about("adding", record)?;
        let _turn = self.turns.of(&record.owner).await;
        let mut set = Set::empty(record.ttl.max(SHORTEST).as_secs());
        set.add(&record.value);
        // Most names have no set yet. Where there is one, the service makes no second.
        match self.write(Method::POST, &what, &path, &set).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            other => return other,
        }
        set = self.set(&what, &path).await?.unwrap_or(set);
        if set.holds(&record.value) {
            return Ok(());
        }
        set.add(&record.value);
        self.write(Method::PUT, &what, &path, &set).await
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let (what, path) = about("removing", record)?;
        let _turn = self.turns.of(&record.owner).await;
        let Some(mut set) = self.set(&what, &path).await? else {
            return self.api.is_gone(&what, &format!("/domains/{}", record.needed_zone()?.name)).await;
        };
        if !set.holds(&record.value) {
            return Ok(());
        }
        set.rrset_values.retain(|it| bare(it) != record.value);
        if !set.rrset_values.is_empty() {
            return self.write(Method::PUT, &what, &path, &set).await;
        }
        existing(self.api.send(&what, Method::DELETE, &path, None).await).map(drop)
    }
}

impl fmt::Debug for Gandi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gandi").field("api", &self.api).finish_non_exhaustive()
    }
}

/// What is done, for errors, and the path of the set.
fn about(doing: &str, record: &TxtRecord) -> Result<(String, String), Error> {
    let zone = &record.needed_zone()?.name;
    let relative = record.relative_to(zone)?.unwrap_or("@");
    let what = format!("{doing} a TXT value at {} in the zone {zone}", record.owner);
    Ok((what, format!("/domains/{zone}/records/{relative}/TXT")))
}

#[derive(Deserialize)]
struct Set {
    rrset_ttl: u64,
    rrset_values: Vec<String>,
}

impl Set {
    fn empty(rrset_ttl: u64) -> Self {
        Self { rrset_ttl, rrset_values: Vec::new() }
    }

    fn add(&mut self, value: &str) {
        self.rrset_values.push(quoted(value));
    }

    fn holds(&self, value: &str) -> bool {
        self.rrset_values.iter().any(|it| bare(it) == value)
    }
}

fn fault(answer: &Response<Bytes>) -> Option<Fault> {
    let by_status = Fault::by_status(answer, "")?;
    let told: Complaint = serde_json::from_slice(answer.body()).unwrap_or_default();
    let (meaning, advice) = match answer.status().as_u16() {
        401 => (Meaning::Credentials, "check the token"),
        403 => (
            Meaning::Denied,
            "is the zone on LiveDNS in this account, and may the token manage domain name technical configurations?",
        ),
        404 => (Meaning::Missing, "is the zone on LiveDNS in this account?"),
        400 | 422 => (Meaning::Refused, ""),
        _ => (by_status.meaning(), ""),
    };
    Some(Fault::new(by_status.code(), told.message, meaning).advising(advice))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Complaint {
    message: String,
}

const SERVICE: Service = Service { name: "Gandi", fault };
const BASE: &str = "https://api.gandi.net/v5/livedns";
/// LiveDNS takes no shorter one.
const SHORTEST: Duration = Duration::from_secs(300);
