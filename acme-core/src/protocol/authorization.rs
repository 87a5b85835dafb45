//! Authorizations (RFC 8555 section 7.1.4).

use serde::{Deserialize, Serialize};

use super::{Challenge, statuses};
use crate::{Identifier, Timestamp};

/// An authorization as the server shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Authorization {
    /// What is to be proven; a wildcard's base name, without `*.`.
    pub identifier: Identifier,
    /// Where it stands.
    pub status: AuthorizationStatus,
    /// When the server forgets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// The ways to prove it, in no particular order.
    #[serde(default)]
    pub challenges: Vec<Challenge>,
    /// Whether a wildcard of the identifier is what was ordered.
    #[serde(default)]
    pub wildcard: bool,
}

impl Authorization {
    /// The identifier as it was ordered: with the `*.` of a wildcard.
    pub fn ordered(&self) -> Identifier {
        match &self.identifier {
            Identifier::Dns(name) if self.wildcard => Identifier::Dns(name.wildcard()),
            Identifier::Dns(_) | Identifier::Ip(_) | Identifier::Other(_) => self.identifier.clone(),
        }
    }
}

statuses! {
    /// The status of an authorization (RFC 8555 section 7.1.6).
    AuthorizationStatus {
        /// Nothing is proven yet.
        Pending = "pending",
        /// Proven.
        Valid = "valid",
        /// A proof failed.
        Invalid = "invalid",
        /// The client gave it up.
        Deactivated = "deactivated",
        /// Its time is over.
        Expired = "expired",
        /// The server took it back.
        Revoked = "revoked",
    }
}
