//! The paths to a certificate, each with the writes that the ledger says.

use certwright_kube_adapter::Settings;
use serde_json::{Value, json};

use crate::kit::manifests::{authority, certificate, renew, self_signed_issuer, signing_request, with_spec};
use crate::kit::standins::{self, FOREIGN_GROUP, ForeignAuthority};
use crate::kit::{Proxy, Space};

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
    /// A controller of somebody else's signs.
    External,
    /// A request without a Certificate.
    Bare,
}

impl Path {
    /// The object writes, in whatever order.
    pub(crate) fn writes(self) -> &'static [&'static str] {
        match self {
            Self::Ca | Self::SelfSigned => &[
                "create certificaterequests",
                "patch certificaterequests/status",
                "patch secrets",
                "patch certificates/status",
            ],
            // A renewal: the request before goes.
            Self::Never => &[
                "create certificaterequests",
                "patch certificaterequests/status",
                "patch secrets",
                "patch certificates/status",
                "delete certificaterequests",
            ],
            Self::Approved | Self::External => &[
                "create secrets",
                "patch certificates/status",
                "create certificaterequests",
                "patch certificaterequests/status",
                "patch secrets",
                "patch certificates/status",
                "delete secrets",
            ],
            Self::Bare => &["patch certificaterequests/status"],
        }
    }

    /// Settings of a controller under which the path is taken.
    pub(crate) fn settings(self, space: &Space) -> Settings {
        let mut settings = space.settings();
        settings.approver = self != Self::Approved;
        settings
    }

    /// The issuer.
    pub(crate) fn prepare(self, space: &Space) {
        match self {
            Self::Ca | Self::Never | Self::Approved | Self::Bare => authority(space),
            Self::SelfSigned => {
                space.apply(&self_signed_issuer("ca"));
            }
            Self::External => {}
        }
    }

    /// Waits until what was prepared can be used.
    pub(crate) fn await_prepared(self, space: &Space) {
        if self != Self::External {
            space.await_condition("issuers", "ca", "Ready", "True");
        }
    }

    /// Asks for a certificate.
    pub(crate) fn ask(self, space: &Space, name: &str) {
        let manifest = match self {
            Self::Ca | Self::Approved => certificate(name, "ca"),
            // Without a subject its issuer would be nobody, and a second Event says so.
            Self::SelfSigned => with_spec(certificate(name, "ca"), json!({ "commonName": name })),
            Self::Never => with_spec(certificate(name, "ca"), json!({ "privateKey": { "rotationPolicy": "Never" } })),
            Self::External => with_spec(
                certificate(name, "far"),
                json!({ "issuerRef": { "group": FOREIGN_GROUP, "kind": "FarIssuer", "name": "far" } }),
            ),
            Self::Bare => signing_request(name, "ca"),
        };
        space.apply(&manifest);
    }

    /// What precedes a renewal, where the path is one; answers the revision that is asked for next.
    pub(crate) fn begin(self, space: &Space, proxy: &Proxy, name: &str) -> u64 {
        if self != Self::Never {
            return 1;
        }
        self.ask(space, name);
        space.await_ready(name);
        space.await_quiet(proxy);
        proxy.forget();
        2
    }

    /// Asks for a certificate in this revision.
    pub(crate) fn ask_in(self, space: &Space, name: &str, revision: u64) {
        if revision == 1 { self.ask(space, name) } else { renew(space, name) }
    }

    /// Does what others do on this path, as far as it can be done now.
    pub(crate) fn help(self, space: &Space, authority: &ForeignAuthority) {
        match self {
            Self::Ca | Self::SelfSigned | Self::Never | Self::Bare => {}
            Self::Approved => standins::approve(space),
            Self::External => standins::sign(space, authority),
        }
    }

    /// Is it there, in this revision?
    pub(crate) fn is_done(self, space: &Space, name: &str, revision: u64) -> Result<Value, String> {
        let resource = if self == Self::Bare { "certificaterequests" } else { "certificates" };
        let object = space.get(resource, name).ok_or("there is none")?;
        let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let ready = conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True");
        let issuing = conditions.iter().any(|it| it["type"] == "Issuing" && it["status"] == "True");
        let revised = self == Self::Bare || object["status"]["revision"] == revision;
        if ready && !issuing && revised { Ok(object) } else { Err(object["status"].to_string()) }
    }
}
