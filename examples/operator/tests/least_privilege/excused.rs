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
    excuse("acme.cert-manager.io", "orders", &["get"], AGAIN),
    excuse(
        "acme.cert-manager.io",
        "orders",
        &["delete"],
        "for an Order of somebody else under the name of ours, and none is here",
    ),
    excuse("acme.cert-manager.io", "orders/finalizers", &["update"], OWNER),
    excuse("acme.cert-manager.io", "challenges", &["get"], AGAIN),
    excuse(
        "acme.cert-manager.io",
        "challenges",
        &["patch"],
        "for the finalizer of DNS-01 and of Ingresses that are edited in place",
    ),
    excuse(
        "acme.cert-manager.io",
        "challenges/status",
        &["patch"],
        "for what takes longer than two seconds, which nothing here does for certain",
    ),
    excuse("acme.cert-manager.io", "challenges/finalizers", &["update"], OWNER),
    excuse(
        "",
        "configmaps",
        &["get", "create", "patch"],
        "for pauses of more than a minute, and no authority here asks for one",
    ),
    excuse("", "services", &["list"], AGAIN),
    excuse("", "services", &["delete"], SWEPT),
    excuse(
        "discovery.k8s.io",
        "endpointslices",
        &["patch", "delete"],
        "for a solver that moves, and the one here stays",
    ),
    excuse("networking.k8s.io", "ingresses", &["list"], "for what a controller before this one left"),
    excuse(
        "networking.k8s.io",
        "ingresses",
        &["patch"],
        "for Ingresses that are edited in place, and more names of one Order",
    ),
    excuse("gateway.networking.k8s.io", "httproutes", ALL, "for solvers by HTTPRoute, and the one here is by Ingress"),
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

const ALL: &[&str] = &["get", "list", "create", "patch", "delete"];
const OWNER: &str = "looked for by the admission plugin OwnerReferencesPermissionEnforcement when an owner is named, and nothing is written there; \
    it is on in these tests, so that a creation without the right would be refused";
const AGAIN: &str = "read again after a conflict, and listed where an API server does not stream its lists: neither happens here for certain";
const SWEPT: &str = "an hour after the last work in a namespace";
