//! Hetzner DNS, in the Hetzner Console.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::{Clock, DnsName, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::http_api::{Complaint, Fault, HttpApi, Meaning, Service, Token, bare, existing, quoted};
use crate::credentials::CredentialSource;
use crate::dns01::{DnsProvider, TxtRecord};
use crate::{Error, ErrorKind};

/// Writes TXT records through the API of Hetzner Cloud, which adds and removes single values of a set.
///
/// It needs an API token of the zone's project with permission to read and write. The zone comes from the SOA walk of [`Dns01`](crate::dns01::Dns01), and must be
/// a primary one.
#[derive(Clone)]
pub struct Hetzner {
    api: HttpApi<Token>,
}

impl Hetzner {
    /// A provider at Hetzner's public address, with [bearer tokens](Token::bearer).
    ///
    /// # Errors
    /// None with this address.
    pub fn new(
        token: Arc<dyn CredentialSource<Token>>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        Ok(Self { api: HttpApi::new(SERVICE, BASE, token, transport, clock)? })
    }

    /// Asks at `base` instead, which ends before `/zones`.
    ///
    /// # Errors
    /// `Malformed` when it is no URL.
    pub fn at(mut self, base: &str) -> Result<Self, Error> {
        self.api = self.api.at(base)?;
        Ok(self)
    }

    /// The set at the record's owner, if there is one.
    async fn set(&self, what: &str, path: &str) -> Result<Option<Set>, Error> {
        let found: Option<Found> = existing(self.api.ask(what, Method::GET, path, None).await)?;
        Ok(found.map(|it| it.rrset))
    }

    /// Sends a change of a set. What was refused because it is so already is done.
    async fn act(&self, change: Change<'_>, path: &str, is_done: impl Fn(Option<&Set>) -> bool) -> Result<(), Error> {
        let Change { what, zone, action, body } = change;
        let path_of_action = format!("{path}/actions/{action}");
        let refused = match self.api.ask::<Answer>(what, Method::POST, &path_of_action, Some(&body)).await {
            Ok(answer) => return answer.action.outcome(what),
            Err(error) => error,
        };
        if !matches!(refused.kind(), ErrorKind::Refused | ErrorKind::Conflict | ErrorKind::NotFound) {
            return Err(refused);
        }
        match self.set(what, path).await {
            Ok(None) if is_done(None) => self.api.is_gone(what, &format!("/zones/{zone}")).await,
            Ok(set) if is_done(set.as_ref()) => Ok(()),
            Ok(_) | Err(_) => Err(refused),
        }
    }
}

struct Change<'a> {
    what: &'a str,
    zone: &'a DnsName,
    action: &'static str,
    body: Value,
}

#[async_trait]
impl DnsProvider for Hetzner {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let (what, path) = about("adding", record)?;
        let zone = &record.needed_zone()?.name;
        let ttl = record.ttl.max(SHORTEST).as_secs();
        let body = json!({ "ttl": ttl, "records": [{ "value": quoted(&record.value) }] });
        let holds = |set: Option<&Set>| set.is_some_and(|it| it.holds(&record.value));
        match self.act(Change { what: &what, zone, action: "add_records", body }, &path, holds).await {
            // A set that somebody made with a TTL of his own keeps it.
            Err(error) if error.kind() == ErrorKind::Refused && self.set(&what, &path).await?.is_some() => {
                let body = json!({ "records": [{ "value": quoted(&record.value) }] });
                self.act(Change { what: &what, zone, action: "add_records", body }, &path, holds).await
            }
            outcome => outcome,
        }
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let (what, path) = about("removing", record)?;
        let zone = &record.needed_zone()?.name;
        let body = json!({ "records": [{ "value": quoted(&record.value) }] });
        let lacks = |set: Option<&Set>| set.is_none_or(|it| !it.holds(&record.value));
        self.act(Change { what: &what, zone, action: "remove_records", body }, &path, lacks).await
    }
}

impl fmt::Debug for Hetzner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hetzner").field("api", &self.api).finish()
    }
}

/// What is done, for errors, and the path of the set.
fn about(doing: &str, record: &TxtRecord) -> Result<(String, String), Error> {
    let zone = &record.needed_zone()?.name;
    let relative = record.relative_to(zone)?.unwrap_or("@");
    let what = format!("{doing} a TXT value at {} in the zone {zone}", record.owner);
    Ok((what, format!("/zones/{zone}/rrsets/{relative}/TXT")))
}

#[derive(Deserialize)]
struct Found {
    rrset: Set,
}

#[derive(Deserialize)]
struct Set {
    #[serde(default)]
    records: Vec<Text>,
}

#[derive(Deserialize)]
struct Text {
    value: String,
}

impl Set {
    fn holds(&self, value: &str) -> bool {
        self.records.iter().any(|it| bare(&it.value) == value)
    }
}

#[derive(Deserialize)]
struct Answer {
    action: Action,
}

#[derive(Deserialize)]
struct Action {
    status: String,
    error: Option<Complaint>,
}

impl Action {
    /// Most are running still: that they are served is seen in the DNS.
    fn outcome(self, what: &str) -> Result<(), Error> {
        if self.status != "error" {
            return Ok(());
        }
        let code = acme_core::text::printable(&self.error.unwrap_or_default().code, CODE);
        Err(Error::new(ErrorKind::Refused, format!("{what}: Hetzner could not do it: {code}")))
    }
}

fn fault(answer: &Response<Bytes>) -> Option<Fault> {
    let by_status = Fault::by_status(answer, "")?;
    let told = Complaint::of(answer);
    let (meaning, advice) = match (answer.status().as_u16(), told.code.as_str()) {
        (_, "rate_limit_exceeded" | "locked") => (Meaning::Busy, ""),
        (401, _) => (Meaning::Credentials, "check the token"),
        (403, _) => (Meaning::Denied, "the token must be one of the zone's project that may read and write"),
        (404, _) => (Meaning::Missing, "is the zone in the project of this token?"),
        (409, _) => (Meaning::Conflict, ""),
        (400 | 422, _) => (Meaning::Refused, ""),
        _ => (by_status.meaning(), ""),
    };
    Some(told.into_fault(&by_status, meaning).advising(advice))
}

const SERVICE: Service = Service { name: "Hetzner", fault };
const BASE: &str = "https://api.hetzner.cloud/v1";
/// The service takes no shorter one.
const SHORTEST: Duration = Duration::from_secs(60);
const CODE: usize = 80;
