//! The Service of a namespace that leads to the solver of all, wherever it runs.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::{PORT, labels};
use crate::key::{Name, Uid};

/// A Service without selector: its EndpointSlices are ours.
pub(crate) fn service(namespace: &str, service_type: &str, port: u16, extra: &[(String, String)]) -> Value {
    let kind = if service_type.is_empty() { "ClusterIP" } else { service_type };
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {
            "name": NAME, "namespace": namespace, "labels": labels(extra, None),
            "annotations": { "auth.istio.io/8089": "NONE" },
        },
        "spec": { "type": kind, "ports": [{ "name": "http", "protocol": "TCP", "port": PORT, "targetPort": port }] },
    })
}

/// Where the solver listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listens<'a> {
    pub(crate) addresses: &'a [IpAddr],
    pub(crate) port: u16,
}

/// The EndpointSlices of that Service: one for each address family that the solver has addresses in.
pub(crate) fn endpoint_slices(
    service: &Name,
    uid: &Uid,
    solver: Listens<'_>,
    extra: &[(String, String)],
) -> Vec<Value> {
    let families = [("IPv4", "v4"), ("IPv6", "v6")];
    families
        .into_iter()
        .filter_map(|(family, short)| {
            let mut of_family: Vec<String> = solver
                .addresses
                .iter()
                .filter(|it| it.is_ipv6() == (family == "IPv6"))
                .map(IpAddr::to_string)
                .collect();
            of_family.sort_unstable();
            of_family.dedup();
            (!of_family.is_empty()).then(|| {
                let mut slice = endpoint_slice(service, uid, family, short, &of_family, extra);
                slice["ports"] = json!([{ "name": "http", "protocol": "TCP", "port": solver.port }]);
                slice
            })
        })
        .collect()
}

/// What a slice of this family is called.
fn slice_name(short: &str) -> String {
    format!("{NAME}-{short}")
}

/// What slices of both families are called.
pub(super) fn slice_names() -> [String; 2] {
    ["v4", "v6"].map(slice_name)
}

fn endpoint_slice(
    service: &Name,
    uid: &Uid,
    family: &str,
    short: &str,
    addresses: &[String],
    extra: &[(String, String)],
) -> Value {
    let mut labels = labels(extra, None);
    labels.insert("kubernetes.io/service-name".to_owned(), service.object().to_owned());
    labels.insert("endpointslice.kubernetes.io/managed-by".to_owned(), "certwright.io".to_owned());
    // Written out, because some controllers pass over endpoints that do not say so.
    let conditions = json!({ "ready": true, "serving": true, "terminating": false });
    let endpoints: Vec<Value> =
        addresses.iter().map(|address| json!({ "addresses": [address], "conditions": conditions })).collect();
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {
            "name": slice_name(short), "namespace": service.namespace(), "labels": labels,
            "ownerReferences": [{ "apiVersion": "v1", "kind": "Service", "name": service.object(), "uid": uid.to_string() }],
        },
        "addressType": family, "endpoints": endpoints,
    })
}

/// What the shared Service is called.
pub(crate) const NAME: &str = "cm-acme-http-solver";
