//! The port to whoever writes TXT records: a DNS service, a name server, a script.

use std::time::Duration;

use acme_core::DnsName;
use acme_core::protocol::KeyAuthorization;
use async_trait::async_trait;

use crate::{Error, ErrorKind, Readiness, Retry};

/// Adds and removes single TXT values.
///
/// Wrap it in a [`Dns01`](super::Dns01), which finds the owner and the zone. Implementers prove theirs with the suite
/// `conformance::dns_provider` of `certwright-testkit`.
///
/// # Contract
/// 1. `add_txt` is additive: other values at the same owner stay, whoever wrote them. An apex and its wildcard share an owner.
/// 2. `add_txt` of a value that is there already succeeds, and it stays there once. A record that says that its owner is [vacant](TxtRecord::vacancy) may be believed.
/// 3. `remove_txt` removes exactly its value; other values at the owner stay.
/// 4. `remove_txt` of a value that is not there succeeds, and so does one at an owner that is not there.
/// 5. Nothing is remembered between calls: another value made from the same configuration, in another process, can remove.
/// 6. After an `add_txt` that succeeded the value is served, now or soon. A service that takes a change and ignores it is an error here.
/// 7. Both answer within bounded time; neither waits until name servers show the change, and neither retries.
/// 8. Both may be called at the same time by any number of callers, also for values at one owner, and no value is lost.
/// 9. `zones` and `wants_vacancy` never change during the life of the value.
/// 10. `settled` is one look. It becomes and stays `Ready` after an `add_txt` that succeeded, and is `Ready` for a value it knows nothing of.
#[async_trait]
pub trait DnsProvider: Send + Sync {
    /// Adds one TXT value.
    async fn add_txt(&self, record: &TxtRecord) -> Result<(), Error>;

    /// Removes one TXT value.
    async fn remove_txt(&self, record: &TxtRecord) -> Result<(), Error>;

    /// Whether the service itself says that it has put `value`, which was added, on all its name servers: asked before any name server is. `Ready` for a
    /// service that says nothing of that kind, and where another process added the value.
    async fn settled(&self, value: &str) -> Result<Readiness, Error> {
        let _ = value;
        Ok(Readiness::Ready)
    }

    /// Whether [`TxtRecord::vacancy`] is of use: to a service that takes a value twice it saves a look. Else it is `Unknown`, and costs the name servers no question.
    fn wants_vacancy(&self) -> bool {
        false
    }

    /// How the zone of a record is found for this provider.
    fn zones(&self) -> Zones<'_> {
        Zones::BySoa
    }
}

/// How the zone of a record is found.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_enums, reason = "the solver must obey every variant")]
pub enum Zones<'a> {
    /// By asking the DNS for the SOA record; [`TxtRecord::zone`] is set.
    BySoa,
    /// Not at all; [`TxtRecord::zone`] is `None`.
    Unneeded,
    /// By the service's own list, of which the longest zone that holds the owner is taken; [`TxtRecord::zone`] is set.
    Listed(&'a dyn ZoneIndex),
}

/// A service's list of zones.
#[async_trait]
pub trait ZoneIndex: Send + Sync {
    /// The zones that may hold `owner`, in any order; others may be among them.
    async fn zones(&self, owner: &DnsName) -> Result<Vec<Zone>, Error>;
}

/// A zone, by its name and, where a service has one, by its identifier there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Zone {
    /// The apex.
    pub name: DnsName,
    /// What the service calls it.
    pub id: Option<String>,
}

impl Zone {
    /// A zone without an identifier.
    pub fn new(name: DnsName) -> Self {
        Self { name, id: None }
    }

    /// Sets the service's identifier.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Whether `name` is the apex or lies below it.
    pub fn holds(&self, name: &DnsName) -> bool {
        super::zone::holds(&self.name, name)
    }
}

/// One TXT value at one owner.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TxtRecord {
    /// Where the record belongs, after delegation.
    pub owner: DnsName,
    /// The value: one string, unquoted; 43 characters of base64url for DNS-01, a line of text with spaces and semicolons for dns-persist-01.
    pub value: String,
    /// How long others may cache it.
    pub ttl: Duration,
    /// The name that is validated, before delegation and without `*.`.
    pub identifier: DnsName,
    /// The zone that holds the owner, where the provider asked for it with [`DnsProvider::zones`].
    pub zone: Option<Zone>,
    /// Whether anything is known to stand at the owner: where nothing does, nothing need be looked for before the value is added.
    pub vacancy: Vacancy,
    /// What the value is made of, for providers that pass it on; `None` where the value alone was kept.
    pub key_authorization: Option<KeyAuthorization>,
}

impl TxtRecord {
    /// A record with a TTL of 60 seconds and no zone.
    pub fn new(owner: DnsName, value: impl Into<String>, identifier: DnsName) -> Self {
        Self {
            owner,
            value: value.into(),
            ttl: Duration::from_secs(60),
            identifier,
            zone: None,
            vacancy: Vacancy::Unknown,
            key_authorization: None,
        }
    }

    /// Sets the TTL.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// Sets the zone.
    #[must_use]
    pub fn with_zone(mut self, zone: Zone) -> Self {
        self.zone = Some(zone);
        self
    }

    /// Says what stands at the owner.
    #[must_use]
    pub fn with_vacancy(mut self, vacancy: Vacancy) -> Self {
        self.vacancy = vacancy;
        self
    }

    /// Sets the key authorization.
    #[must_use]
    pub fn with_key_authorization(mut self, key_authorization: KeyAuthorization) -> Self {
        self.key_authorization = Some(key_authorization);
        self
    }

    /// The key authorization, for providers that cannot do without.
    ///
    /// # Errors
    /// `Unsupported` where the value alone was kept.
    pub fn needed_key_authorization(&self) -> Result<&KeyAuthorization, Error> {
        self.key_authorization.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                format!("of the record at {} the value alone is known, and this provider passes the key authorization on; let it pass the value", self.owner),
            )
        })
    }

    /// The owner's labels in front of `zone`; `None` at its apex.
    ///
    /// # Errors
    /// `Refused` when the owner lies elsewhere.
    pub fn relative_to(&self, zone: &DnsName) -> Result<Option<&str>, Error> {
        if !super::zone::holds(zone, &self.owner) {
            let what = format!("{} does not lie in the zone {zone}, to which this provider writes", self.owner);
            return Err(Error::new(ErrorKind::Refused, what).with_retry(Retry::Never));
        }
        let labels = self.owner.as_str().strip_suffix(zone.as_str()).unwrap_or_default().trim_end_matches('.');
        Ok(Some(labels).filter(|it| !it.is_empty()))
    }

    /// The zone, for providers that cannot do without.
    ///
    /// # Errors
    /// `Internal` when the caller did not find one although [`DnsProvider::zones`] asked for it.
    pub fn needed_zone(&self) -> Result<&Zone, Error> {
        self.zone
            .as_ref()
            .ok_or_else(|| Error::new(ErrorKind::Internal, format!("no zone was looked up for {}", self.owner)))
    }
}

/// What the zone's own name servers showed at the owner of a record, just before it is written for the [first](crate::Presentation::is_first) time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "complete: nothing else can be known")]
pub enum Vacancy {
    /// Something, or they were not asked, or a process that died may have written what they do not show yet.
    #[default]
    Unknown,
    /// No TXT record, and nobody but this process can have written the value. What it wrote in the seconds before they may not show yet; it remembers that.
    Vacant,
}

/// The longest of `zones` that holds `owner`.
pub(super) fn longest(zones: Vec<Zone>, owner: &DnsName) -> Result<Zone, Error> {
    zones.into_iter().filter(|zone| zone.holds(owner)).max_by_key(|zone| zone.name.as_str().len()).ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            format!(
                "the DNS service lists no zone that holds {owner}: check the account and what its credentials may see"
            ),
        )
    })
}
