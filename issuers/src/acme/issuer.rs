//! The issuer: an account, solvers, and the loop around an issuance.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::client::{Alternates, Call, Chain, Needs, Reply};
use acme_core::directory::Revoker;
use acme_core::flow::{Fault, Issuance, IssuancePlan, Pace as Patience, Waiting};
use acme_core::protocol::{DirectoryObject, NewOrder, RevocationReason, Url};
use acme_core::{Client, Clock, Directory, Error, ErrorKind, Retry, Timestamp};
use async_trait::async_trait;
use rustls_pki_types::CertificateDer;
use solvers::Solvers;

use super::account::{Account, Readiness};
use super::action::Hands;
use super::builder::Builder;
use super::issuance::{self, Reached, Start};
use super::pace::{Pace, Paced, Sending};
use super::preflight::{self, Dates, Profiles};
use super::renewal_info::RenewalQuestions;
use crate::{CertificateRequest, Issued, Issuer, IssuerId, Progress, Renewal, Revoke, Step, chain, csr};

/// Certificates from an ACME server.
///
/// Make one with [`AcmeIssuer::builder`]; hand it to a keeper, or to [`drive`](crate::drive). It never sleeps: what has to wait is
/// [`Step::NotYet`], with the state saved.
///
/// # Examples
/// With a certificate authority in the process, and time that is moved by hand:
///
/// ```
/// use std::sync::Arc;
///
/// use acme_core::protocol::Registration;
/// use acme_core::{Directory, Identifier, KeyType, PrivateKey};
/// use certwright_issuers::acme::{AccountSettings, AcmeIssuer};
/// use certwright_issuers::{CertificateRequest, InMemory, csr, drive};
/// use solvers::{Answers, Http01, Selector, Solvers};
/// use testkit::ca::{ModelCa, Settings};
/// use testkit::{DurableStore, VirtualClock};
///
/// # fn main() -> Result<(), certwright_issuers::Error> {
/// let (clock, ca) = (VirtualClock::new(), ModelCa::new(Settings::default()));
/// let transport = Arc::new(ca.transport(&clock));
/// let directory = Directory::new(ca.directory_url(), transport, Arc::new(clock.clone()));
/// let solvers = Solvers::new().with("http", Http01::new(Answers::new()), Selector::any());
/// let settings = AccountSettings::new(Registration::agreeing_to_terms().with_email("ops@example.com"));
/// let issuer = AcmeIssuer::builder("model", directory, solvers, Arc::new(clock.clone()))
///     .account(Arc::new(DurableStore::new()), settings)
///     .build()?;
///
/// let key = PrivateKey::generate(KeyType::EcdsaP256)?; // store it before you order
/// let names = [Identifier::parse("example.com")?];
/// let issued = testkit::run(&clock, async {
///     let request = csr::create(&key, &names).await?;
///     drive(&issuer, &CertificateRequest::new(&request, &names), &mut InMemory::new(), &clock).await
/// })?;
/// assert_eq!(issued.chain.certificates().len(), 2);
/// # Ok(())
/// # }
/// ```
pub struct AcmeIssuer {
    pub(super) id: IssuerId,
    pub(super) directory: Directory,
    pub(super) ordering: Ordering,
    pub(super) solvers: Solvers,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) pace: Arc<Pace>,
    pub(super) renewals: RenewalQuestions,
    pub(super) preferred_chain: Option<String>,
    pub(super) profiles: Profiles,
    pub(super) dates: Dates,
    pub(super) patience: Patience,
}

/// Who makes the calls.
pub(super) enum Ordering {
    /// An account that we look after.
    Own(Box<Account>),
    /// A client that was given.
    Given(Paced<Shared>),
}

/// A client that others use too.
pub(super) struct Shared(pub(super) Arc<dyn Client>);

impl AcmeIssuer {
    /// An issuer called `id` for the certificate authority at `directory`, which proves names with `solvers`. Give it an
    /// [`account`](Builder::account) and [`build`](Builder::build) it.
    pub fn builder(id: impl Into<String>, directory: Directory, solvers: Solvers, clock: Arc<dyn Clock>) -> Builder {
        Builder::new(IssuerId::new(id), directory, solvers, clock)
    }

    /// The certificate authority.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The account, where this issuer looks after one itself.
    pub fn account(&self) -> Option<&Account> {
        match &self.ordering {
            Ordering::Own(account) => Some(account),
            Ordering::Given(_) => None,
        }
    }

    /// The pauses that the certificate authority asked for.
    pub fn pace(&self) -> &Arc<Pace> {
        &self.pace
    }

    /// The directory as the server shows it, and two clocks that agree.
    async fn look(&self) -> Result<Arc<DirectoryObject>, Error> {
        let object = self.pace.guard(Sending::Directory, self.directory.object()).await?;
        match self.directory.clock_fault() {
            Some(fault) => Err(fault),
            None => Ok(object),
        }
    }

    async fn begin(&self, request: &CertificateRequest<'_>) -> Result<Issuance, Error> {
        preflight::check_request(request, &self.solvers)?;
        let directory = self.look().await?;
        let profile = self.profiles.choose(request, &directory, self.directory.url())?;
        preflight::check_known(&self.directory, request, profile.as_deref(), self.dates)?;
        let now = self.clock.now();
        let mut order = NewOrder::new(request.identifiers.iter().cloned());
        if self.dates == Dates::Asked {
            order.not_after = request.duration.map(|duration| now + duration);
        }
        order.profile = profile;
        // RFC 9773 section 5: only where the server offers renewal information. Never fatal.
        let has_replaces = directory.renewal_info.is_some() && self.can(Needs::REPLACES);
        order.replaces = request.replaces.clone().filter(|_| has_replaces);
        if order.profile.is_some() && !self.can(Needs::PROFILE) {
            return Err(Error::new(ErrorKind::Unsupported, "the ACME client behind this issuer lacks profiles"));
        }
        let mut plan = IssuancePlan::new(order);
        plan.pace = self.patience;
        if self.preferred_chain.is_some() {
            plan.alternates = Alternates::Fetch;
        }
        Ok(Issuance::new(plan, now))
    }

    fn can(&self, needs: Needs) -> bool {
        match &self.ordering {
            Ordering::Own(_) => true,
            Ordering::Given(client) => client.lacks(needs).is_none(),
        }
    }

    /// The client to order with, or when to ask for it again.
    async fn open(&self) -> Result<Opened<'_>, Error> {
        match &self.ordering {
            Ordering::Given(client) => Ok(Opened::Ready(Handle::Given(client))),
            Ordering::Own(account) => Ok(match account.open().await? {
                Readiness::Ready(session) => Opened::Ready(Handle::Own(session)),
                Readiness::NotYet { again, waiting } => Opened::NotYet { again, waiting },
            }),
        }
    }

    /// Whether another order may succeed where this one failed: the server forgot the account, or another process changed its key.
    async fn may_succeed_again(&self, account: &Url, fault: &Fault) -> bool {
        let Ordering::Own(own) = &self.ordering else {
            return false;
        };
        if Account::is_forgotten(&fault.to_error()) {
            own.forgotten(account).await
        } else {
            matches!(fault.kind, ErrorKind::Unauthorized | ErrorKind::Refused) && own.has_another_key().await
        }
    }

    /// What came of it, checked before anybody gets it.
    fn finish(
        &self,
        request: &CertificateRequest<'_>,
        chains: Vec<Chain>,
        leftovers: Vec<String>,
    ) -> Result<Step, Error> {
        let chain = chain::prefer(chains, self.preferred_chain.as_deref())
            .ok_or_else(|| Error::new(ErrorKind::Malformed, "the certificate authority returned no certificate"))?;
        let key = csr::read(request.csr)?.public_key;
        let leaf = chain::check(&chain, &key, request.identifiers, self.clock.now())?;
        tracing::info!(issuer = %self.id, serial = leaf.serial, not_after = %leaf.not_after, "a certificate was issued");
        let mut issued = Issued::new(chain);
        issued.leftovers = leftovers;
        Ok(Step::Issued(issued))
    }
}

enum Opened<'a> {
    Ready(Handle<'a>),
    NotYet { again: Timestamp, waiting: Waiting },
}

enum Handle<'a> {
    Own(Arc<Paced<acme_core::Session>>),
    Given(&'a Paced<Shared>),
}

impl Handle<'_> {
    fn client(&self) -> &dyn Client {
        match self {
            Self::Own(session) => session.as_ref(),
            Self::Given(client) => *client,
        }
    }
}

#[async_trait]
impl Issuer for AcmeIssuer {
    fn id(&self) -> &IssuerId {
        &self.id
    }

    async fn issue(&self, request: &CertificateRequest<'_>, progress: &mut dyn Progress) -> Result<Step, Error> {
        let mut held = match progress.state() {
            Some(bytes) => Some(Start::Resumed(Issuance::decode(bytes)?)),
            None => None,
        };
        let mut second_chance = true;
        loop {
            let start = match held.take() {
                Some(start) => start,
                None => Start::Afresh(self.begin(request).await?),
            };
            let opened = match self.open().await {
                // Something is under way, and must not be given up because the account is out of reach for now.
                Err(error) if progress.state().is_some() && error.retry() != Retry::Never => Opened::NotYet {
                    again: self.clock.now() + pause(&error),
                    waiting: Waiting::outside(error.to_string()),
                },
                opened => opened?,
            };
            let handle = match opened {
                Opened::Ready(handle) => handle,
                Opened::NotYet { again, waiting } => return Ok(Step::NotYet { again, waiting }),
            };
            let hands = Hands {
                client: handle.client(),
                directory: &self.directory,
                solvers: &self.solvers,
                labels: request.labels,
                csr: request.csr.as_ref(),
            };
            let outcome = match issuance::run(start, hands, progress, self.clock.as_ref()).await? {
                Reached::End(outcome) => outcome,
                Reached::Wait { again, waiting } => return Ok(Step::NotYet { again, waiting }),
            };
            let leftovers: Vec<String> = outcome.leftovers.iter().map(ToString::to_string).collect();
            if !leftovers.is_empty() {
                tracing::warn!(issuer = %self.id, count = leftovers.len(), "answers to challenges were left behind");
                tracing::debug!(issuer = %self.id, ?leftovers, "answers to challenges were left behind");
            }
            match outcome.result {
                Ok(chains) => return self.finish(request, chains, leftovers),
                Err(fault) => {
                    if second_chance && self.may_succeed_again(handle.client().account(), &fault).await {
                        second_chance = false;
                        continue;
                    }
                    return Err(fault.to_error());
                }
            }
        }
    }

    fn renewal_info(&self) -> Option<&dyn Renewal> {
        Some(self)
    }

    fn revoke(&self) -> Option<&dyn Revoke> {
        match &self.ordering {
            Ordering::Own(_) => Some(self),
            Ordering::Given(client) => client.revoker().map(|_| self as &dyn Revoke),
        }
    }
}

#[async_trait]
impl Revoke for AcmeIssuer {
    async fn revoke(&self, certificate: &CertificateDer<'_>, reason: Option<RevocationReason>) -> Result<(), Error> {
        let handle = match self.open().await? {
            Opened::Ready(handle) => handle,
            Opened::NotYet { again, waiting } => {
                return Err(Error::new(ErrorKind::Busy, waiting.to_string())
                    .with_retry(Retry::After(again.since(self.clock.now()))));
            }
        };
        let revoker = handle
            .client()
            .revoker()
            .ok_or_else(|| Error::new(ErrorKind::Unsupported, "the ACME client behind this issuer cannot revoke"))?;
        let revoking = self.directory.revoke(certificate, reason, revoker);
        self.pace.guard(Sending::Revocation, revoking).await
    }
}

#[async_trait]
impl Client for Shared {
    async fn call(&self, call: &Call) -> Result<Reply, Error> {
        self.0.call(call).await
    }

    fn account(&self) -> &Url {
        self.0.account()
    }

    fn thumbprint(&self) -> &str {
        self.0.thumbprint()
    }

    fn lacks(&self, needs: Needs) -> Needs {
        self.0.lacks(needs)
    }

    fn revoker(&self) -> Option<Revoker<'_>> {
        self.0.revoker()
    }
}

impl fmt::Debug for AcmeIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcmeIssuer")
            .field("id", &self.id)
            .field("directory", &self.directory)
            .field("solvers", &self.solvers)
            .finish_non_exhaustive()
    }
}

fn pause(error: &Error) -> Duration {
    match error.retry() {
        Retry::After(pause) => pause,
        Retry::Backoff | Retry::Never => OUT_OF_REACH,
    }
}

/// Until the next attempt to reach an account while something is under way.
const OUT_OF_REACH: Duration = Duration::from_secs(30);
