//! The paths to a certificate, each with the writes that the ledger says.

use serde_json::{Value, json};

use crate::kit::manifests::{certificate, signing_request, with_spec};
use crate::kit::standins::FOREIGN_GROUP;

/// A way to a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// An authority in a Secret.
    Ca,
    /// Everybody signs for himself.
    SelfSigned,
    /// A second certificate for the key that is there.
    Never,
    /// An authority in a Secret, and somebody else approves.
    Approved,
    /// The same, a second time for the key that is there.
    ApprovedNever,
    /// The same, for the first time, with a temporary certificate meanwhile.
    Temporary,
    /// A controller of somebody else's signs.
    External,
    /// A Vault signs.
    Vault,
    /// An ACME server that wants so many names proven by DNS.
    Dns01(usize),
    /// The same, where that lasts so long that it is shown.
    SlowDns01(usize),
    /// An ACME server that wants nothing proven any more.
    Authorized,
    /// A request without a Certificate.
    Bare,
}

impl Path {
    /// The object writes, in whatever order.
    pub(crate) fn writes(self) -> Vec<&'static str> {
        match self {
            Self::Ca | Self::SelfSigned => ONE_PASS.to_vec(),
            // A renewal: the request before goes.
            Self::Never => [&ONE_PASS[..], &["delete certificaterequests"]].concat(),
            Self::Approved | Self::External => [&["patch certificates/status"], &STORED[..]].concat(),
            Self::ApprovedNever => {
                [&["patch certificates/status", "delete certificaterequests"], &ONE_PASS[..]].concat()
            }
            // The temporary pair holds the key, and is in the place where the other will be.
            Self::Temporary => [&["patch secrets", "patch certificates/status"], &ONE_PASS[..]].concat(),
            Self::Vault => [&["patch certificaterequests/status"], &STORED[..]].concat(),
            Self::Authorized => [&["patch certificaterequests/status"], &STORED[..], &ORDER].concat(),
            Self::Dns01(names) => [Self::Authorized.writes(), CHALLENGE.repeat(names)].concat(),
            Self::SlowDns01(names) => {
                let shown = ["patch certificates/status", "patch orders/status"];
                [Self::Dns01(names).writes(), shown.to_vec(), ["patch challenges/status"].repeat(names)].concat()
            }
            Self::Bare => vec!["patch certificaterequests/status"],
        }
    }

    /// The object writes of the second certificate: the request before goes, and its Order with it.
    pub(crate) fn writes_again(self) -> Vec<&'static str> {
        [self.writes(), vec!["delete certificaterequests"]].concat()
    }

    /// The same where only so many names have to be proven: of those that were proven before, Pebble takes one in a hundred as it is, whatever it is told.
    pub(crate) fn proving(self, names: usize) -> Self {
        #[expect(clippy::wildcard_enum_match_arm, reason = "nothing has to be proven on the others")]
        match self {
            Self::Dns01(all) | Self::SlowDns01(all) if names == 0 && all > 0 => Self::Authorized,
            Self::Dns01(all) if names < all => Self::Dns01(names),
            Self::SlowDns01(all) if names < all => Self::SlowDns01(names),
            path => path,
        }
    }

    /// Is what is tried the second certificate?
    pub(crate) fn is_renewal(self) -> bool {
        matches!(self, Self::Never | Self::ApprovedNever)
    }

    /// The manifest that asks for a certificate.
    pub(crate) fn manifest(self, name: &str) -> Value {
        let plain = certificate(name, "ca");
        match self {
            Self::Ca | Self::Approved | Self::Vault | Self::Authorized => plain,
            // Without a subject its issuer would be nobody, and a second Event says so.
            Self::SelfSigned => with_spec(plain, json!({ "commonName": name })),
            Self::Never | Self::ApprovedNever => {
                with_spec(plain, json!({ "privateKey": { "rotationPolicy": "Never" } }))
            }
            Self::Temporary => {
                let mut manifest = plain;
                manifest["metadata"]["annotations"] = json!({ "cert-manager.io/issue-temporary-certificate": "true" });
                manifest
            }
            Self::External => {
                with_spec(plain, json!({ "issuerRef": { "group": FOREIGN_GROUP, "kind": "FarIssuer", "name": "far" } }))
            }
            Self::Dns01(names) | Self::SlowDns01(names) => {
                let names: Vec<String> = (0..names).map(|at| format!("{name}-{at}.example.test")).collect();
                with_spec(plain, json!({ "dnsNames": names }))
            }
            Self::Bare => signing_request(name, "ca"),
        }
    }
}

/// Where signer, approver and store are one process.
const ONE_PASS: [&str; 4] =
    ["create certificaterequests", "patch certificaterequests/status", "patch secrets", "patch certificates/status"];
/// The key is stored first.
const STORED: [&str; 6] = [
    "create secrets",
    "create certificaterequests",
    "patch certificaterequests/status",
    "patch secrets",
    "patch certificates/status",
    "delete secrets",
];
const ORDER: [&str; 3] = ["create orders", "patch orders/status", "patch orders/status"];
const CHALLENGE: [&str; 3] = ["create challenges", "patch challenges", "delete challenges"];
