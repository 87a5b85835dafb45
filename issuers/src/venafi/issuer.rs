//! The issuer: a request handed in once, and a certificate picked up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::flow::Waiting;
use acme_core::protocol::RevocationReason;
use acme_core::{Clock, Error, ErrorKind, Retry, Timestamp, Transport, text};
use async_trait::async_trait;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};

use super::answer;
use super::custom_field::{self, CustomField};
use super::order::Order;
use super::service::{Found, Look, Platform, Service};
use super::state::{Fingerprint, State};
use super::zone::Zone;
use crate::{CertificateRequest, Issued, Issuer, IssuerId, Progress, Revoke, Step, chain, csr, limits};

/// Certificates from one zone of a Venafi platform.
///
/// The name for picking up is saved as soon as it is known. A crash before that costs nothing at [`Tpp`](super::Tpp), where the name follows from the
/// request: it is looked for, and the certificate that was there before is not taken for its renewal, even when the key is the same.
/// [`Cloud`](super::Cloud) and [`Ngts`](super::Ngts) make the name up, so there a crash in that moment costs a second request, and so does an
/// answer that is lost; when the second answer is lost too, the attempt ends in an error that says so.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use acme_core::{Clock, Secret, Transport};
/// use certwright_issuers::Error;
/// use certwright_issuers::venafi::{Cloud, VenafiIssuer};
///
/// fn issuer(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>, key: String) -> Result<VenafiIssuer, Error> {
///     let cloud = Cloud::new(r"Web Shop\Public TLS", Secret::new(key))?;
///     VenafiIssuer::new("venafi", cloud, transport, clock)
/// }
/// ```
#[derive(Clone)]
pub struct VenafiIssuer {
    id: IssuerId,
    platform: Arc<dyn Platform>,
    clock: Arc<dyn Clock>,
    fields: Vec<CustomField>,
    patience: Duration,
    first_look: FirstLook,
}

/// When a certificate is looked for first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FirstLook {
    /// In the step that hands the request in.
    AtOnce,
    /// In the step after that.
    InAnotherStep,
}

impl VenafiIssuer {
    /// An issuer called `id` at `service`, reached over `transport`. Nothing is sent before it is asked to issue.
    ///
    /// # Errors
    /// `Malformed` when an address of the service is none.
    pub fn new(
        id: impl Into<String>,
        service: impl Into<Service>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let platform = service.into().connect(transport, Arc::clone(&clock))?;
        Ok(Self {
            id: IssuerId::new(id),
            platform,
            clock,
            fields: Vec::new(),
            patience: PATIENCE,
            first_look: FirstLook::AtOnce,
        })
    }

    /// Sends these custom fields with every request. [`Cloud`](super::Cloud) and [`Ngts`](super::Ngts) know none and leave them out.
    #[must_use]
    pub fn with_custom_fields(mut self, fields: impl IntoIterator<Item = CustomField>) -> Self {
        self.fields = fields.into_iter().collect();
        self
    }

    /// The same issuer for a request with custom fields of its own, which stand before those of the same name that all requests have.
    #[must_use]
    pub fn with_fields_of_request(&self, fields: &[CustomField]) -> Self {
        Self { fields: custom_field::merge(&self.fields, fields), ..self.clone() }
    }

    /// Waits so long for a certificate, a day if not said: somebody may have to approve it.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Ends a step as soon as a request is handed in, and looks for the certificate in the next one: whoever keeps the [`pickup`](Self::pickup) where
    /// others see it can do so in between.
    #[must_use]
    pub fn handing_in_alone(mut self) -> Self {
        self.first_look = FirstLook::InAnotherStep;
        self
    }

    /// The name under which the certificate can be picked up, as the state of a [`Progress`] of this issuer tells it; `None` before the request was handed in.
    ///
    /// # Errors
    /// `Malformed` when `state` is not this issuer's.
    pub fn pickup(state: &[u8]) -> Result<Option<String>, Error> {
        Ok(match State::decode(state)? {
            State::Pending { pickup, .. } => Some(pickup),
            State::Submitting { .. } => None,
        })
    }

    /// The state of a [`Progress`] whose request was handed in at `since`, and whose certificate is picked up under this name: for one that another
    /// program handed in, or that was kept by its name alone. What the service showed before it is not known: a renewal that keeps its key may be
    /// given the certificate from before while the service still shows that.
    ///
    /// # Errors
    /// `Malformed` when there is no such name.
    pub fn state_of(pickup: &str, since: Timestamp) -> Result<Vec<u8>, Error> {
        let pickup = pickup.trim();
        if pickup.is_empty() || pickup.len() > limits::VENAFI_PICKUP || pickup.contains(char::is_control) {
            let shown = text::printable(pickup, 80);
            return Err(Error::new(ErrorKind::Malformed, format!("{shown:?} is no name to pick a certificate up by")));
        }
        State::Pending { pickup: pickup.to_owned(), since, restarted: None, old: None }.encode()
    }

    /// The defaults of the zone; answers only when address, credentials and zone are right.
    ///
    /// # Errors
    /// `Unauthorized` when the credentials are refused; `NotFound` when there is no such zone; `Busy`, `Unreachable`.
    pub async fn zone(&self) -> Result<Zone, Error> {
        self.platform.zone().await
    }

    /// Hands the request in, unless a process before us may have done that.
    async fn submit(
        &self,
        order: &Order<'_>,
        earlier: Option<Earlier>,
        progress: &mut dyn Progress,
    ) -> Result<Reached, Error> {
        let now = self.clock.now();
        if let Some(Earlier { since, times, old }) = &earlier {
            match self.platform.find(order, old.as_ref()).await {
                Ok(Found::Request(pickup)) => return self.handed_in(pickup, old.clone(), progress).await,
                Ok(Found::Old) if now.since(*since) <= OLD_ONE * *times => {
                    let again = now + pause(now.since(*since));
                    return Ok(Reached::Wait(
                        again,
                        Waiting::outside(format!("perhaps it was requested: {SHOWS_OLD}")),
                    ));
                }
                Ok(Found::Old | Found::Nothing) => {}
                Err(error) => return self.in_doubt(error, *since),
            }
        }
        let call = match (self.platform.prepare(order).await, &earlier) {
            (Err(error), Some(Earlier { since, .. })) => return self.in_doubt(error, *since),
            (call, _) => call?,
        };
        let Earlier { since, times, old } = match earlier {
            Some(earlier) => earlier,
            None => Earlier { since: now, times: 0, old: self.platform.present(order).await? },
        };
        let times = times.saturating_add(1);
        progress.save(&State::Submitting { since, times, old: old.clone() }.encode()?).await?;
        match self.platform.submit(&call).await {
            Ok(pickup) => self.handed_in(pickup, old, progress).await,
            Err(error) if may_pass(&error) && times >= BLIND && !self.platform.can_find() => {
                let doubt =
                    format!("each of {times} requests for one certificate may have been taken, look at the service");
                Err(error.while_doing(doubt))
            }
            Err(error) => self.in_doubt(error, since),
        }
    }

    async fn handed_in(
        &self,
        pickup: String,
        old: Option<Fingerprint>,
        progress: &mut dyn Progress,
    ) -> Result<Reached, Error> {
        tracing::info!(issuer = %self.id, "a certificate was requested");
        let state = State::Pending { pickup, since: self.clock.now(), restarted: None, old };
        progress.save(&state.encode()?).await?;
        Ok(Reached::HandedIn(state))
    }

    /// An answer that did not come may hide that the request was taken: the next step looks.
    fn in_doubt(&self, error: Error, since: Timestamp) -> Result<Reached, Error> {
        let now = self.clock.now();
        if !may_pass(&error) || now.since(since) > DOUBT {
            return Err(error);
        }
        Ok(Reached::Wait(self.again(now, since, &error), Waiting::outside(error.to_string())))
    }

    fn again(&self, now: Timestamp, since: Timestamp, error: &Error) -> Timestamp {
        match error.retry() {
            Retry::After(pause) => now + pause,
            Retry::Backoff | Retry::Never => now + pause(now.since(since)),
        }
    }

    /// Asks once for what was handed in.
    async fn pick_up(&self, key: &Key<'_>, state: State, progress: &mut dyn Progress) -> Result<Step, Error> {
        let State::Pending { pickup, since, restarted, old } = state else {
            return Err(Error::new(ErrorKind::Internal, "nothing was handed in"));
        };
        let now = self.clock.now();
        let wait = |waiting: Waiting| Ok(Step::NotYet { again: now + pause(now.since(since)), waiting });
        let looked = match self.platform.look(&pickup).await {
            // What is under way outlives an hour without an answer.
            Err(error) if may_pass(&error) && now.since(since) <= self.patience => {
                let again = self.again(now, since, &error);
                return Ok(Step::NotYet { again, waiting: Waiting::outside(error.to_string()) });
            }
            looked => looked?,
        };
        let says = match looked {
            Look::Issued(bytes) if old.as_ref().is_some_and(|old| old.is_in(&bytes, key.public_key)) => {
                SHOWS_OLD.to_owned()
            }
            Look::Issued(bytes) => match self.finish(key, &bytes) {
                Ok(issued) => return Ok(Step::Issued(issued)),
                // The folder of a renewed certificate shows the old one for a moment.
                Err(error) if error.kind() == ErrorKind::Conflict && now.since(since) <= OLD_ONE => error.to_string(),
                Err(error) => return Err(error),
            },
            Look::Pending(says) => says,
            Look::Failed(says) => return Err(failed(&says)),
            Look::Stuck(says) => match restarted {
                None => match self.platform.restart(&pickup).await {
                    Err(error) if may_pass(&error) => error.to_string(),
                    Err(error) => return Err(error),
                    Ok(()) => {
                        let state =
                            State::Pending { pickup: pickup.clone(), since, restarted: Some(now), old: old.clone() };
                        progress.save(&state.encode()?).await?;
                        says
                    }
                },
                // It takes the service a moment to notice.
                Some(at) if now.since(at) <= OLD_ONE => says,
                Some(_) => return Err(failed(&says)),
            },
        };
        if now.since(since) > self.patience {
            let hours = self.patience.as_secs() / 3600;
            return Err(Error::new(
                ErrorKind::Busy,
                format!("no certificate came within {hours} hours; the last word was: {}", printable(&says)),
            ));
        }
        wait(Waiting::outside(format!("the certificate was requested: {}", printable(&says))))
    }

    fn finish(&self, key: &Key<'_>, bytes: &[u8]) -> Result<Issued, Error> {
        let Some(issued) = answer::issued(bytes, key.public_key, self.clock.now())? else {
            return Err(Error::new(
                ErrorKind::Conflict,
                "the certificate that was picked up is for another key: somebody else requests under the same name",
            ));
        };
        let leaf = chain::check(&issued.chain, key.public_key, key.identifiers, self.clock.now())?;
        tracing::info!(issuer = %self.id, serial = leaf.serial, not_after = %leaf.not_after, "a certificate was issued");
        Ok(issued)
    }
}

#[async_trait]
impl Issuer for VenafiIssuer {
    fn id(&self) -> &IssuerId {
        &self.id
    }

    async fn issue(&self, request: &CertificateRequest<'_>, progress: &mut dyn Progress) -> Result<Step, Error> {
        request.refuse_profile()?;
        let public_key = csr::read(request.csr)?.public_key;
        let key = Key { public_key: &public_key, identifiers: request.identifiers };
        let earlier = match progress.state().map(State::decode).transpose()? {
            Some(state @ State::Pending { .. }) => return self.pick_up(&key, state, progress).await,
            Some(State::Submitting { since, times, old }) => Some(Earlier { since, times, old }),
            None => None,
        };
        let order = Order::new(request, &self.fields, self.clock.now())?;
        match self.submit(&order, earlier, progress).await? {
            Reached::HandedIn(state) => match self.first_look {
                FirstLook::AtOnce => self.pick_up(&key, state, progress).await,
                FirstLook::InAnotherStep => Ok(Step::NotYet {
                    again: self.clock.now(),
                    waiting: Waiting::outside("the certificate was requested"),
                }),
            },
            Reached::Wait(again, waiting) => Ok(Step::NotYet { again, waiting }),
        }
    }

    fn revoke(&self) -> Option<&dyn Revoke> {
        self.platform.can_revoke().then_some(self as &dyn Revoke)
    }
}

#[async_trait]
impl Revoke for VenafiIssuer {
    async fn revoke(&self, certificate: &CertificateDer<'_>, reason: Option<RevocationReason>) -> Result<(), Error> {
        self.platform.revoke(certificate, reason).await
    }
}

impl fmt::Debug for VenafiIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VenafiIssuer").field("id", &self.id).field("platform", &self.platform).finish_non_exhaustive()
    }
}

enum Reached {
    HandedIn(State),
    Wait(Timestamp, Waiting),
}

/// Requests whose answers did not come.
struct Earlier {
    since: Timestamp,
    times: u32,
    old: Option<Fingerprint>,
}

struct Key<'a> {
    public_key: &'a SubjectPublicKeyInfoDer<'a>,
    identifiers: &'a [acme_core::Identifier],
}

/// The error for a request that the service gave up.
fn failed(says: &str) -> Error {
    let lower = says.to_ascii_lowercase();
    let kind = if ["reject", "denied", "cancel"].iter().any(|word| lower.contains(word)) {
        ErrorKind::Refused
    } else {
        ErrorKind::Busy
    };
    Error::new(kind, format!("the request for a certificate failed: {}", printable(says)))
}

/// Whether asking again may be answered otherwise, with nothing changed.
fn may_pass(error: &Error) -> bool {
    let passing = matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Busy | ErrorKind::Malformed);
    passing && error.retry() != Retry::Never
}

fn printable(says: &str) -> String {
    text::printable(says.trim(), limits::VENAFI_TEXT)
}

/// Until the next look: soon at first, then a tenth of the time that it has taken so far.
fn pause(taken: Duration) -> Duration {
    (taken / 10).clamp(SOON, SELDOM)
}

/// Approvals are given in office hours.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);
/// How long a request whose answer did not come is tried again before that is an error.
const DOUBT: Duration = Duration::from_secs(600);
/// How long an old certificate, or an old failure, is taken for a delay.
const OLD_ONE: Duration = Duration::from_secs(120);
/// How many requests for one certificate a service gets that cannot be asked for them. A crash costs one beyond.
const BLIND: u32 = 2;
const SHOWS_OLD: &str = "the service still shows the certificate from before";
const SOON: Duration = Duration::from_secs(2);
const SELDOM: Duration = Duration::from_secs(60);
