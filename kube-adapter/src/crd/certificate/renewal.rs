//! When a certificate is renewed: what the spec asks for and what a server suggests.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::duration::GoDuration;
use crate::crd::open::open_enum;
use crate::crd::time::Time;

/// Whether and when a certificate is renewed for its age.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Renewal {
    /// `RenewBefore` renews in time, `Disabled` never renews for age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<RenewalPolicy>,
    /// Windows of time that renewals prefer. A certificate that would not live until the next one is renewed all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<RenewalWindow>,
}

/// A recurring window of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RenewalWindow {
    /// Time zone that the start is meant in, by its IANA name; UTC unless given.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(length(min = 1))]
    pub timezone: String,
    /// How long the window is open, in hours, minutes and seconds, for example `2h30m`.
    #[schemars(extend("pattern" = r"^([0-9]+(\.[0-9]+)?(s|m|h))+$"))]
    pub window_duration: GoDuration,
    /// When the window opens, as the five fields of cron: minute, hour, day of month, month, day of week.
    #[schemars(length(min = 1))]
    pub cron: String,
}

/// What an ACME server said of a certificate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CertificateAcmeStatus {
    /// Renewal information (RFC 9773) of the certificate in the Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ari: Option<RenewalInformation>,
}

/// Renewal information as it was read last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RenewalInformation {
    /// Window in which the server wants the certificate renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggested_window: Option<SuggestedWindow>,
    /// Page of the server that tells why the window is where it is.
    #[serde(rename = "explanationURL", skip_serializing_if = "String::is_empty")]
    pub explanation_url: String,
    /// When the server was asked last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_checked: Option<Time>,
    /// When the server will be asked again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_check: Option<Time>,
    /// Why the last question had no answer; empty when it had one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_error: String,
}

/// A window of time for renewal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SuggestedWindow {
    /// Beginning of the window.
    pub start: Option<Time>,
    /// End of the window.
    pub end: Option<Time>,
}

open_enum! {
    /// Whether a certificate is renewed for its age.
    RenewalPolicy {
        /// In time before its end.
        RenewBefore = "RenewBefore",
        /// Never.
        Disabled = "Disabled",
    }
}
