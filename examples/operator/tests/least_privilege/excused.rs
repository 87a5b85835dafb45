//! Rights that the manifests grant and no test shows in use, each with its reason.

use crate::rights::Right;

/// The reasons, for the rights of `certwright-controller`.
pub(crate) const CONTROLLER: &[Excuse] = &[
    excuse(
        "cert-manager.io",
        "signers",
        &["approve"],
        "asked about by SelfSubjectAccessReview, which names no resource in the log; requests are approved accordingly",
    ),
    excuse("cert-manager.io", "certificates/finalizers", &["update"], OWNER),
    excuse("cert-manager.io", "certificaterequests/finalizers", &["update"], OWNER),
    excuse("cert-manager.io", "certificates", &["get", "list"], AGAIN),
    excuse("cert-manager.io", "certificaterequests", &["get", "list"], AGAIN),
    excuse(
        "cert-manager.io",
        "certificaterequests",
        &["patch"],
        "for the name that CyberArk Certificate Manager gives a request, and no issuer here is of that kind",
    ),
    excuse("cert-manager.io", "issuers", &["get", "list"], AGAIN),
    excuse("cert-manager.io", "clusterissuers", &["get", "list"], AGAIN),
    excuse("acme.cert-manager.io", "orders", &["list"], AGAIN),
    excuse("acme.cert-manager.io", "challenges", &["list"], AGAIN),
    excuse("", "secrets", &["list"], AGAIN),
    excuse(
        "",
        "secrets",
        &["create", "delete"],
        "for the next key of a certificate that waits for others, which no certificate here does",
    ),
    excuse("acme.cert-manager.io", "orders", &["get", "create", "delete"], ACME),
    excuse("acme.cert-manager.io", "orders/status", &["patch"], ACME),
    excuse("acme.cert-manager.io", "orders/finalizers", &["update"], ACME),
    excuse("acme.cert-manager.io", "challenges", &["get", "create", "delete", "patch"], ACME),
    excuse("acme.cert-manager.io", "challenges/status", &["patch"], ACME),
    excuse("acme.cert-manager.io", "challenges/finalizers", &["update"], ACME),
    excuse("", "configmaps", &["get", "create", "patch"], ACME),
    excuse("", "services", ALL, ACME),
    excuse("discovery.k8s.io", "endpointslices", ALL, ACME),
    excuse("networking.k8s.io", "ingresses", ALL, ACME),
    excuse("gateway.networking.k8s.io", "httproutes", ALL, ACME),
];

/// The reasons, for the rights of `certwright-solver`.
pub(crate) const SOLVER: &[Excuse] = &[excuse("acme.cert-manager.io", "challenges", &["list"], AGAIN)];

/// One resource's rights that are granted all the same.
#[derive(Debug)]
pub(crate) struct Excuse {
    group: &'static str,
    resource: &'static str,
    verbs: &'static [&'static str],
    pub(crate) reason: &'static str,
}

impl Excuse {
    pub(crate) fn rights(&self) -> impl Iterator<Item = Right> {
        self.verbs.iter().map(|verb| Right::new(self.group, self.resource, verb))
    }
}

const fn excuse(
    group: &'static str,
    resource: &'static str,
    verbs: &'static [&'static str],
    reason: &'static str,
) -> Excuse {
    Excuse { group, resource, verbs, reason }
}

const ALL: &[&str] = &["get", "list", "watch", "create", "patch", "delete"];
const OWNER: &str = "looked for by the admission plugin OwnerReferencesPermissionEnforcement when an owner is named, and nothing is written there; \
    it is on in these tests, so that a creation without the right would be refused";
const AGAIN: &str = "read again after a conflict, and listed where an API server does not stream its lists: neither happens here for certain";
const ACME: &str = "for Orders, which a private authority does not make";
