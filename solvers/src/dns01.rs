//! DNS-01 (RFC 8555 section 8.4): a TXT record below `_acme-challenge`, over any [`DnsProvider`].
//!
//! [`Dns01`] is the solver. It finds the record's place (delegation by CNAME, zones by SOA), lets a provider write it, and looks
//! whether the name servers show it. All network access goes through one [`Resolver`].

mod answer;
mod authority;
mod delegation;
mod exchange;
mod lookup;
mod name_server;
mod place;
mod propagation;
mod provider;
mod resolver;
mod settings;
mod waits;
mod zone;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::DnsName;
use acme_core::protocol::{ChallengeType, KeyAuthorization, Url};
use async_trait::async_trait;

pub use delegation::{Chain, Delegation};
pub(crate) use exchange::{Transports, exchange, numbered};
pub use name_server::NameServer;
pub(crate) use place::Place;
pub use propagation::Propagation;
pub use provider::{DnsProvider, TxtRecord, Vacancy, Zone, ZoneIndex, Zones};
#[cfg(feature = "rfc2136")]
pub(crate) use resolver::Recursion;
pub use resolver::Resolver;
pub(crate) use settings::{Settings, choices};

use self::waits::Waits;

use crate::{Error, ErrorKind, Presentation, Readiness, Solver};

/// Answers DNS-01 (or dns-account-01) through a [`DnsProvider`].
///
/// By default the record is written at the end of a CNAME delegation, if there is one, and is looked for at all authoritative
/// name servers. Change that with [`with_delegation`](Self::with_delegation) and [`with_propagation`](Self::with_propagation).
#[derive(Clone)]
pub struct Dns01 {
    provider: Arc<dyn DnsProvider>,
    settings: Settings,
    challenge: ChallengeType,
    value: Option<String>,
    waits: Arc<Waits>,
}

impl Dns01 {
    /// A solver for `dns-01` that writes through `provider` and asks through `resolver`.
    pub fn new(provider: impl DnsProvider + 'static, resolver: Resolver) -> Self {
        Self::shared(Arc::new(provider), resolver)
    }

    /// A solver for `dns-01` over a provider that others use too; see [`new`](Self::new).
    pub fn shared(provider: Arc<dyn DnsProvider>, resolver: Resolver) -> Self {
        Self {
            provider,
            settings: Settings::usual(resolver, Duration::from_secs(60)),
            challenge: ChallengeType::Dns01,
            value: None,
            waits: Arc::default(),
        }
    }

    /// Answers `dns-account-01` instead: the same record below a label of the account's own ([`account_label`]), so that several
    /// accounts can be delegated side by side.
    #[must_use]
    pub fn for_account_label(mut self) -> Self {
        self.challenge = ChallengeType::DnsAccount01;
        self
    }

    /// The value of the record, where it is known already, instead of the one that the key authorization makes: for who kept the value alone, as
    /// cert-manager's Challenges do, and has to take the record away after the account is gone.
    #[must_use]
    pub fn with_value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// Which servers must show the record before the certificate authority is asked to look.
    #[must_use]
    pub fn with_propagation(mut self, propagation: Propagation) -> Self {
        self.settings.propagation = propagation;
        self
    }

    choices!("60 seconds");

    async fn record(&self, presentation: &Presentation) -> Result<TxtRecord, Error> {
        let (owner, identifier) = self.owner(presentation)?;
        let mut record = TxtRecord::new(owner, self.value_for(presentation)?, identifier);
        if self.value.is_none() {
            record = record.with_key_authorization(presentation.key_authorization()?.clone());
        }
        self.settings.placed(self.provider.as_ref(), record, presentation.is_first).await
    }

    fn value_for(&self, presentation: &Presentation) -> Result<String, Error> {
        match &self.value {
            Some(value) => Ok(value.clone()),
            None => presentation.key_authorization().map(KeyAuthorization::dns_value),
        }
    }

    fn owner(&self, presentation: &Presentation) -> Result<(DnsName, DnsName), Error> {
        presentation.require(&self.challenge)?;
        let Some(name) = presentation.identifier.dns().map(DnsName::base) else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "{} cannot be proven by {}: that is for DNS names alone; use http-01 or tls-alpn-01",
                    presentation.identifier, self.challenge
                ),
            ));
        };
        let label = if self.challenge == ChallengeType::DnsAccount01 {
            format!("{}.", account_label(&presentation.account))
        } else {
            String::new()
        };
        let owner = DnsName::parse(&format!("{label}_acme-challenge.{name}"))
            .map_err(|error| error.while_doing(format_args!("the name of the challenge record for {name}")))?;
        Ok((owner, name))
    }
}

#[async_trait]
impl Solver for Dns01 {
    fn challenge(&self) -> ChallengeType {
        self.challenge.clone()
    }

    async fn present(&self, presentation: &Presentation) -> Result<(), Error> {
        let record = self.record(presentation).await?;
        tracing::debug!(owner = %record.owner, "adding a TXT record");
        self.provider.add_txt(&record).await?;
        if matches!(self.settings.propagation, Propagation::After(_)) {
            self.waits.begin(&record.value, self.settings.resolver.clock().now());
        }
        Ok(())
    }

    async fn check(&self, presentation: &Presentation) -> Result<Readiness, Error> {
        let (owner, _) = self.owner(presentation)?;
        let value = self.value_for(presentation)?;
        if let pending @ Readiness::NotYet { .. } = self.provider.settled(&value).await? {
            return Ok(pending);
        }
        if let Propagation::After(delay) = self.settings.propagation {
            return Ok(self.waits.look(&value, delay, self.settings.resolver.clock().now()));
        }
        let missing = self.settings.missing(&owner, &|text| text == value.as_bytes()).await?;
        Ok(self.settings.readiness(missing))
    }

    async fn clean_up(&self, presentation: &Presentation) -> Result<(), Error> {
        let record = self.record(presentation).await?;
        tracing::debug!(owner = %record.owner, "removing a TXT record");
        self.provider.remove_txt(&record).await?;
        self.waits.end(&record.value);
        Ok(())
    }
}

impl fmt::Debug for Dns01 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dns01")
            .field("challenge", &self.challenge)
            .field("delegation", &self.settings.delegation)
            .field("propagation", &self.settings.propagation)
            .field("resolver", &self.settings.resolver)
            .finish_non_exhaustive()
    }
}

/// The first label of dns-account-01's record (draft-ietf-acme-dns-account-label section 3.2): `_` and, in base32, the first ten bytes of
/// the SHA-256 of the account's URL. The record's owner is this label in front of `_acme-challenge` and the name.
pub fn account_label(account: &Url) -> String {
    let hash = acme_core::hash::sha256(account.as_str().as_bytes());
    let mut label = String::with_capacity(17);
    label.push('_');
    for five in hash[..10].chunks(5) {
        let bits = five.iter().fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
        for at in (0..8).rev() {
            let index = usize::try_from((bits >> (at * 5)) & 31).unwrap_or(0);
            label.push(char::from(BASE32[index]));
        }
    }
    label
}

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_of_an_account_is_that_of_the_draft() {
        let account = Url::parse("https://example.com/acme/acct/ExampleAccount").unwrap();
        assert_eq!(account_label(&account), "_ujmmovf2vn55tgye");
    }
}
