//! The trait of everything that turns a signing request into a chain.

use std::fmt;

use acme_core::client::Chain;
use acme_core::flow::Waiting;
use acme_core::protocol::{CertificateId, RenewalInfo, RevocationReason};
use acme_core::{Error, Timestamp};
use async_trait::async_trait;
use rustls_pki_types::CertificateDer;

use crate::{CertificateRequest, Progress};

/// Turns a signing request into a certificate chain, one step at a time.
///
/// # Contract
/// 1. `issue` does what can be done now and returns; it never sleeps and never waits for somebody outside longer than one answer takes.
/// 2. What must survive a crash goes through [`Progress::save`]; a state that was saved is enough for any other process to go on.
/// 3. Nothing irreversible is sent before the state that names it is saved; when a save says that the record is lost, nothing more is sent.
/// 4. A step may be repeated: asked again with the state of an earlier save, it ends in the same certificate or in one order more, never in a lost one.
/// 5. An error ends this attempt; its `retry` says whether another one can help. The saved state is then void. `NotYet` keeps it.
/// 6. The chain returned has the leaf first, and the leaf's key is the request's. `chain::check_for` is what callers trust.
/// 7. It may be called at the same time for different requests.
#[async_trait]
pub trait Issuer: Send + Sync {
    /// The name of the issuer: stable, unique among the issuers of a process, fit for logs and for store keys.
    fn id(&self) -> &IssuerId;

    /// Goes on with the issuance that `progress` holds, or begins one.
    async fn issue(&self, request: &CertificateRequest<'_>, progress: &mut dyn Progress) -> Result<Step, Error>;

    /// Renewal information, where the issuer has any.
    fn renewal_info(&self) -> Option<&dyn Renewal> {
        None
    }

    /// Revocation, where the issuer can.
    fn revoke(&self) -> Option<&dyn Revoke> {
        None
    }
}

/// What became of one call of [`Issuer::issue`].
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a driver must obey both")]
pub enum Step {
    /// The certificate is there.
    Issued(Issued),
    /// Ask again at this time, or when nudged.
    NotYet {
        /// When to ask again.
        again: Timestamp,
        /// What is waited for.
        waiting: Waiting,
    },
}

/// What an issuer returned.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Issued {
    /// The leaf and what leads towards a root.
    pub chain: Chain,
    /// The root above the chain, where the issuer knows it: what some call `ca.crt`. It is not served.
    pub root: Option<CertificateDer<'static>>,
    /// What could not be cleaned up, in words; empty as a rule.
    pub leftovers: Vec<String>,
    /// What is not as it was asked for, or as it should be; empty as a rule.
    pub remarks: Vec<Remark>,
}

impl Issued {
    /// A chain, with nothing left behind.
    pub fn new(chain: Chain) -> Self {
        Self { chain, root: None, leftovers: Vec::new(), remarks: Vec::new() }
    }

    /// Names the root above the chain.
    #[must_use]
    pub fn with_root(mut self, root: CertificateDer<'static>) -> Self {
        self.root = Some(root);
        self
    }
}

/// What an issuer remarks on a certificate that it issued all the same. It prints as a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remark {
    /// It ends with its authority, earlier than was asked for.
    Shortened {
        /// The end that was asked for.
        asked: Timestamp,
        /// Its end.
        granted: Timestamp,
    },
    /// It signs for itself and has no subject, so that its issuer has no name.
    EmptyIssuer,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shortened { asked, granted } => {
                write!(f, "the certificate ends with its certificate authority at {granted}, earlier than the {asked} asked for: renew the authority")
            }
            // cert-manager's words, which people search for.
            Self::EmptyIssuer => f.write_str(
                "Certificate will be issued with an empty Issuer DN, which contravenes RFC 5280 and could break some strict clients",
            ),
        }
    }
}

/// Asks an issuer when it would like a certificate renewed (RFC 9773).
#[async_trait]
pub trait Renewal: Send + Sync {
    /// One question, one answer.
    async fn renewal_info(&self, certificate: &CertificateId) -> Result<RenewalAnswer, Error>;
}

/// An answer about renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RenewalAnswer {
    /// The window.
    pub info: RenewalInfo,
    /// When to ask again.
    pub again: Timestamp,
}

impl RenewalAnswer {
    /// An answer, for implementers.
    pub fn new(info: RenewalInfo, again: Timestamp) -> Self {
        Self { info, again }
    }
}

/// Revokes what an issuer issued.
#[async_trait]
pub trait Revoke: Send + Sync {
    /// Revokes `certificate`. What is revoked already is a success.
    async fn revoke(&self, certificate: &CertificateDer<'_>, reason: Option<RevocationReason>) -> Result<(), Error>;
}

/// The name of an issuer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct IssuerId(String);

impl IssuerId {
    /// A name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IssuerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
