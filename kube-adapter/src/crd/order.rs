//! Order: one order at an ACME server (RFC 8555, section 7.1.3).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::base64::Base64;
use crate::crd::duration::GoDuration;
use crate::crd::open::{Unknown, open_enum, root};
use crate::crd::reference::IssuerRef;
use crate::crd::time::Time;

/// One order at an ACME server, for one CertificateRequest.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Order {
    /// Metadata as every object of the API has it.
    pub metadata: ObjectMeta,
    /// What is ordered.
    pub spec: OrderSpec,
    /// What became of it. Written by the controller alone.
    pub status: Option<OrderStatus>,
}

root!(Order, "acme.cert-manager.io", "Order", "orders", NamespaceResourceScope);

/// What an [`Order`] orders.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OrderSpec {
    /// The signing request (PKCS#10) the order is finalised with, in PEM; old objects have DER.
    pub request: Base64,
    /// The ACME issuer whose account orders.
    pub issuer_ref: IssuerRef,
    /// Common name of the signing request; one of the names below as well.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub common_name: String,
    /// DNS names that are ordered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns_names: Vec<String>,
    /// IP addresses that are ordered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ip_addresses: Vec<String>,
    /// Lifetime that is asked for, where the issuer is told to ask for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<GoDuration>,
    /// Profile of the server to order by.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub profile: String,
    /// Identifier (RFC 9773, section 4.1) of the certificate that this one replaces.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub replaces: String,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// What became of an [`Order`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OrderStatus {
    /// URL of the order at the server; empty until it was made.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// URL that the signing request is sent to.
    #[serde(rename = "finalizeURL", skip_serializing_if = "String::is_empty")]
    pub finalize_url: String,
    /// What the server wants proved, one for each name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorizations: Vec<Authorization>,
    /// The certificate and those that vouch for it, in PEM, once issued.
    #[serde(skip_serializing_if = "Base64::is_empty")]
    pub certificate: Base64,
    /// State of the order: `valid`, `invalid`, `expired` and `errored` are final.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<AcmeState>,
    /// Why the order is in its state, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// When the order failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_time: Option<Time>,
}

/// What a server wants proved for one name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Authorization {
    /// URL of the authorization.
    pub url: String,
    /// The name, without the leading `*.` of a wildcard.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub identifier: String,
    /// Whether the wildcard below the name is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wildcard: Option<bool>,
    /// State when the authorization was read first; a valid one needs no Challenge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_state: Option<AcmeState>,
    /// Challenges that the server offers, one of which is enough.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub challenges: Vec<OfferedChallenge>,
}

/// A challenge that a server offers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OfferedChallenge {
    /// URL of the challenge.
    pub url: String,
    /// The token of the challenge.
    pub token: String,
    /// Kind of the challenge as the server calls it, for example `http-01`.
    #[serde(rename = "type")]
    pub kind: String,
}

open_enum! {
    /// State of an order, an authorization or a challenge; RFC 8555's, and two of the controller's own.
    AcmeState {
        /// Done (RFC 8555).
        Valid = "valid",
        /// Every authorization is valid, the order waits for its signing request (RFC 8555).
        Ready = "ready",
        /// Something is still to be proved (RFC 8555).
        Pending = "pending",
        /// The server is at work (RFC 8555).
        Processing = "processing",
        /// Failed at the server (RFC 8555).
        Invalid = "invalid",
        /// The server has forgotten it.
        Expired = "expired",
        /// Failed before or besides the server.
        Errored = "errored",
    }
}

impl AcmeState {
    /// Whether the state is a failure that nothing leads out of.
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Invalid | Self::Expired | Self::Errored => true,
            Self::Valid | Self::Ready | Self::Pending | Self::Processing | Self::Other(_) => false,
        }
    }

    /// Whether nothing leads out of the state.
    pub fn is_final(&self) -> bool {
        *self == Self::Valid || self.is_failure()
    }
}
