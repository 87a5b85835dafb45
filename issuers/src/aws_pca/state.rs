//! What must survive a crash of an issuance: what was asked for, by which token, and the certificate's ARN once it is known.

use std::fmt::Write as _;
use std::time::Duration;

use acme_core::{Error, Timestamp, envelope, hash};
use serde::{Deserialize, Serialize};

/// One issuance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// The fingerprint of the request that this is about.
    pub(super) request: String,
    /// The idempotency token: asked again with it within five minutes, the service answers the same certificate.
    pub(super) token: String,
    pub(super) template: String,
    pub(super) algorithm: String,
    pub(super) validity: Validity,
    /// When the last step was made.
    pub(super) since: Timestamp,
    /// The ARN of the certificate, once the service has answered one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) certificate: Option<String>,
}

/// How long the certificate shall be valid, as the service wants it written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Validity {
    pub(super) value: i64,
    pub(super) r#type: Unit,
}

/// What [`Validity`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Unit {
    Days,
    /// `YYYYMMDDHHMMSS`.
    EndDate,
}

impl State {
    pub(super) fn encode(&self) -> Result<Vec<u8>, Error> {
        envelope::encode(WHAT, FORMAT, self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        envelope::decode(WHAT, FORMAT, bytes)
    }
}

impl Validity {
    /// Whole days are counted by the service; anything else becomes an end, seen from `now`.
    pub(super) fn of(duration: Duration, now: Timestamp) -> Self {
        let seconds = duration.as_secs();
        let days = i64::try_from(seconds / DAY).unwrap_or(i64::MAX);
        if seconds.is_multiple_of(DAY) && days > 0 {
            return Self { value: days, r#type: Unit::Days };
        }
        let end = Timestamp::from_unix_seconds((now + duration).unix_seconds());
        let digits: String = end.to_string().chars().filter(char::is_ascii_digit).collect();
        Self { value: digits.parse().unwrap_or(i64::MAX), r#type: Unit::EndDate }
    }
}

/// A fingerprint of `parts`, in as many characters as the service takes for a token.
pub(super) fn fingerprint(parts: &[&[u8]]) -> String {
    let mut material = Vec::new();
    for part in parts {
        material.extend_from_slice(&(part.len() as u64).to_be_bytes());
        material.extend_from_slice(part);
    }
    let mut hex = hash::sha256(&material).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    hex.truncate(TOKEN);
    hex
}

const FORMAT: u32 = 1;
const WHAT: &str = "issuance by AWS Private CA";
const DAY: u64 = 24 * 3600;
/// Longest idempotency token.
const TOKEN: usize = 36;
