//! The rights in the manifests are the rights that are needed: none is missing, and none is too much.

mod excused;
mod manifests;
mod operator;
mod rights;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::servers::{AuditEvent, ControlPlane, Pebble, gateway_api_crds};

use excused::Excuse;
use operator::{NAMESPACE, Operator};
use rights::{Right, granted, refused, used};

#[test]
fn every_manifest_is_accepted() {
    let plane = plane();
    apply(
        &plane,
        &[
            "accounts.yaml",
            "rbac.yaml",
            "users.yaml",
            "optional/solver-pods.yaml",
            "optional/openshift.yaml",
            "optional/dns-webhook.yaml",
        ],
    );
    apply(&plane, &["controller.yaml", "solver.yaml"]);
    apply(&plane, &["namespaced/rbac.yaml", "namespaced/each/tenant.yaml", "namespaced/each/secrets.yaml"]);
    apply(&plane, &["namespaced/controller.yaml", "namespaced/solver.yaml"]);
    plane.apply(&namespace());
    apply(&plane, &["named/controller.yaml", "named/secrets.yaml"]);
}

#[test]
fn a_whole_cluster_is_looked_after_with_the_rights_that_are_granted_and_no_other() {
    let plane = plane();
    let roles = apply(&plane, &["accounts.yaml", "rbac.yaml"]);
    let flags = [
        "--roles=controller",
        "--cluster-resource-namespace=certwright",
        "--http01-solver=shared",
        "--http01-solver-service=certwright-solver",
        "--http01-self-check=off",
    ];
    let controller = Operator::start(&plane, CONTROLLER, &flags);
    let _solver = Operator::start(&plane, SOLVER, &["--roles=solver"]);
    apply(&plane, &["../samples/private-ca.yaml"]);
    controller.wait_until_ready(&plane, "shop", "web");
    plane.apply(&cluster_issuer());
    plane
        .wait_for(&format!("{CERT_MANAGER}/clusterissuers/everybody"), |it| it["status"]["conditions"].is_array())
        .expect("a condition");
    plane.write("DELETE", "/api/v1/namespaces/shop/secrets/web-tls", &Value::Null);
    let requests = format!("{CERT_MANAGER}/namespaces/shop/certificaterequests");
    plane.wait_for(&requests, |it| names(it) == ["root-1", "web-2"]).expect("a second request, and the first gone");
    // An authority that takes every answer for right: what is looked at here are the rights to lead there.
    let pebble = Pebble::builder().always_valid().start();
    plane.apply(&solver_address());
    by_acme(&pebble).iter().for_each(|it| drop(plane.apply_in("shop", it)));
    controller.wait_until_ready(&plane, "shop", "public");
    let challenges = "/apis/acme.cert-manager.io/v1/namespaces/shop/challenges";
    plane.wait_for(challenges, |it| names(it).is_empty()).expect("no Challenge is left");
    let secrets = "/api/v1/namespaces/shop/secrets?labelSelector=cert-manager.io/next-private-key";
    plane.wait_for(secrets, |it| names(it).is_empty()).expect("no next key is left");
    plane.wait_for(LEASE, |it| it["spec"]["renewTime"] != it["spec"]["acquireTime"]).expect("a renewed Lease");

    let events = plane.audit();
    assert_fits(&events, &roles, CONTROLLER, excused::CONTROLLER);
    assert_fits(&events, &roles, SOLVER, excused::SOLVER);
}

#[test]
fn namespaces_are_looked_after_with_rights_in_them_alone() {
    let plane = plane();
    plane.apply(&namespace());
    apply(&plane, &["accounts.yaml", "namespaced/rbac.yaml"]);
    apply_in_shop(&plane, "namespaced/each/tenant.yaml");
    apply_in_shop(&plane, "namespaced/each/secrets.yaml");
    let flags =
        ["--roles=controller", "--namespaces=shop", "--leader-election-namespace=certwright", "--http01-solver=shared"];
    let controller = Operator::start(&plane, CONTROLLER, &flags);
    apply(&plane, &["../samples/private-ca.yaml"]);
    controller.wait_until_ready(&plane, "shop", "web");

    assert_eq!(refused(&plane.audit(), &user(CONTROLLER)), <[String; 0]>::default());
}

#[test]
fn secrets_are_used_by_the_names_that_a_printed_role_gives_them() {
    let plane = plane();
    plane.apply(&namespace());
    apply(&plane, &["accounts.yaml", "namespaced/rbac.yaml"]);
    apply_in_shop(&plane, "namespaced/each/tenant.yaml");
    apply(&plane, &["../samples/private-ca.yaml"]);
    let listed = ["certificates", "issuers"].map(|it| plane.read(&format!("{CERT_MANAGER}/namespaces/shop/{it}")));
    // As kubectl prints several kinds: one list, and every item says what it is.
    let of = |list: &Value| -> Vec<Value> {
        let kind = list["kind"].as_str().and_then(|it| it.strip_suffix("List")).expect("a list").to_owned();
        let items = list["items"].as_array().cloned().unwrap_or_default().into_iter();
        let mut items: Vec<Value> = items.collect();
        items.iter_mut().for_each(|it| it["kind"] = json!(kind));
        items
    };
    let objects =
        json!({ "apiVersion": "v1", "kind": "List", "items": listed.iter().flat_map(of).collect::<Vec<_>>() });
    let roles = operator::roles(&objects.to_string());
    assert_eq!(roles, manifests::read("named/secrets.yaml"), "the example is what is printed");
    roles.iter().for_each(|it| drop(plane.apply(it)));
    let flags = [
        "--roles=controller",
        "--namespaces=shop",
        "--secrets=named",
        "--durable-keys=always",
        "--leader-election-namespace=certwright",
        "--http01-solver=shared",
    ];
    let controller = Operator::start(&plane, CONTROLLER, &flags);
    controller.wait_until_ready(&plane, "shop", "web");
    plane
        .wait_for("/api/v1/namespaces/shop/secrets", |it| names(it) == ["root", "web-tls"])
        .expect("no next key is left");

    let events = plane.audit();
    assert_fits(&events, &roles, CONTROLLER, &[]);
    let user = user(CONTROLLER);
    let secrets = events.iter().filter(|it| it.user == user && it.resource.as_deref() == Some("secrets"));
    let unnamed: Vec<_> = secrets.filter(|it| it.name.is_none() && !it.uri.contains("metadata.name%3D")).collect();
    assert!(unnamed.is_empty(), "{unnamed:?}");
}

/// Nothing was refused, and what was granted was used or has a reason.
#[track_caller]
fn assert_fits(events: &[AuditEvent], roles: &[Value], account: &str, excuses: &[Excuse]) {
    let user = user(account);
    assert_eq!(refused(events, &user), <[String; 0]>::default(), "{account} was refused what it asked for");
    let granted = granted(roles, account);
    let used = used(events, &user);
    let excused: BTreeSet<_> = excuses.iter().flat_map(Excuse::rights).collect();
    let idle: Vec<_> =
        granted.iter().filter(|it| !used.contains(it) && !excused.contains(it)).map(Right::to_string).collect();
    assert_eq!(idle, <[String; 0]>::default(), "{account} never used this, and no reason is given");
    for excuse in excuses {
        let stale = excuse.rights().find(|it| !granted.contains(it));
        assert_eq!(stale, None, "{account} has it no more, so this is no reason: {}", excuse.reason);
    }
}

fn plane() -> ControlPlane {
    let crds = kube_adapter::crd::all().expect("definitions").into_iter();
    let crds = crds.map(|crd| serde_json::to_value(crd).expect("JSON")).chain(gateway_api_crds());
    // What OpenShift, and whoever turns it on, asks for beside what a plain cluster does.
    ControlPlane::builder().crds(crds).admission_plugin("OwnerReferencesPermissionEnforcement").start()
}

/// Applies what is in these files, and answers it.
fn apply(plane: &ControlPlane, files: &[&str]) -> Vec<Value> {
    let objects: Vec<_> = files.iter().flat_map(|file| manifests::read(file)).collect();
    objects.iter().for_each(|object| drop(plane.apply(object)));
    objects
}

/// The same of what names no namespace.
fn apply_in_shop(plane: &ControlPlane, file: &str) {
    manifests::read(file).iter().for_each(|object| drop(plane.apply_in("shop", object)));
}

fn namespace() -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } })
}

fn cluster_issuer() -> Value {
    let metadata = json!({ "name": "everybody" });
    json!({ "apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer", "metadata": metadata, "spec": { "selfSigned": {} } })
}

/// Where the role `solver` would listen, as the cluster says it of Pods.
fn solver_address() -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {
            "name": "certwright-solver", "namespace": NAMESPACE, "labels": { "kubernetes.io/service-name": "certwright-solver" },
        },
        "endpoints": [{ "addresses": ["192.0.2.8"], "conditions": { "ready": true } }],
        "ports": [{ "name": "http", "port": 8089 }],
    })
}

/// An Issuer that proves names by HTTP-01, and a Certificate from it.
fn by_acme(pebble: &Pebble) -> [Value; 2] {
    let acme = json!({
        "server": pebble.directory_url(), "skipTLSVerify": true, "privateKeySecretRef": { "name": "account" },
        "solvers": [{ "http01": { "ingress": { "ingressClassName": "web" } } }],
    });
    let certificate = json!({
        "secretName": "public", "dnsNames": ["www.example.test"], "issuerRef": { "name": "acme" }, "privateKey": { "algorithm": "ECDSA" },
    });
    [("Issuer", "acme", json!({ "acme": acme })), ("Certificate", "public", certificate)].map(|(kind, name, spec)| {
        json!({ "apiVersion": "cert-manager.io/v1", "kind": kind, "metadata": { "name": name }, "spec": spec })
    })
}

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|it| it["metadata"]["name"].as_str()).collect()
}

fn user(account: &str) -> String {
    format!("system:serviceaccount:{NAMESPACE}:{account}")
}

const CONTROLLER: &str = "certwright-controller";
const CERT_MANAGER: &str = "/apis/cert-manager.io/v1";
const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/cert-manager-controller";
const SOLVER: &str = "certwright-solver";
