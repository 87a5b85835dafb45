//! What an issuance remembers.

use acme_core::{Error, Timestamp, envelope, hash};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use serde::{Deserialize, Serialize};

use super::answer;

/// How far an issuance came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// The request was sent, or is about to be.
    Submitting {
        /// Since when.
        since: Timestamp,
        /// How often, the one to come with them.
        #[serde(default = "once")]
        times: u32,
        /// The certificate that was there before the first of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old: Option<Fingerprint>,
    },
    /// The request was taken.
    Pending {
        /// The name under which the certificate is picked up.
        pickup: String,
        /// Since when.
        since: Timestamp,
        /// When it was started again after it had got stuck.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        restarted: Option<Timestamp>,
        /// The certificate that was there before the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old: Option<Fingerprint>,
    },
}

impl State {
    pub(super) fn encode(&self) -> Result<Vec<u8>, Error> {
        envelope::encode(WHAT, FORMAT, self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        envelope::decode(WHAT, FORMAT, bytes)
    }
}

/// One certificate and no other: SHA-256 of its DER.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprint(String);

impl Fingerprint {
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(BASE64_STANDARD.encode(hash::sha256(certificate)))
    }

    /// Is this the certificate that a PEM text holds for `key`?
    pub(super) fn is_in(&self, pem: &[u8], key: &SubjectPublicKeyInfoDer<'_>) -> bool {
        let held = answer::certificate(pem, key).ok().flatten();
        held.is_some_and(|certificate| Self::of(&certificate) == *self)
    }
}

/// Earlier releases saved this once, and did not count.
fn once() -> u32 {
    1
}

const FORMAT: u32 = 1;
const WHAT: &str = "request at Venafi";
