//! Cloudflare.

mod access;
mod fault;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::{Clock, Transport};
use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::json;

pub use access::Access;

use self::fault::{EXISTS, fault, has_code};
use super::http_api::{HttpApi, Made, Service, ZoneIds, bare, encoded, quoted};
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
    zones: ZoneIds,
    made: Arc<Made>,
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
        Ok(Self { api, zones: ZoneIds::default(), made: Arc::default() })
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
        self.zones = ZoneIds::given(id);
        self
    }

    /// The path of the records of the zone of `record`.
    async fn path(&self, record: &TxtRecord) -> Result<String, Error> {
        let id = self.zones.of(record, self.api.clock().now(), self.zone_id_of(record)).await?;
        Ok(format!("/zones/{}/dns_records", encoded(&id)))
    }

    async fn zone_id_of(&self, record: &TxtRecord) -> Result<String, Error> {
        let zone = &record.needed_zone()?.name;
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
            let ours = found
                .into_iter()
                .filter(|it| it.name.eq_ignore_ascii_case(record.owner.as_str()) && bare(&it.content) == record.value);
            ids.extend(ours.map(|it| it.id));
            if is_last {
                break;
            }
        }
        Ok(ids)
    }
}

#[async_trait]
impl DnsProvider for Cloudflare {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let what = format!("adding a TXT value at {}", record.owner);
        let ttl = record.ttl.clamp(SHORTEST, LONGEST).as_secs();
        let content = quoted(&record.value);
        let body = json!({ "type": "TXT", "name": record.owner, "content": content, "ttl": ttl });
        let path = self.path(record).await?;
        match self.api.ask::<Envelope<Id>>(&what, Method::POST, &path, Some(&body)).await {
            Ok(made) => {
                if let Some(made) = made.result {
                    self.made.remember(&self.api, record.owner.clone(), &record.value, &made.id);
                }
                Ok(())
            }
            Err(error) if has_code(&error, EXISTS) => Ok(()),
            Err(error) => Err(self.zones.forgetting(record, error)),
        }
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let what = format!("removing a TXT value at {}", record.owner);
        let path = self.path(record).await?;
        let found = self.ids_of(&what, &path, record);
        let outcome = self.made.remove(&self.api, &what, &path, record, found).await;
        outcome.map_err(|error| self.zones.forgetting(record, error))
    }

    fn zones(&self) -> Zones<'_> {
        self.zones.zones()
    }
}

impl fmt::Debug for Cloudflare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloudflare").field("api", &self.api).field("zones", &self.zones).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Envelope<T> {
    result: Option<T>,
}

#[derive(Deserialize)]
struct Zone {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Id {
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
const PER_PAGE: usize = 100;
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(86_400);
