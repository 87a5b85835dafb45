//! Certificates that sign for themselves: for roots, and where nobody checks.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use acme_core::client::Chain;
use acme_core::flow::Waiting;
use acme_core::key::{PublicKey, verify_x509};
use acme_core::{Clock, Error, Signer, Timestamp};
use async_trait::async_trait;

use crate::certify::{Application, Issuing, Serials, Terms, content, signed};
use crate::template::{Draft, Extension, KeyIdentifier, SerialNumber, Validity};
use crate::{CertificateRequest, Issued, Issuer, IssuerId, Progress, Remark, Step};

/// Signs each certificate with its own key, which the request lends ([`CertificateRequest::signer`]).
///
/// Without that key, or with another one, the answer is "not yet": where keys and requests are kept apart, they are not replaced in one instant.
pub struct SelfSigned {
    id: IssuerId,
    revocation: Option<Extension>,
    clock: Arc<dyn Clock>,
    serials: Serials,
}

impl SelfSigned {
    /// An issuer with random serial numbers.
    pub fn new(id: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self { id: IssuerId::new(id), revocation: None, clock, serials: Serials::random() }
    }

    /// Names where revocation lists are (cert-manager's `crlDistributionPoints`).
    ///
    /// # Errors
    /// `Malformed` without any URL, or for one that is none.
    pub fn with_crl_distribution_points(mut self, urls: &[String]) -> Result<Self, Error> {
        self.revocation = Some(Extension::crl_distribution_points(urls)?);
        Ok(self)
    }

    /// Takes serial numbers from `source`, which never answers the same one twice.
    #[must_use]
    pub fn with_serials(mut self, source: impl Fn() -> SerialNumber + Send + Sync + 'static) -> Self {
        self.serials = Serials::from(source);
        self
    }
}

#[async_trait]
impl Issuer for SelfSigned {
    fn id(&self) -> &IssuerId {
        &self.id
    }

    async fn issue(&self, request: &CertificateRequest<'_>, _: &mut dyn Progress) -> Result<Step, Error> {
        let now = self.clock.now();
        let application = Application::of(request)?;
        let signer = match request.signer {
            Some(signer) if PublicKey::same(signer.public_key(), application.public_key()) => signer,
            Some(_) => {
                return Ok(not_yet(now, "the private key of the signing request: the one that was lent is another"));
            }
            None => return Ok(not_yet(now, "the private key of the signing request, which nobody lent")),
        };
        let terms = Terms::of(request)?;
        let issued = sign(&application, &terms, self.revocation.as_ref(), signer, self.serials.next()?, now).await?;
        for remark in &issued.remarks {
            tracing::warn!(issuer = %self.id, %remark, "issued");
        }
        Ok(Step::Issued(issued))
    }
}

impl fmt::Debug for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelfSigned").field("id", &self.id).finish_non_exhaustive()
    }
}

async fn sign(
    application: &Application<'_>,
    terms: &Terms,
    revocation: Option<&Extension>,
    signer: &dyn Signer,
    serial: SerialNumber,
    now: Timestamp,
) -> Result<Issued, Error> {
    let issuing = Issuing {
        key: Some(KeyIdentifier::of_key(application.public_key())?.to_authority_extension()),
        revocation: revocation.cloned(),
        ..Issuing::default()
    };
    let validity = Validity { not_before: now - BACK_DATING, not_after: now + terms.duration() };
    let subject = application.subject();
    let unsigned = Draft::new(subject, subject, application.public_key(), serial, validity)
        .with_extensions(content(application, terms, &issuing)?)
        .to_be_signed(signer.algorithm());
    let signature =
        signer.sign(unsigned.message()).await.map_err(|error| error.while_doing("signing a certificate"))?;
    verify_x509(signer.algorithm().x509(), signer.public_key(), unsigned.message(), &signature)
        .map_err(|error| error.while_doing("the signature that the lent signer returned"))?;
    let certificate = signed(unsigned, &signature, subject, application)?;
    let mut issued = Issued::new(Chain::new(vec![certificate.clone()])).with_root(certificate);
    if subject.is_empty() {
        issued.remarks.push(Remark::EmptyIssuer);
    }
    Ok(issued)
}

fn not_yet(now: Timestamp, what: &str) -> Step {
    Step::NotYet { again: now + AGAIN, waiting: Waiting::outside(what) }
}

const BACK_DATING: Duration = Duration::from_secs(5 * 60);
/// A nudge comes earlier as a rule.
const AGAIN: Duration = Duration::from_secs(60);
