//! Google Cloud DNS.

mod set;

use std::fmt;
use std::sync::Arc;

use acme_core::{Clock, DnsName, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Response};
use serde::Deserialize;
use serde_json::json;

use self::set::{Set, Sets};
use super::http_api::{ALIAS, Complaint, Fault, HttpApi, Meaning, Service, Turns, ZoneIds, encoded};
use crate::credentials::{AccessToken, CredentialSource};
use crate::dns01::{DnsProvider, TxtRecord, Zones};
use crate::{Error, ErrorKind};

/// Writes TXT records through Google Cloud DNS, all values of a name in one record set.
///
/// A change names the whole set that it replaces, and the service takes it only where that is what it has: nothing that others wrote is lost, and the usual case, one
/// value at a name, is one call to add and one to remove. It needs `dns.changes.create` and `dns.resourceRecordSets.{create,delete,list}`, and `dns.managedZones.list`
/// unless the [zone's id](Self::with_zone_id) is given. The zone comes from the SOA walk of [`Dns01`](crate::dns01::Dns01).
#[derive(Clone)]
pub struct CloudDns {
    api: HttpApi<AccessToken>,
    project: String,
    zones: ZoneIds,
    turns: Arc<Turns<DnsName>>,
}

impl CloudDns {
    /// A provider for the zones of a project. [`credentials::google`](crate::credentials::google) has the sources.
    ///
    /// # Errors
    /// None with this address.
    pub fn new(
        project: &str,
        identity: Arc<dyn CredentialSource<AccessToken>>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let api = HttpApi::new(SERVICE, BASE, identity, transport, clock)?;
        Ok(Self { api, project: encoded(project), zones: ZoneIds::default(), turns: Arc::default() })
    }

    /// Asks at `base` instead, which ends before `/dns`.
    ///
    /// # Errors
    /// `Malformed` when it is no URL.
    pub fn at(mut self, base: &str) -> Result<Self, Error> {
        self.api = self.api.at(base)?;
        Ok(self)
    }

    /// Writes to the managed zone with this name or number: no zone is looked up.
    #[must_use]
    pub fn with_zone_id(mut self, id: impl Into<String>) -> Self {
        self.zones = ZoneIds::given(id);
        self
    }

    /// The path of the zone of `record`.
    async fn path(&self, record: &TxtRecord) -> Result<String, Error> {
        let id = self.zones.of(record, self.api.clock().now(), self.zone_id_of(record)).await?;
        Ok(format!("/dns/v1/projects/{}/managedZones/{}", self.project, encoded(&id)))
    }

    async fn zone_id_of(&self, record: &TxtRecord) -> Result<String, Error> {
        let zone = &record.needed_zone()?.name;
        let what = format!("finding the zone {zone}");
        let path = format!("/dns/v1/projects/{}/managedZones?dnsName={zone}.", self.project);
        let found: Listed = self.api.ask(&what, Method::GET, &path, None).await?;
        let is_public = |it: &&ManagedZone| it.visibility.is_empty() || it.visibility == "public";
        let found = found.managed_zones.iter().find(is_public).or(found.managed_zones.first());
        found.map(|it| it.name.clone()).ok_or_else(|| {
            let project = &self.project;
            Error::new(
                ErrorKind::NotFound,
                format!("{what}: Google Cloud DNS has no such zone in the project {project}; is it in another one?"),
            )
        })
    }

    /// The set at the record's owner, if there is one.
    async fn set(&self, what: &str, zone: &str, record: &TxtRecord) -> Result<Option<Set>, Error> {
        let path = format!("{zone}/rrsets?name={}.&type=TXT", record.owner);
        let found: Sets = self.api.ask(what, Method::GET, &path, None).await?;
        Ok(found.rrsets.into_iter().next())
    }

    /// Replaces one set by another; what there is must be `old`.
    async fn change(&self, what: &str, zone: &str, old: Option<&Set>, new: Option<&Set>) -> Result<(), Error> {
        let body = json!({ "deletions": old.as_slice(), "additions": new.as_slice() });
        self.api.send(what, Method::POST, &format!("{zone}/changes"), Some(&body)).await.map(drop)
    }
}

#[async_trait]
impl DnsProvider for CloudDns {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let what = format!("adding a TXT value at {}", record.owner);
        let zone = self.path(record).await?;
        let _turn = self.turns.of(&record.owner).await;
        let alone = Set::alone(record);
        let conflict = match self.change(&what, &zone, None, Some(&alone)).await {
            Err(error) if error.kind() == ErrorKind::Conflict => error,
            outcome => return outcome.map_err(|error| self.zones.forgetting(record, error)),
        };
        let Some(old) = self.set(&what, &zone, record).await? else { return Err(conflict) };
        if old.holds(&record.value) {
            return Ok(());
        }
        self.change(&what, &zone, Some(&old), Some(&old.with(&record.value))).await
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let what = format!("removing a TXT value at {}", record.owner);
        let zone = self.path(record).await?;
        let _turn = self.turns.of(&record.owner).await;
        match self.change(&what, &zone, Some(&Set::alone(record)), None).await {
            // There is no set, or another one.
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => {}
            outcome => return outcome,
        }
        let old = self.set(&what, &zone, record).await.map_err(|error| self.zones.forgetting(record, error))?;
        let Some(old) = old.filter(|set| set.holds(&record.value)) else { return Ok(()) };
        self.change(&what, &zone, Some(&old), old.without(&record.value).as_ref()).await
    }

    fn zones(&self) -> Zones<'_> {
        self.zones.zones()
    }
}

impl fmt::Debug for CloudDns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("CloudDns");
        debug
            .field("api", &self.api)
            .field("project", &self.project)
            .field("zones", &self.zones)
            .finish_non_exhaustive()
    }
}

fn fault(answer: &Response<Bytes>) -> Option<Fault> {
    let by_status = Fault::by_status(answer, "")?;
    let told = serde_json::from_slice::<Told>(answer.body()).map(|it| it.error).unwrap_or_default();
    let code = told.errors.into_iter().next().map(|it| it.reason).unwrap_or_default();
    let (meaning, advice) = match (answer.status().as_u16(), code.as_str()) {
        (_, "rateLimitExceeded" | "userRateLimitExceeded" | "quotaExceeded") => (Meaning::Busy, ""),
        (_, "cnameResourceRecordSetConflict") => (Meaning::Refused, ALIAS),
        (401, _) => (Meaning::Credentials, "is it an identity of Google Cloud with the scope for Cloud DNS?"),
        (403, _) => (
            Meaning::Denied,
            "give the identity the role DNS Administrator on the zone, and switch the Cloud DNS API on",
        ),
        (404, _) => (Meaning::Missing, "check the project and the zone"),
        (409 | 412, _) => (Meaning::Conflict, ""),
        (400, _) => (Meaning::Refused, ""),
        _ => (by_status.meaning(), ""),
    };
    Some(Complaint::new(code, told.message).into_fault(&by_status, meaning).advising(advice))
}

#[derive(Deserialize)]
struct Told {
    error: Refusal,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    message: String,
    errors: Vec<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    #[serde(default)]
    managed_zones: Vec<ManagedZone>,
}

#[derive(Deserialize)]
struct ManagedZone {
    name: String,
    #[serde(default)]
    visibility: String,
}

const SERVICE: Service = Service { name: "Google Cloud DNS", fault };
const BASE: &str = "https://dns.googleapis.com";
