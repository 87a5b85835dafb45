//! Challenge: one proof that one name is under control (RFC 8555, section 7.1.5).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::acme::Solver;
use crate::crd::open::{Unknown, open_enum, root};
use crate::crd::order::AcmeState;
use crate::crd::reference::IssuerRef;
use crate::crd::time::Time;

/// One proof that one name of an Order is under control.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Challenge {
    /// Metadata as every object of the API has it.
    pub metadata: ObjectMeta,
    /// What is to be shown, and how. It cannot be changed.
    pub spec: ChallengeSpec,
    /// What became of it. Written by the controller alone.
    pub status: Option<ChallengeStatus>,
}

root!(Challenge, "acme.cert-manager.io", "Challenge", "challenges", NamespaceResourceScope);

/// What a [`Challenge`] shows, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ChallengeSpec {
    /// URL of the challenge; a request to it accepts the challenge.
    pub url: String,
    /// URL of the authorization that the challenge belongs to.
    #[serde(rename = "authorizationURL")]
    pub authorization_url: String,
    /// The name, without the leading `*.` of a wildcard; may be an IP address.
    pub dns_name: String,
    /// Whether the wildcard below the name is meant.
    #[schemars(extend("x-optional" = true))]
    pub wildcard: bool,
    /// Kind of the challenge.
    #[serde(rename = "type")]
    pub kind: ChallengeType,
    /// The token of the challenge.
    pub token: String,
    /// What is shown: for HTTP-01 the key authorization, for DNS-01 its digest, as it stands in the TXT record.
    pub key: String,
    /// How it is shown: the solver of the issuer that was chosen for the name.
    pub solver: Solver,
    /// The ACME issuer whose account ordered.
    pub issuer_ref: IssuerRef,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// What became of a [`Challenge`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ChallengeStatus {
    /// Whether the challenge is being worked on.
    #[schemars(extend("x-optional" = true))]
    pub processing: bool,
    /// Whether the record, route or file that answers the challenge was made.
    #[schemars(extend("x-optional" = true))]
    pub presented: bool,
    /// When it was made first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presented_at: Option<Time>,
    /// Why the challenge is in its state, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// State of the challenge; absent until it was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<AcmeState>,
}

open_enum! {
    /// Kind of a challenge.
    ChallengeType {
        /// A file below `/.well-known/acme-challenge/` (RFC 8555, section 8.3).
        Http01 = "HTTP-01",
        /// A TXT record below `_acme-challenge.` (RFC 8555, section 8.4).
        Dns01 = "DNS-01",
    }
}

impl Default for ChallengeType {
    fn default() -> Self {
        Self::Other(String::new())
    }
}
