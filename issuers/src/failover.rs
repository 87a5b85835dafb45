//! Several issuers as one: where the first cannot, the next one does.
//!
//! What counts as "cannot", and for how long an issuer rests after it, is [`Policy`]. Nothing is asked of two issuers at once: the next one
//! begins only when the attempt at the one before has ended and has cleaned up after itself.

mod attempt;
mod health;
mod issued_by;
mod policy;

use std::fmt;
use std::sync::Arc;

use acme_core::{Clock, Error, ErrorKind, Identifier, Key, Retry, Store, hash, text};
use async_trait::async_trait;

use attempt::{Attempt, Under};
use health::Health;

use crate::{CertificateRequest, Issued, Issuer, IssuerId, Progress, Renewal, Revoke, Step, chain, csr, limits};

pub use health::Rest;
pub use policy::Policy;

/// An ordered list of issuers that stands as one.
///
/// A request goes to the first issuer that is not at rest, and stays there until it has a certificate or an error, also across restarts.
/// An error that is the issuer's fault leads on to the next one; an error that is the request's fault ends the attempt. Give it to a keeper
/// or to [`drive`](crate::drive) like any other issuer.
///
/// An issuer that is patient by itself keeps its requests for so long: an ACME issuer tries for hours to get an order made. Give those that
/// have somebody behind them less patience (`acme::Builder::patience`).
///
/// Renewal information and revocation go to the issuer that issued the certificate, which is known by its authority key identifier; where
/// that is not known (any more), each issuer is asked in turn.
pub struct Failover {
    id: IssuerId,
    issuers: Vec<Arc<dyn Issuer>>,
    clock: Arc<dyn Clock>,
    policy: Policy,
    health: Health,
}

impl Failover {
    /// `issuers` as one issuer called `id`, the preferred one first.
    ///
    /// # Errors
    /// `Malformed` when there is none, or when two have the same id.
    pub fn new(
        id: impl Into<String>,
        issuers: impl IntoIterator<Item = Arc<dyn Issuer>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let id = IssuerId::new(id);
        let issuers: Vec<Arc<dyn Issuer>> = issuers.into_iter().collect();
        if issuers.is_empty() {
            return Err(Error::new(ErrorKind::Malformed, format!("the issuer {id} stands for no issuers: name one")));
        }
        for (at, issuer) in issuers.iter().enumerate() {
            if issuers.iter().take(at).any(|it| it.id() == issuer.id()) {
                let twice = issuer.id();
                return Err(Error::new(
                    ErrorKind::Malformed,
                    format!("two issuers behind {id} are called {twice}: give each a name of its own"),
                ));
            }
        }
        Ok(Self { id, issuers, clock, policy: Policy::default(), health: Health::in_memory() })
    }

    /// Replaces the policy.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Keeps in `store`, under `prefix`, which issuers are at rest and who issued what: a restart forgets nothing, and a fleet learns together.
    ///
    /// # Errors
    /// `Malformed` when `prefix` is no [`Key`].
    pub fn remembering(mut self, store: Arc<dyn Store>, prefix: &str) -> Result<Self, Error> {
        let key = Key::new(format!("{prefix}/{}", Key::segment(self.id.as_str())))?;
        self.health = Health::kept_in(store, key);
        Ok(self)
    }

    /// The issuers at rest, as far as this process knows.
    pub fn resting(&self) -> Vec<Rest> {
        self.health.resting(self.clock.now())
    }

    fn find(&self, id: &IssuerId) -> Option<&Arc<dyn Issuer>> {
        self.issuers.iter().find(|it| it.id() == id)
    }

    /// Whom to ask next: the first that has not failed in this attempt and is not at rest.
    fn choose(&self, attempt: &Attempt, names: &str) -> Option<&Arc<dyn Issuer>> {
        let now = self.clock.now();
        self.issuers.iter().find(|it| !attempt.has_passed(it.id()) && self.health.rest(it.id(), names, now).is_none())
    }

    /// Ends an attempt for which `failures` were all that came of it.
    fn nobody(&self, names: &str, failures: Vec<(IssuerId, Error)>) -> Error {
        let now = self.clock.now();
        let rests: Vec<Rest> = self.issuers.iter().filter_map(|it| self.health.rest(it.id(), names, now)).collect();
        let mut reasons = Vec::new();
        for issuer in &self.issuers {
            let id = issuer.id();
            let fresh = failures.iter().find(|(it, _)| it == id).map(|(_, error)| error.to_string());
            let kept = || rests.iter().find(|it| it.issuer == *id).map(|it| it.because.clone());
            if let Some(why) = fresh.or_else(kept) {
                reasons.push(format!("{id}: {}", text::printable(&why, limits::REST_TEXT)));
            }
        }
        let what = format!("none of the issuers behind {} could: {}", self.id, reasons.join("; "));
        let is_hopeless = |id: &IssuerId| failures.iter().any(|(it, error)| it == id && error.retry() == Retry::Never);
        let hopeful = rests.iter().filter(|it| !is_hopeless(&it.issuer));
        let earliest = hopeful.map(|it| it.until.since(now)).min();
        let last = failures.into_iter().last().map(|(_, error)| error);
        let kind = last.as_ref().map_or(ErrorKind::Busy, Error::kind);
        let retry = earliest.map_or(last.as_ref().map_or(Retry::Backoff, Error::retry), Retry::After);
        let error = Error::new(kind, what).with_retry(retry);
        match last {
            Some(last) => error.with_source(last),
            None => error,
        }
    }

    /// A refusal ends the attempt. It is final only when no issuer that is preferred to this one is yet to be heard.
    fn refused(&self, error: Error, by: &IssuerId, names: &str) -> Error {
        let now = self.clock.now();
        let preferred = self.issuers.iter().take_while(|it| it.id() != by);
        let unheard = preferred.filter_map(|it| self.health.rest(it.id(), names, now)).map(|it| it.until.since(now));
        match unheard.min() {
            Some(wait) if error.retry() == Retry::Never => error.with_retry(Retry::After(wait)),
            _ => error,
        }
    }

    async fn issued(&self, by: &IssuerId, names: &str, issued: &Issued) {
        let leaf = issued.chain.leaf().and_then(|leaf| chain::Leaf::read(leaf).ok());
        let authority = leaf.and_then(|leaf| leaf.id).and_then(|id| issued_by::authority(&id));
        self.health.succeeded(by, names, authority, self.clock.now()).await;
    }
}

#[async_trait]
impl Issuer for Failover {
    fn id(&self) -> &IssuerId {
        &self.id
    }

    async fn issue(&self, request: &CertificateRequest<'_>, progress: &mut dyn Progress) -> Result<Step, Error> {
        csr::read(request.csr)?;
        let names = names(request.identifiers);
        let mut attempt = match progress.state() {
            Some(bytes) => Attempt::decode(bytes)?,
            None => Attempt::default(),
        };
        attempt.retain(|id| self.find(id).is_some());
        if self.issuers.iter().all(|it| attempt.has_passed(it.id())) {
            // It ended, and a crash kept that from being told.
            attempt = Attempt::default();
        }
        self.health.refresh(self.clock.now()).await;
        let mut failures = Vec::new();
        loop {
            let under_way = attempt.at().and_then(|id| self.find(id));
            let Some(issuer) = under_way.or_else(|| self.choose(&attempt, &names)) else {
                return Err(self.nobody(&names, failures));
            };
            let id = issuer.id();
            let asked = self.health.only_own_predecessor(request, id);
            attempt.go_to(id);
            let mut under = Under::new(progress, &mut attempt);
            let error = match issuer.issue(&asked, &mut under).await {
                Ok(Step::Issued(issued)) => {
                    self.issued(id, &names, &issued).await;
                    return Ok(Step::Issued(issued));
                }
                Ok(not_yet) => return Ok(not_yet),
                Err(error) => error,
            };
            // The record's trouble is nobody's fault out there.
            if under.is_unsaved() {
                return Err(error);
            }
            let verdict = self.policy.verdict(&error, attempt.is_saved());
            let elsewhere = self.health.failed(&self.policy, id, &names, verdict, &error, self.clock.now()).await;
            if !elsewhere {
                return Err(self.refused(error, id, &names));
            }
            tracing::warn!(issuer = %self.id, failed = %id, %error, "going on with the next issuer");
            failures.push((id.clone(), error));
            attempt.pass(id);
            // The state of an attempt that ended is void: nobody may go on from it.
            if progress.state().is_some() {
                progress.save(&attempt.encode()?).await?;
            }
        }
    }

    fn renewal_info(&self) -> Option<&dyn Renewal> {
        self.issuers.iter().any(|it| it.renewal_info().is_some()).then_some(self as &dyn Renewal)
    }

    fn revoke(&self) -> Option<&dyn Revoke> {
        self.issuers.iter().any(|it| it.revoke().is_some()).then_some(self as &dyn Revoke)
    }
}

impl fmt::Debug for Failover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers: Vec<&IssuerId> = self.issuers.iter().map(|it| it.id()).collect();
        f.debug_struct("Failover").field("id", &self.id).field("issuers", &issuers).finish_non_exhaustive()
    }
}

/// A set of names, in few letters: what a limit on exactly these is bound to.
fn names(identifiers: &[Identifier]) -> String {
    let mut sorted: Vec<String> = identifiers.iter().map(ToString::to_string).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let hash = hash::sha256(sorted.join("\n").as_bytes());
    hash[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
