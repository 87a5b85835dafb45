//! Everything that is kept of one certificate: one value under one key, so that nothing of it can tear.

use acme_core::client::Chain;
use acme_core::flow::{Fault, Waiting};
use acme_core::protocol::{CertificateId, Window};
use acme_core::{Error, Identifier, KeyType, Secret, Timestamp};
use issuers::IssuerId;
use issuers::chain::Leaf;
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer};
use serde::{Deserialize, Serialize};

use crate::{Contents, Spec};

mod codec;

pub use codec::FORMAT;

/// The record of one certificate. [`encode`](Self::encode) it for a store; [`decode`](Self::decode) what a store holds.
#[derive(Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Record {
    /// Counts the writes: versions of a store may be content hashes, and contents must never repeat.
    pub writes: u64,
    /// Names the last write, so that who made it knows it again when the store's answer was lost.
    pub written_by: String,
    /// What is wanted.
    pub spec: Spec,
    /// What is served, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub served: Vec<Credential>,
    /// The issuance under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// Who works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
    /// Counts the claims ever taken; fences off former holders.
    #[serde(default)]
    pub epoch: u64,
    /// What was tried.
    #[serde(default)]
    pub history: History,
    /// When to renew, as the certificate authority says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal: Option<RenewalPlan>,
    /// Since when a human wants a new certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<Timestamp>,
}

impl Record {
    /// The record of a certificate that was never issued.
    pub fn new(spec: Spec) -> Self {
        Self {
            writes: 0,
            written_by: String::new(),
            spec,
            served: Vec::new(),
            pending: None,
            claim: None,
            epoch: 0,
            history: History::default(),
            renewal: None,
            requested: None,
        }
    }

    /// The record as bytes for a store.
    ///
    /// # Errors
    /// `Unsupported` when it is longer than a store takes.
    pub fn encode(&self) -> Result<Secret<Vec<u8>>, Error> {
        codec::encode(self)
    }

    /// Reads what a store holds.
    ///
    /// # Errors
    /// `Unsupported` when a newer release wrote it (leave it alone), `Malformed` when it cannot be understood.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        codec::decode(bytes)
    }

    /// What is to be served now: whoever serves has taken it, or will as soon as a keeper looks.
    pub fn current(&self) -> Option<&Credential> {
        self.served.first()
    }
}

/// A certificate chain and its private key: they cannot be told apart.
#[derive(Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Credential {
    /// The private key (PKCS #8, DER).
    #[serde(with = "codec::secret")]
    pub key: Secret<Vec<u8>>,
    /// The kind of the key.
    pub key_type: KeyType,
    /// The chain, leaf first.
    #[serde(with = "codec::chain")]
    pub chain: Chain,
    /// The root above the chain, where the issuer named it.
    #[serde(default, with = "codec::optional_certificate", skip_serializing_if = "Option::is_none")]
    pub root: Option<CertificateDer<'static>>,
    /// The names and addresses that were asked for. The leaf covers them; it may have more.
    pub identifiers: Vec<Identifier>,
    /// Who issued it.
    pub issuer: IssuerId,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// The profile that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// What was asked for beside names and addresses.
    #[serde(default, skip_serializing_if = "Contents::is_empty")]
    pub contents: Contents,
}

impl Credential {
    /// A chain and its key, issued by somebody for these names and addresses.
    pub fn new(
        key: Secret<Vec<u8>>,
        key_type: KeyType,
        chain: Chain,
        identifiers: Vec<Identifier>,
        issuer: IssuerId,
        issued_at: Timestamp,
    ) -> Self {
        Self {
            key,
            key_type,
            chain,
            root: None,
            identifiers,
            issuer,
            issued_at,
            profile: None,
            contents: Contents::default(),
        }
    }

    /// What the leaf says.
    ///
    /// # Errors
    /// `Malformed` when there is no leaf, or it is not X.509.
    pub fn leaf(&self) -> Result<Leaf, Error> {
        match self.chain.leaf() {
            Some(leaf) => Leaf::read(leaf),
            None => Err(Error::new(acme_core::ErrorKind::Malformed, "the stored chain is empty")),
        }
    }
}

/// An issuance under way: durable before the first word to the issuer.
#[derive(Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pending {
    /// The private key of the certificate to come (PKCS #8, DER).
    #[serde(with = "codec::secret")]
    pub key: Secret<Vec<u8>>,
    /// The kind of the key.
    pub key_type: KeyType,
    /// The signing request.
    #[serde(with = "codec::csr")]
    pub csr: CertificateSigningRequestDer<'static>,
    /// What the signing request is for.
    pub identifiers: Vec<Identifier>,
    /// Who is asked.
    pub issuer: IssuerId,
    /// The profile that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// What is asked for beside names and addresses.
    #[serde(default, skip_serializing_if = "Contents::is_empty")]
    pub contents: Contents,
    /// The certificate that is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<CertificateId>,
    /// When it began.
    pub begun_at: Timestamp,
    /// What the issuer remembers.
    #[serde(default, with = "codec::optional_secret", skip_serializing_if = "Option::is_none")]
    pub progress: Option<Secret<Vec<u8>>>,
    /// What is waited for, as far as it was worth a write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
}

/// Who works on a record, and until when others leave it alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Claim {
    /// The keeper's name.
    pub node: String,
    /// The number of the claim: who holds another one has lost this.
    pub epoch: u64,
    /// When others may take over.
    pub until: Timestamp,
}

/// What was tried: bounded, and never forgotten by a restart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct History {
    /// Certificates issued during the last day, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issued: Vec<Issuance>,
    /// Attempts that failed since the last success.
    #[serde(default)]
    pub failures: u32,
    /// The last failure since the last success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Failure>,
    /// No attempt before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

/// One certificate that was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Issuance {
    /// When.
    pub at: Timestamp,
    /// For which set of identifiers, as a hash.
    pub set: String,
    /// Its serial number, hexadecimal; empty when what was issued was of no use.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub serial: String,
}

/// One attempt that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    /// When.
    pub at: Timestamp,
    /// How.
    pub fault: Fault,
}

/// Renewal information (RFC 9773) for exactly one certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RenewalPlan {
    /// The certificate that it speaks of; about any other it says nothing.
    pub certificate: CertificateId,
    /// The window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// The instant in it that was chosen, once for the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Timestamp>,
    /// A page that says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation_url: Option<String>,
    /// When to ask again.
    pub poll_at: Timestamp,
    /// Questions that failed since the last answer.
    #[serde(default)]
    pub failures: u32,
}

impl RenewalPlan {
    /// What is known of a certificate of which nothing was asked yet: ask at `poll_at`. For those who keep what was answered elsewhere than in a record.
    pub fn new(certificate: CertificateId, poll_at: Timestamp) -> Self {
        Self { certificate, window: None, chosen: None, explanation_url: None, poll_at, failures: 0 }
    }

    /// With the instant that was chosen in a window.
    #[must_use]
    pub fn with_window(mut self, window: Window, chosen: Timestamp) -> Self {
        self.window = Some(window);
        self.chosen = Some(chosen);
        self
    }
}
