//! Cloudflare.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::{Clock, DnsName, Secret, Timestamp, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, Method, Request, Response};
use serde::Deserialize;
use serde_json::json;

use super::http_api::{Credential, Fault, HttpApi, Ids, Meaning, Service, Token, encoded};
use crate::credentials::CredentialSource;
use crate::dns01::{DnsProvider, TxtRecord, Zones};
use crate::{Error, ErrorKind, limits};

/// Writes TXT records through Cloudflare's API, one record for each value.
///
/// It needs a token with `Zone:Read` and `DNS:Edit` on the zone (or `DNS:Edit` alone [with the zone's id](Self::with_zone_id)), or an account's e-mail address and
/// global key. The zone comes from the SOA walk of [`Dns01`](crate::dns01::Dns01); its id is asked for once an hour.
///
/// ```
/// # use std::sync::Arc;
/// # fn example(transport: Arc<dyn acme_core::Transport>, clock: Arc<dyn acme_core::Clock>) -> Result<(), certwright_solvers::Error> {
/// use certwright_solvers::credentials::{Refreshing, SecretFile};
/// use certwright_solvers::dns::cloudflare::{Access, Cloudflare};
///
/// // Read again when Cloudflare refuses what it held.
/// let token = SecretFile::new("/run/secrets/cloudflare", Access::token);
/// let provider = Cloudflare::new(Arc::new(Refreshing::new(token)), transport, clock)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Cloudflare {
    api: HttpApi<Access>,
    zone_id: Option<String>,
    zones: Arc<Ids<DnsName>>,
    records: Arc<Ids<(DnsName, String)>>,
}

impl Cloudflare {
    /// A provider at Cloudflare's public address.
    ///
    /// # Errors
    /// None with this address.
    pub fn new(
        access: Arc<dyn CredentialSource<Access>>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let api = HttpApi::new(SERVICE, BASE, access, transport, clock)?;
        Ok(Self { api, zone_id: None, zones: Arc::default(), records: Arc::default() })
    }

    /// Asks at `base` instead, which ends before `/zones`.
    ///
    /// # Errors
    /// `Malformed` when it is no URL.
    pub fn at(mut self, base: &str) -> Result<Self, Error> {
        self.api = self.api.at(base)?;
        Ok(self)
    }

    /// Writes to the zone with this id, whatever it is called: no zone is looked up, and the token may do without `Zone:Read`.
    #[must_use]
    pub fn with_zone_id(mut self, id: impl Into<String>) -> Self {
        self.zone_id = Some(id.into());
        self
    }

    /// The path of the records of the zone of `record`.
    async fn path(&self, record: &TxtRecord) -> Result<String, Error> {
        let id = match &self.zone_id {
            Some(id) => id.clone(),
            None => {
                let zone = &record.needed_zone()?.name;
                self.zones.of(zone, self.api.clock().now(), self.zone_id_of(zone)).await?
            }
        };
        Ok(format!("/zones/{}/dns_records", encoded(&id)))
    }

    async fn zone_id_of(&self, zone: &DnsName) -> Result<String, Error> {
        let (what, path) = (format!("finding the zone {zone}"), format!("/zones?name={zone}&per_page=50"));
        let found: Envelope<Vec<Zone>> = self.api.ask(&what, Method::GET, &path, None).await?;
        let found = found.result.unwrap_or_default().into_iter().find(|it| it.name.eq_ignore_ascii_case(zone.as_str()));
        found.map(|it| it.id).ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                format!("{what}: Cloudflare shows no such zone to these credentials; is it in this account, and may they read it (Zone:Read)?"),
            )
        })
    }

    /// The ids of the records that hold the value, quoted or not.
    async fn ids_of(&self, what: &str, records: &str, record: &TxtRecord) -> Result<Vec<String>, Error> {
        let mut ids = Vec::new();
        for page in 1..=limits::DNS_API_PAGES {
            let path = format!("{records}?type=TXT&name={}&per_page={PER_PAGE}&page={page}", record.owner);
            let found: Envelope<Vec<Record>> = self.api.ask(what, Method::GET, &path, None).await?;
            let found = found.result.unwrap_or_default();
            let is_last = found.len() < PER_PAGE;
            let ours = found.into_iter().filter(|it| {
                it.name.eq_ignore_ascii_case(record.owner.as_str()) && it.content.trim_matches('"') == record.value
            });
            ids.extend(ours.map(|it| it.id));
            if is_last {
                break;
            }
        }
        Ok(ids)
    }

    async fn delete(&self, what: &str, path: &str, id: &str) -> Result<Deleted, Error> {
        match self.api.send(what, Method::DELETE, &format!("{path}/{}", encoded(id)), None).await {
            Ok(_) => Ok(Deleted::Now),
            Err(error) if has_code(&error, GONE) => Ok(Deleted::Before),
            Err(error) => Err(error),
        }
    }

    /// The zone was deleted, and maybe made again under another id.
    fn forgetting(&self, record: &TxtRecord, error: Error) -> Error {
        if let (ErrorKind::NotFound, Some(zone)) = (error.kind(), &record.zone) {
            self.zones.forget(&zone.name);
        }
        error
    }
}

#[async_trait]
impl DnsProvider for Cloudflare {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let what = format!("adding a TXT value at {}", record.owner);
        let ttl = record.ttl.clamp(SHORTEST, LONGEST).as_secs();
        let content = format!("\"{}\"", record.value);
        let body = json!({ "type": "TXT", "name": record.owner, "content": content, "ttl": ttl });
        let path = self.path(record).await?;
        match self.api.ask::<Envelope<Made>>(&what, Method::POST, &path, Some(&body)).await {
            Ok(made) => {
                if let Some(made) = made.result {
                    self.records.remember(key(record), &made.id, self.api.clock().now());
                }
                Ok(())
            }
            Err(error) if has_code(&error, EXISTS) => Ok(()),
            Err(error) => Err(self.forgetting(record, error)),
        }
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let what = format!("removing a TXT value at {}", record.owner);
        let path = self.path(record).await?;
        let known = self.records.known(&key(record), self.api.clock().now());
        self.records.forget(&key(record));
        if let Some(id) = known
            && self.delete(&what, &path, &id).await? == Deleted::Now
        {
            return Ok(());
        }
        let found = self.ids_of(&what, &path, record).await.map_err(|error| self.forgetting(record, error))?;
        for id in found {
            self.delete(&what, &path, &id).await?;
        }
        Ok(())
    }

    fn zones(&self) -> Zones<'_> {
        if self.zone_id.is_some() { Zones::Unneeded } else { Zones::BySoa }
    }
}

impl fmt::Debug for Cloudflare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloudflare").field("api", &self.api).field("zone_id", &self.zone_id).finish_non_exhaustive()
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

/// Who asks: a token, or the owner of an account.
#[derive(Debug)]
pub struct Access(Kind);

#[derive(Debug)]
enum Kind {
    Token(Token),
    GlobalKey { email: String, key: Token },
}

impl Access {
    /// An API token.
    pub fn token(token: &Secret<String>) -> Self {
        Self(Kind::Token(Token::bearer(token)))
    }

    /// The global key of the account of `email`; it may do everything there, so prefer a token.
    pub fn global_key(email: impl Into<String>, key: &Secret<String>) -> Self {
        Self(Kind::GlobalKey { email: email.into(), key: Token::bearer(key).in_header(KEY) })
    }
}

impl Credential for Access {
    fn authenticate(&self, request: &mut Request<Bytes>, now: Timestamp) -> Result<(), Error> {
        match &self.0 {
            Kind::Token(token) => token.authenticate(request, now),
            Kind::GlobalKey { email, key } => {
                let email = email.trim().parse().map_err(|_| {
                    Error::new(
                        ErrorKind::Malformed,
                        "the e-mail address of the Cloudflare account is no text fit for a header",
                    )
                })?;
                request.headers_mut().insert(EMAIL, email);
                key.authenticate(request, now)
            }
        }
    }

    fn secrets(&self) -> Vec<&str> {
        match &self.0 {
            Kind::Token(token) | Kind::GlobalKey { key: token, .. } => token.secrets(),
        }
    }
}

/// Cloudflare says in the body whether it did what it was asked, whatever the status.
fn fault(answer: &Response<Bytes>) -> Option<Fault> {
    let Ok(envelope) = serde_json::from_slice::<Envelope<serde_json::Value>>(answer.body()) else {
        return Fault::by_status(answer, "");
    };
    if envelope.success && answer.status().is_success() {
        return None;
    }
    let Some(first) = envelope.errors.first() else {
        return Fault::by_status(answer, "").or_else(|| Some(Fault::new("success: false", "", Meaning::Status)));
    };
    let codes: Vec<u32> = std::iter::once(first.code).chain(first.error_chain.iter().map(|it| it.code)).collect();
    let words = std::iter::once(&first.message).chain(first.error_chain.iter().map(|it| &it.message));
    let message = words.map(String::as_str).collect::<Vec<_>>().join(": ");
    let any = |known: &[u32]| codes.iter().any(|code| known.contains(code));
    let status = answer.status().as_u16();
    let (meaning, advice) = if any(THROTTLED) {
        (Meaning::Busy, "")
    } else if any(UNKNOWN) || status == 401 {
        (Meaning::Credentials, "check the token or key, and that it may edit this zone: Zone:Read and DNS:Edit")
    } else if any(ALIASED) {
        (Meaning::Refused, "the name is an alias; follow the delegation, or remove the CNAME record")
    } else if any(UNROUTABLE) {
        (Meaning::Missing, "check the zone's id")
    } else if any(GONE) {
        (Meaning::Missing, "")
    } else if status == 403 {
        (Meaning::Denied, "give the token Zone:Read and DNS:Edit on the zone")
    } else {
        (Meaning::Status, "")
    };
    Some(Fault::new(first.code.to_string(), message, meaning).advising(advice))
}

fn has_code(error: &Error, codes: &[u32]) -> bool {
    Fault::of(error).and_then(|fault| fault.code().parse().ok()).is_some_and(|code| codes.contains(&code))
}

#[derive(Deserialize)]
struct Envelope<T> {
    #[serde(default)]
    success: bool,
    #[serde(default)]
    errors: Vec<Complaint>,
    result: Option<T>,
}

#[derive(Deserialize)]
struct Complaint {
    #[serde(default)]
    code: u32,
    #[serde(default)]
    message: String,
    #[serde(default)]
    error_chain: Vec<Complaint>,
}

#[derive(Deserialize)]
struct Zone {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Made {
    id: String,
}

#[derive(Deserialize)]
struct Record {
    id: String,
    name: String,
    content: String,
}

const SERVICE: Service = Service { name: "Cloudflare", fault };
const BASE: &str = "https://api.cloudflare.com/client/v4";
const KEY: HeaderName = HeaderName::from_static("x-auth-key");
const EMAIL: HeaderName = HeaderName::from_static("x-auth-email");
const PER_PAGE: usize = 100;
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(86_400);
/// The identical record is there.
const EXISTS: &[u32] = &[81_057, 81_058];
const GONE: &[u32] = &[81_044];
const ALIASED: &[u32] = &[81_053, 81_054];
const UNROUTABLE: &[u32] = &[7_000, 7_003];
const UNKNOWN: &[u32] = &[6_003, 6_111, 9_103, 9_109, 10_000, 10_001];
const THROTTLED: &[u32] = &[971, 10_100, 10_429];
