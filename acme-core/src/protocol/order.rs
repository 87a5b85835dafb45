//! Orders (RFC 8555 section 7.1.3, RFC 9773 section 5, the profiles extension).

use serde::{Deserialize, Serialize};

use super::{CertificateId, Problem, Url, statuses};
use crate::{Identifier, Timestamp};

/// What is asked of new-order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewOrder {
    /// What the certificate shall be for.
    pub identifiers: Vec<Identifier>,
    /// The first instant of its validity; most public certificate authorities refuse it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_before: Option<Timestamp>,
    /// The last instant of its validity; most public certificate authorities refuse it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_after: Option<Timestamp>,
    /// The certificate that this one replaces (RFC 9773 section 5).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub replaces: Option<CertificateId>,
    /// The profile, one that the directory advertises.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub profile: Option<String>,
}

impl NewOrder {
    /// An order for `identifiers` and nothing else.
    pub fn new(identifiers: impl IntoIterator<Item = Identifier>) -> Self {
        Self { identifiers: identifiers.into_iter().collect(), ..Self::default() }
    }
}

/// An order as the server shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Order {
    /// Where it stands.
    pub status: OrderStatus,
    /// When the server forgets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// What it is for.
    #[serde(default)]
    pub identifiers: Vec<Identifier>,
    /// As asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// As asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Timestamp>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// What must be proven first.
    #[serde(default)]
    pub authorizations: Vec<Url>,
    /// Where the signing request goes.
    pub finalize: Url,
    /// Where the certificate is, once valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Url>,
    /// The certificate that this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<CertificateId>,
    /// The profile in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

statuses! {
    /// The status of an order (RFC 8555 section 7.1.6).
    OrderStatus {
        /// Authorizations are missing.
        Pending = "pending",
        /// It may be finalized.
        Ready = "ready",
        /// The certificate is being made.
        Processing = "processing",
        /// The certificate is there.
        Valid = "valid",
        /// It failed.
        Invalid = "invalid",
    }
}
