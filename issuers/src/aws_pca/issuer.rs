//! The issuer: ask, remember, fetch.

use std::fmt;
use std::time::Duration;

use acme_core::client::Chain;
use acme_core::flow::Waiting;
use acme_core::protocol::RevocationReason;
use acme_core::{Error, ErrorKind, Retry, Timestamp};
use async_trait::async_trait;
use futures_util::lock::Mutex;
use rustls_pki_types::CertificateDer;
use solvers::credentials::aws::Client;

use super::api::{self, Api};
use super::arn::{AuthorityArn, SERVICE};
use super::state::{State, Validity, fingerprint};
use super::template;
use crate::chain::Leaf;
use crate::{CertificateRequest, Issued, Issuer, IssuerId, Progress, ProgressError, Revoke, Step, chain, csr};

/// Certificates from a certificate authority of AWS Private CA.
///
/// Its principal needs `acm-pca:IssueCertificate`, `acm-pca:GetCertificate` and, unless the signing algorithm is
/// [given](Self::with_signing_algorithm), `acm-pca:DescribeCertificateAuthority`; for revocation `acm-pca:RevokeCertificate`.
///
/// The same request, asked again within five minutes, ends in the same certificate, whatever was lost on the way; after that in one more.
///
/// ```
/// # use std::sync::Arc;
/// # fn example(
/// #     transport: Arc<dyn acme_core::Transport>,
/// #     clock: Arc<dyn acme_core::Clock>,
/// # ) -> Result<(), certwright_issuers::Error> {
/// use certwright_issuers::aws_pca::{AuthorityArn, AwsPcaIssuer};
/// use solvers::credentials::aws::{Client, DefaultChain, Environment};
///
/// let authority = AuthorityArn::parse("arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/11223344")?;
/// let credentials = DefaultChain::new(Environment::from_environment(), transport.clone()).into_source();
/// let client = Client::new(authority.endpoint()?, Arc::new(credentials), transport, clock);
/// let issuer = AwsPcaIssuer::new("private-ca", authority, client)?;
/// # Ok(())
/// # }
/// ```
pub struct AwsPcaIssuer {
    id: IssuerId,
    authority: AuthorityArn,
    client: Client,
    template: Option<String>,
    default_duration: Duration,
    /// Given, or asked for once.
    algorithm: Mutex<Option<String>>,
}

impl AwsPcaIssuer {
    /// An issuer called `id` that asks `authority` through `client`.
    ///
    /// # Errors
    /// `Malformed` when the client is one of another service, or of another region than the certificate authority's.
    pub fn new(id: impl Into<String>, authority: AuthorityArn, client: Client) -> Result<Self, Error> {
        let scope = client.endpoint().scope();
        if scope.service() != SERVICE || scope.region() != authority.region() {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!(
                    "the private CA {authority} is asked at {SERVICE} in {}, and the client given is one of {} in {}",
                    authority.region(),
                    scope.service(),
                    scope.region()
                ),
            ));
        }
        Ok(Self {
            id: IssuerId::new(id),
            authority,
            client,
            template: None,
            default_duration: DURATION,
            algorithm: Mutex::new(None),
        })
    }

    /// Makes every certificate from this template: its name (`EndEntityCertificate/V1`), or its ARN.
    #[must_use]
    pub fn with_template(mut self, template: &str) -> Self {
        let is_arn = template.starts_with("arn:");
        self.template = Some(if is_arn { template.to_owned() } else { template::named(&self.authority, template) });
        self
    }

    /// Has certificates signed by this algorithm, in the service's words (`SHA256WITHECDSA`), which must fit the authority's key. Otherwise it is the one
    /// that the authority was made with, and the service is asked for it once.
    #[must_use]
    pub fn with_signing_algorithm(mut self, algorithm: impl Into<String>) -> Self {
        self.algorithm = Mutex::new(Some(algorithm.into()));
        self
    }

    /// How long a certificate is valid when the request does not say; thirty days otherwise.
    #[must_use]
    pub fn with_default_duration(mut self, duration: Duration) -> Self {
        self.default_duration = duration;
        self
    }

    /// The certificate authority.
    pub fn authority(&self) -> &AuthorityArn {
        &self.authority
    }

    fn api(&self) -> Api<'_> {
        Api { client: &self.client, authority: &self.authority }
    }

    fn now(&self) -> Timestamp {
        self.client.clock().now()
    }

    /// Decides what to ask for.
    async fn begin(&self, request: &CertificateRequest<'_>, fingerprinted: String) -> Result<State, Error> {
        request.refuse_profile()?;
        request.refuse_other_names()?;
        let asked = csr::Request::read(request.csr)?;
        let template = match &self.template {
            Some(template) => template.clone(),
            None => template::choose(&self.authority, request, &asked)?,
        };
        let duration = request.duration.unwrap_or(self.default_duration);
        let algorithm = self.algorithm().await?;
        let seconds = duration.as_secs().to_be_bytes();
        let token = fingerprint(&[fingerprinted.as_bytes(), template.as_bytes(), algorithm.as_bytes(), &seconds]);
        let now = self.now();
        let validity = Validity::of(duration, now);
        Ok(State { request: fingerprinted, token, template, algorithm, validity, since: now, certificate: None })
    }

    async fn algorithm(&self) -> Result<String, Error> {
        let mut known = self.algorithm.lock().await;
        if let Some(algorithm) = known.as_ref() {
            return Ok(algorithm.clone());
        }
        let authority = self.api().describe().await?;
        if let Some(error) = api::out_of_order(&self.authority, &authority.status) {
            return Err(error);
        }
        let of_key = match authority.configuration.key_algorithm.as_str() {
            "EC_prime256v1" => "SHA256WITHECDSA",
            "EC_secp384r1" => "SHA384WITHECDSA",
            "EC_secp521r1" => "SHA512WITHECDSA",
            "SM2" => "SM3WITHSM2",
            lattice if lattice.starts_with("ML_DSA_") => lattice,
            _ => "SHA256WITHRSA",
        };
        let algorithm = authority.configuration.signing_algorithm.as_deref().unwrap_or(of_key);
        Ok(known.insert(algorithm.to_owned()).clone())
    }

    /// Asks for the certificate, and remembers what it is called.
    async fn ask(
        &self,
        request: &CertificateRequest<'_>,
        mut state: State,
        progress: &mut dyn Progress,
    ) -> Result<Step, Error> {
        let now = self.now();
        let arn = match self.api().issue(request.csr, &state).await {
            Ok(arn) => arn,
            // It may have been made: the same token gives the same one, while the service remembers it.
            Err(error) if may_hide_success(&error) && now < state.since + REMEMBERED => {
                return Ok(pause("asking AWS Private CA for a certificate", &error, state.since, now));
            }
            Err(error) if api::is_in_wrong_state(&error) => return Err(self.explained(error).await),
            Err(error) => return Err(error),
        };
        tracing::debug!(issuer = %self.id, certificate = arn, "a certificate is being made");
        state.certificate = Some(arn);
        state.since = now;
        match progress.save(&state.encode()?).await {
            Ok(()) => Ok(Step::NotYet { again: now + FIRST_LOOK, waiting: Waiting::Issuing }),
            // What was saved before is still good to go on from.
            Err(ProgressError::Failed(error)) if error.retry() != Retry::Never => {
                Ok(pause("saving the state of an issuance", &error, now, now))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Names the state of a certificate authority that does not issue.
    async fn explained(&self, error: Error) -> Error {
        match self.api().describe().await {
            Ok(authority) => api::out_of_order(&self.authority, &authority.status).unwrap_or(error),
            Err(unknown) => {
                tracing::debug!(issuer = %self.id, error = %unknown, "the state of a private CA could not be learned");
                error
            }
        }
    }

    /// Fetches the certificate.
    async fn fetch(&self, request: &CertificateRequest<'_>, state: &State, arn: &str) -> Result<Step, Error> {
        let now = self.now();
        let is_late = now >= state.since + PATIENCE;
        let found = match self.api().get(arn).await {
            Ok(found) => found,
            Err(error) if api::is_in_progress(&error) && is_late => {
                return Err(Error::new(
                    ErrorKind::Busy,
                    format!(
                        "the private CA {} has not made a certificate within {} min",
                        self.authority,
                        PATIENCE.as_secs() / 60
                    ),
                ));
            }
            Err(error) if api::is_in_progress(&error) => {
                return Ok(Step::NotYet { again: now + interval(state.since, now), waiting: Waiting::Issuing });
            }
            // The certificate is there or will be: an attempt that ends here would have to ask for another one.
            Err(error) if is_passing(&error) && !is_late => {
                return Ok(pause("fetching a certificate from AWS Private CA", &error, state.since, now));
            }
            Err(error) => return Err(error),
        };
        // Leaf, authorities and root come as two texts; each is put in its place.
        let pem = format!("{}\n{}", found.certificate, found.certificate_chain);
        let key = csr::read(request.csr)?.public_key;
        let path = chain::Path::of_key(Chain::from_pem(pem.as_bytes())?.certificates(), &key, now)?;
        let issued = Issued::from(path);
        let leaf = chain::check_for(&issued.chain, request, now)?;
        tracing::info!(issuer = %self.id, serial = leaf.serial, not_after = %leaf.not_after, "a certificate was issued");
        Ok(Step::Issued(issued))
    }
}

#[async_trait]
impl Issuer for AwsPcaIssuer {
    fn id(&self) -> &IssuerId {
        &self.id
    }

    async fn issue(&self, request: &CertificateRequest<'_>, progress: &mut dyn Progress) -> Result<Step, Error> {
        let fingerprinted = fingerprint(&[self.authority.as_str().as_bytes(), request.csr]);
        let saved = match progress.state() {
            Some(bytes) => Some(State::decode(bytes)?).filter(|state| state.request == fingerprinted),
            None => None,
        };
        let state = match saved {
            Some(state) => state,
            None => {
                let state = self.begin(request, fingerprinted).await?;
                progress.save(&state.encode()?).await?;
                state
            }
        };
        match &state.certificate {
            Some(arn) => self.fetch(request, &state, arn).await,
            None => self.ask(request, state, progress).await,
        }
    }

    fn revoke(&self) -> Option<&dyn Revoke> {
        Some(self)
    }
}

#[async_trait]
impl Revoke for AwsPcaIssuer {
    async fn revoke(&self, certificate: &CertificateDer<'_>, reason: Option<RevocationReason>) -> Result<(), Error> {
        let reason = match reason {
            None | Some(RevocationReason::Unspecified) => "UNSPECIFIED",
            Some(RevocationReason::KeyCompromise) => "KEY_COMPROMISE",
            Some(RevocationReason::CaCompromise) => "CERTIFICATE_AUTHORITY_COMPROMISE",
            Some(RevocationReason::AffiliationChanged) => "AFFILIATION_CHANGED",
            Some(RevocationReason::Superseded) => "SUPERSEDED",
            Some(RevocationReason::CessationOfOperation) => "CESSATION_OF_OPERATION",
            Some(RevocationReason::PrivilegeWithdrawn) => "PRIVILEGE_WITHDRAWN",
            Some(RevocationReason::AaCompromise) => "A_A_COMPROMISE",
            Some(other) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!("AWS Private CA does not revoke for reason {}", u8::from(other)),
                ));
            }
        };
        let serial = Leaf::read(certificate)?.serial;
        let serial = serial.strip_prefix("00").unwrap_or(&serial);
        let pairs: Vec<_> = serial.as_bytes().chunks(2).map(String::from_utf8_lossy).collect();
        self.api().revoke(&pairs.join(":"), reason).await
    }
}

impl fmt::Debug for AwsPcaIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsPcaIssuer")
            .field("id", &self.id)
            .field("authority", &self.authority)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

/// Half of the time that has passed: the longer it takes, the less is it asked for.
fn interval(since: Timestamp, now: Timestamp) -> Duration {
    (now.since(since) / 2).clamp(FIRST_LOOK, LONGEST_PAUSE)
}

fn pause(doing: &str, error: &Error, since: Timestamp, now: Timestamp) -> Step {
    let again = match error.retry() {
        Retry::After(span) => now + span,
        Retry::Backoff | Retry::Never => now + interval(since, now).max(FIRST_PAUSE),
    };
    Step::NotYet { again, waiting: Waiting::Pause { doing: doing.to_owned(), because: error.to_string() } }
}

/// Is there no answer that says no?
fn may_hide_success(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Malformed) && error.retry() != Retry::Never
}

fn is_passing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Busy | ErrorKind::Unreachable) && error.retry() != Retry::Never
}

/// What cert-manager's issuer for AWS Private CA takes.
const DURATION: Duration = Duration::from_secs(30 * 24 * 3600);
/// The service makes a certificate within a second, as a rule.
const FIRST_LOOK: Duration = Duration::from_millis(500);
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The waiter of AWS's own libraries gives up after three minutes.
const PATIENCE: Duration = Duration::from_secs(600);
/// The service remembers an idempotency token for five minutes.
const REMEMBERED: Duration = Duration::from_secs(240);
