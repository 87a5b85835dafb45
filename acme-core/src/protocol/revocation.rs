//! Revocation (RFC 8555 section 7.6).

use serde::{Deserialize, Serialize};

/// Why a certificate is revoked (RFC 5280 section 5.3.1). Let's Encrypt takes 0, 1, 4 and 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
#[non_exhaustive]
pub enum RevocationReason {
    /// No reason is given (0).
    Unspecified,
    /// The private key is known to others (1).
    KeyCompromise,
    /// The key of the certificate authority is known to others (2).
    CaCompromise,
    /// The subject's affiliation changed (3).
    AffiliationChanged,
    /// Another certificate took its place (4).
    Superseded,
    /// It is needed no more (5).
    CessationOfOperation,
    /// It is on hold (6).
    CertificateHold,
    /// It is off hold (8).
    RemoveFromCrl,
    /// A privilege was withdrawn (9).
    PrivilegeWithdrawn,
    /// The key of the attribute authority is known to others (10).
    AaCompromise,
}

impl From<RevocationReason> for u8 {
    fn from(reason: RevocationReason) -> Self {
        match reason {
            RevocationReason::Unspecified => 0,
            RevocationReason::KeyCompromise => 1,
            RevocationReason::CaCompromise => 2,
            RevocationReason::AffiliationChanged => 3,
            RevocationReason::Superseded => 4,
            RevocationReason::CessationOfOperation => 5,
            RevocationReason::CertificateHold => 6,
            RevocationReason::RemoveFromCrl => 8,
            RevocationReason::PrivilegeWithdrawn => 9,
            RevocationReason::AaCompromise => 10,
        }
    }
}

impl TryFrom<u8> for RevocationReason {
    type Error = crate::Error;

    fn try_from(code: u8) -> Result<Self, crate::Error> {
        Ok(match code {
            0 => Self::Unspecified,
            1 => Self::KeyCompromise,
            2 => Self::CaCompromise,
            3 => Self::AffiliationChanged,
            4 => Self::Superseded,
            5 => Self::CessationOfOperation,
            6 => Self::CertificateHold,
            8 => Self::RemoveFromCrl,
            9 => Self::PrivilegeWithdrawn,
            10 => Self::AaCompromise,
            _ => {
                return Err(crate::Error::new(
                    crate::ErrorKind::Malformed,
                    format!("{code} is not a revocation reason of RFC 5280"),
                ));
            }
        })
    }
}
