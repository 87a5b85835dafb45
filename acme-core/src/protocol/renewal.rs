//! Renewal information (RFC 9773).

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Timestamp, text};

/// When the certificate authority would like a certificate renewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RenewalInfo {
    /// The span in which to renew.
    pub suggested_window: Window,
    /// A page that says why.
    #[serde(rename = "explanationURL", default, skip_serializing_if = "Option::is_none")]
    pub explanation_url: Option<String>,
}

/// A span of time, `start` before `end`. A server that says otherwise has said nothing (RFC 9773 section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawWindow")]
#[non_exhaustive]
pub struct Window {
    /// Its first instant.
    pub start: Timestamp,
    /// Its end.
    pub end: Timestamp,
}

impl Window {
    /// A window.
    ///
    /// # Errors
    /// `Malformed` when `end` does not come after `start`.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, Error> {
        if start < end {
            Ok(Self { start, end })
        } else {
            Err(Error::new(ErrorKind::Malformed, "the renewal window ends before it starts"))
        }
    }
}

#[derive(Deserialize)]
struct RawWindow {
    start: Timestamp,
    end: Timestamp,
}

impl TryFrom<RawWindow> for Window {
    type Error = Error;

    fn try_from(raw: RawWindow) -> Result<Self, Error> {
        Self::new(raw.start, raw.end)
    }
}

/// The name of a certificate in renewal information: base64url of its authority key identifier, a dot, base64url of its serial number (RFC 9773 section 4.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CertificateId(String);

impl CertificateId {
    /// From the certificate's `keyIdentifier` octets and the content octets of its serial number (with the leading zero octet that DER may have).
    pub fn from_parts(authority_key_identifier: &[u8], serial: &[u8]) -> Self {
        Self(format!(
            "{}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(authority_key_identifier),
            BASE64_URL_SAFE_NO_PAD.encode(serial)
        ))
    }

    /// The text that stands in URLs and in `replaces`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CertificateId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        let sound = text.split_once('.').is_some_and(|(issuer, serial)| {
            [issuer, serial]
                .iter()
                .all(|part| !part.is_empty() && part.len() <= 128 && BASE64_URL_SAFE_NO_PAD.decode(part).is_ok())
        });
        if sound {
            Ok(Self(text))
        } else {
            Err(Error::new(
                ErrorKind::Malformed,
                format!("not a certificate id of RFC 9773: {:?}", text::printable(&text, 80)),
            ))
        }
    }
}

impl From<CertificateId> for String {
    fn from(id: CertificateId) -> Self {
        id.0
    }
}

impl fmt::Display for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_the_example_of_the_rfc() {
        // RFC 9773 section 4.1: the certificate of appendix A.
        let key = [
            0x69, 0x88, 0x5b, 0x6b, 0x87, 0x46, 0x40, 0x41, 0xe1, 0xb3, 0x7b, 0x84, 0x7b, 0xa0, 0xae, 0x2c, 0xde, 0x01,
            0xc8, 0xd4,
        ];
        let serial = [0x00, 0x87, 0x65, 0x43, 0x21];
        assert_eq!(CertificateId::from_parts(&key, &serial).as_str(), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
    }

    #[test]
    fn a_window_that_ends_before_it_starts_is_no_answer() {
        let text = r#"{"suggestedWindow":{"start":"2026-01-02T00:00:00Z","end":"2026-01-01T00:00:00Z"}}"#;
        assert!(serde_json::from_str::<RenewalInfo>(text).is_err());
    }
}
