//! `dns-persist-01` (draft-ietf-acme-dns-persist-02, and -01 where the server speaks that): a TXT record at `_validation-persist` that stays.
//!
//! [`DnsPersist01`] looks first and writes only where no record suffices, so that a renewal changes nothing in the DNS and needs no right to. The record
//! names the certificate authority and the account: whoever holds the account's key may have certificates for the name for as long as it stands.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::protocol::{ChallengeType, PersistentProof, PersistentScope};
use acme_core::{DnsName, Timestamp};
use async_trait::async_trait;

use crate::dns01::{DnsProvider, Propagation, Resolver, Settings, TxtRecord, choices};
use crate::{Error, ErrorKind, Presentation, Readiness, Retry, Solver, limits};

/// Answers `dns-persist-01` by a record that is found, or written once through a [`DnsProvider`].
///
/// [`clean_up`](Solver::clean_up) leaves the record; [`remove`](Self::remove) takes it away for good.
#[derive(Clone)]
pub struct DnsPersist01 {
    provider: Option<Arc<dyn DnsProvider>>,
    settings: Settings,
    scope: PersistentScope,
    until: Option<Timestamp>,
}

impl DnsPersist01 {
    /// A solver that writes through `provider` what it does not find, and asks through `resolver`.
    pub fn new(provider: impl DnsProvider + 'static, resolver: Resolver) -> Self {
        Self::shared(Arc::new(provider), resolver)
    }

    /// A solver over a provider that others use too; see [`new`](Self::new).
    pub fn shared(provider: Arc<dyn DnsProvider>, resolver: Resolver) -> Self {
        Self { provider: Some(provider), ..Self::published_elsewhere(resolver) }
    }

    /// A solver that writes nothing: somebody else publishes the records, and the error says which where one is missing.
    pub fn published_elsewhere(resolver: Resolver) -> Self {
        Self {
            provider: None,
            settings: Settings::usual(resolver, Duration::from_secs(3600)),
            scope: PersistentScope::Name,
            until: None,
        }
    }

    /// Writes every record with `policy=wildcard`, so that a name and its wildcard share one. Otherwise only the wildcard's has it.
    #[must_use]
    pub fn covering_wildcards(mut self) -> Self {
        self.scope = PersistentScope::Wildcard;
        self
    }

    /// Writes records that hold until `until` (`persistUntil`); without it they hold until somebody removes them.
    #[must_use]
    pub fn until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// Looks at the resolver's recursive servers and no others, where a zone's own cannot be reached.
    #[must_use]
    pub fn asking_recursive_servers(mut self) -> Self {
        self.settings.propagation = Propagation::Resolver;
        self
    }

    choices!("an hour");

    /// The record that is written where none suffices, as `owner` and value: for who publishes it by hand, ahead of the first order.
    ///
    /// # Errors
    /// `Unsupported` for what is no DNS name.
    pub fn record(&self, presentation: &Presentation) -> Result<TxtRecord, Error> {
        let asked = Asked::read(presentation)?;
        let value = asked.proof.value(self.scope_for(presentation), self.until);
        Ok(TxtRecord::new(asked.owner, value, asked.name).with_ttl(self.settings.ttl))
    }

    /// Takes the record away that [`present`](Solver::present) writes for `presentation`: the name is not to be proven by it any more.
    ///
    /// # Errors
    /// As the provider answers; `Unsupported` where somebody else publishes the records.
    pub async fn remove(&self, presentation: &Presentation) -> Result<(), Error> {
        let record = self.record(presentation)?;
        let Some(provider) = &self.provider else {
            let what = format!("the record at {} is published elsewhere, and is to be removed there", record.owner);
            return Err(Error::new(ErrorKind::Unsupported, what));
        };
        provider.remove_txt(&self.settings.placed(provider.as_ref(), record, presentation.is_first).await?).await
    }

    /// What the servers that count lack of a record that suffices, if anything.
    async fn missing(&self, presentation: &Presentation) -> Result<Option<String>, Error> {
        let asked = Asked::read(presentation)?;
        let scope = if presentation.wildcard { PersistentScope::Wildcard } else { PersistentScope::Name };
        // What ends before the server looks is as good as gone.
        let then = self.settings.resolver.clock().now() + limits::PERSISTENT_MARGIN;
        let suffices =
            |text: &[u8]| std::str::from_utf8(text).is_ok_and(|text| asked.proof.is_met_by(text, scope, then));
        self.settings.missing(&asked.owner, &suffices).await
    }

    fn scope_for(&self, presentation: &Presentation) -> PersistentScope {
        if presentation.wildcard { PersistentScope::Wildcard } else { self.scope }
    }
}

#[async_trait]
impl Solver for DnsPersist01 {
    fn challenge(&self) -> ChallengeType {
        ChallengeType::DnsPersist01
    }

    async fn present(&self, presentation: &Presentation) -> Result<(), Error> {
        let record = self.record(presentation)?;
        let Some(missing) = self.missing(presentation).await? else {
            tracing::debug!(owner = %record.owner, "a record that stays is there already");
            return Ok(());
        };
        let (owner, value) = (&record.owner, &record.value);
        let now = self.settings.resolver.clock().now();
        if let Some(until) = self.until.filter(|it| it.is_due(now + limits::PERSISTENT_MARGIN)) {
            let what = format!("a record at {owner} would hold until {until} only: say a later time");
            return Err(Error::new(ErrorKind::Refused, what).with_retry(Retry::Never));
        }
        let Some(provider) = &self.provider else {
            let what = format!("{missing}: publish the TXT record {value:?} at {owner}, and leave it there");
            return Err(Error::new(ErrorKind::NotFound, what).with_retry(Retry::Backoff));
        };
        if value.len() > limits::TXT_STRING {
            let what = format!(
                "the record at {owner} would have {} bytes, and providers write one string of up to {}: publish the TXT record {value:?} by hand, in several strings, and leave it there",
                value.len(),
                limits::TXT_STRING
            );
            return Err(Error::new(ErrorKind::Unsupported, what));
        }
        tracing::debug!(%owner, "adding a TXT record that stays");
        provider.add_txt(&self.settings.placed(provider.as_ref(), record, presentation.is_first).await?).await
    }

    async fn check(&self, presentation: &Presentation) -> Result<Readiness, Error> {
        Ok(self.settings.readiness(self.missing(presentation).await?))
    }

    async fn clean_up(&self, presentation: &Presentation) -> Result<(), Error> {
        presentation.require(&ChallengeType::DnsPersist01)
    }
}

impl fmt::Debug for DnsPersist01 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DnsPersist01")
            .field("writes", &self.provider.is_some())
            .field("scope", &self.scope)
            .field("until", &self.until)
            .field("resolver", &self.settings.resolver)
            .finish_non_exhaustive()
    }
}

/// A presentation, read.
struct Asked<'a> {
    proof: &'a PersistentProof,
    name: DnsName,
    owner: DnsName,
}

impl<'a> Asked<'a> {
    fn read(presentation: &'a Presentation) -> Result<Self, Error> {
        presentation.require(&ChallengeType::DnsPersist01)?;
        let Some(name) = presentation.identifier.dns().map(DnsName::base) else {
            let what =
                format!("{} cannot be proven by dns-persist-01: that is for DNS names alone", presentation.identifier);
            return Err(Error::new(ErrorKind::Unsupported, what));
        };
        let owner = DnsName::parse(&format!("_validation-persist.{name}"))
            .map_err(|error| error.while_doing(format_args!("the name of the record that proves {name}")))?;
        Ok(Self { proof: presentation.persistent()?, name, owner })
    }
}
