//! One control plane with the definitions of the resources, for all tests of this program.

use std::sync::OnceLock;

use serde_json::{Value, json};
use testkit::servers::ControlPlane;

/// The control plane, started by whoever asks first.
pub(crate) fn cluster() -> &'static ControlPlane {
    static CLUSTER: OnceLock<()> = OnceLock::new();
    let plane = ControlPlane::shared();
    CLUSTER.get_or_init(|| {
        for definition in kube_adapter::crd::all().expect("the definitions") {
            let body = serde_json::to_value(&definition).expect("JSON");
            plane.write("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &body);
        }
    });
    plane
}

/// A namespace of its own for a test: its Lease is nobody else's.
pub(crate) fn namespace(name: &str) -> String {
    let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    cluster().write("POST", "/api/v1/namespaces", &body);
    name.to_owned()
}

/// What the Lease of that namespace says.
pub(crate) fn lease(namespace: &str) -> Option<Value> {
    let answer = cluster().call("GET", &lease_path(namespace), None);
    (answer.status == 200).then(|| answer.body["spec"].clone())
}

/// Writes the whole Lease, as cert-manager's controller does.
pub(crate) fn put_lease(namespace: &str, holder: &str, seconds: u32, renewed: &str) {
    let mut body = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": { "name": LEASE, "namespace": namespace },
        "spec": {
            "holderIdentity": holder, "leaseDurationSeconds": seconds, "leaseTransitions": 12,
            "acquireTime": "2026-01-02T03:04:05.000000Z", "renewTime": renewed,
        },
    });
    let found = cluster().call("GET", &lease_path(namespace), None);
    if found.status == 200 {
        body["metadata"]["resourceVersion"] = found.body["metadata"]["resourceVersion"].clone();
        cluster().write("PUT", &lease_path(namespace), &body);
    } else {
        cluster().write("POST", &format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"), &body);
    }
}

fn lease_path(namespace: &str) -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{LEASE}")
}

const LEASE: &str = "cert-manager-controller";
