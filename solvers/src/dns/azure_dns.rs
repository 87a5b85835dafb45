//! Azure DNS.

mod set;

use std::fmt;
use std::sync::Arc;

use acme_core::{Clock, DnsName, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use http::header::IF_MATCH;
use http::{Method, Response};

use self::set::{Kind, Set};
use super::http_api::{Complaint, Fault, HttpApi, Ids, Meaning, Service, Turns, encoded, existing};
use crate::credentials::azure::Cloud;
use crate::credentials::{AccessToken, CredentialSource};
use crate::dns01::{DnsProvider, TxtRecord, Zones};
use crate::{Error, ErrorKind};

/// Writes TXT records through Azure's resource manager, all values of a name in one record set.
///
/// Sets are written under their ETag: who lost a race has a `Conflict` and tries again, and the usual case, one value at a name, is one call to add and one to remove.
/// The identity needs the role `DNS Zone Contributor` on the
/// zone (`Private DNS Zone Contributor` for private ones). The zone is [given](Self::with_zone), or comes from the SOA walk of [`Dns01`](crate::dns01::Dns01).
#[derive(Clone)]
pub struct AzureDns {
    api: HttpApi<AccessToken>,
    group: String,
    kind: Kind,
    zone: Option<DnsName>,
    /// Of sets that hold one value, which was written here.
    etags: Arc<Ids<(DnsName, String)>>,
    turns: Arc<Turns<DnsName>>,
}

impl AzureDns {
    /// A provider for the public zones of a resource group in the public cloud. [`credentials::azure`](crate::credentials::azure) has the sources.
    ///
    /// # Errors
    /// None with this address.
    pub fn new(
        subscription: &str,
        resource_group: &str,
        identity: Arc<dyn CredentialSource<AccessToken>>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let (subscription, group) = (encoded(subscription), encoded(resource_group));
        Ok(Self {
            api: HttpApi::new(SERVICE, Cloud::Public.manager(), identity, transport, clock)?,
            group: format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network"),
            kind: Kind::Public,
            zone: None,
            etags: Arc::default(),
            turns: Arc::default(),
        })
    }

    /// Asks another cloud; its identities are others, too.
    ///
    /// # Errors
    /// None with these addresses.
    pub fn in_cloud(self, cloud: Cloud) -> Result<Self, Error> {
        self.at(cloud.manager())
    }

    /// Asks at `base` instead, which ends before `/subscriptions`.
    ///
    /// # Errors
    /// `Malformed` when it is no URL.
    pub fn at(mut self, base: &str) -> Result<Self, Error> {
        self.api = self.api.at(base)?;
        Ok(self)
    }

    /// Writes to private zones.
    #[must_use]
    pub fn for_private_zones(mut self) -> Self {
        self.kind = Kind::Private;
        self
    }

    /// Writes to this zone: none is looked for in the DNS.
    #[must_use]
    pub fn with_zone(mut self, zone: DnsName) -> Self {
        self.zone = Some(zone);
        self
    }

    fn zone_of<'a>(&'a self, record: &'a TxtRecord) -> Result<&'a DnsName, Error> {
        match &self.zone {
            Some(zone) => Ok(zone),
            None => record.needed_zone().map(|it| &it.name),
        }
    }

    /// What is done, for errors, and the path of the set.
    fn about(&self, doing: &str, record: &TxtRecord) -> Result<(String, String), Error> {
        let zone = self.zone_of(record)?;
        let relative = record.relative_to(zone)?.unwrap_or("@");
        let what = format!("{doing} a TXT value at {} in the zone {zone}", record.owner);
        Ok((what, format!("{}/{}", self.group, self.kind.path(zone, relative))))
    }

    /// The set, if there is one.
    async fn set(&self, what: &str, path: &str) -> Result<Option<Set>, Error> {
        existing(self.api.ask(what, Method::GET, path, None).await)
    }

    /// Writes a set, and answers its new ETag.
    async fn put(&self, what: &str, path: &str, set: &Set) -> Result<Option<String>, Error> {
        let (header, value) = set.guard();
        let answer = self.api.send_with(what, header, value, Method::PUT, path, Some(&set.body(self.kind))).await?;
        // An answer without one costs a call later.
        Ok(self.api.read(what, &answer).ok().and_then(|set: Set| set.etag))
    }
}

#[async_trait]
impl DnsProvider for AzureDns {
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let (what, path) = self.about("adding", record)?;
        let _turn = self.turns.of(&record.owner).await;
        let mut alone = Set::new(record.ttl);
        alone.add(&record.value);
        let conflict = match self.put(&what, &path, &alone).await {
            Ok(etag) => {
                let etag = etag.unwrap_or_default();
                self.etags.remember((record.owner.clone(), record.value.clone()), &etag, self.api.clock().now());
                return Ok(());
            }
            Err(error) if error.kind() == ErrorKind::Conflict => error,
            Err(error) => return Err(error),
        };
        let Some(mut set) = self.set(&what, &path).await? else { return Err(conflict) };
        if set.holds(&record.value) {
            return Ok(());
        }
        set.add(&record.value);
        self.put(&what, &path, &set).await.map(drop)
    }

    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error> {
        let (what, path) = self.about("removing", record)?;
        let _turn = self.turns.of(&record.owner).await;
        let key = (record.owner.clone(), record.value.clone());
        let known = self.etags.known(&key, self.api.clock().now()).filter(|etag| !etag.is_empty());
        self.etags.forget(&key);
        if let Some(etag) = known {
            match existing(self.api.send_with(&what, IF_MATCH, &etag, Method::DELETE, &path, None).await) {
                // Others wrote there since.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                outcome => return outcome.map(drop),
            }
        }
        let Some(mut set) = self.set(&what, &path).await? else {
            return self.api.is_gone(&what, &format!("{}/{}", self.group, self.kind.zone(self.zone_of(record)?))).await;
        };
        if !set.holds(&record.value) {
            return Ok(());
        }
        set.remove(&record.value);
        if !set.is_empty() {
            return self.put(&what, &path, &set).await.map(drop);
        }
        let (header, value) = set.guard();
        existing(self.api.send_with(&what, header, value, Method::DELETE, &path, None).await).map(drop)
    }

    fn zones(&self) -> Zones<'_> {
        if self.zone.is_some() { Zones::Unneeded } else { Zones::BySoa }
    }
}

impl fmt::Debug for AzureDns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureDns").field("api", &self.api).field("zone", &self.zone).finish_non_exhaustive()
    }
}

fn fault(answer: &Response<Bytes>) -> Option<Fault> {
    let by_status = Fault::by_status(answer, "")?;
    let told = Complaint::of(answer);
    let (meaning, advice) = match answer.status().as_u16() {
        401 => (Meaning::Credentials, "is the identity one of this cloud and tenant?"),
        403 => (
            Meaning::Denied,
            "give the identity the role DNS Zone Contributor, or its private counterpart, on the zone",
        ),
        404 => (Meaning::Missing, "is the zone in this subscription and resource group?"),
        409 | 412 => (Meaning::Conflict, ""),
        400 | 422 => (Meaning::Refused, ""),
        _ => (by_status.meaning(), ""),
    };
    Some(told.into_fault(&by_status, meaning).advising(advice))
}

const SERVICE: Service = Service { name: "Azure DNS", fault };
