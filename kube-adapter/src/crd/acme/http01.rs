//! How HTTP-01 challenges are shown: by Ingress or by HTTPRoute.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::acme::pod::{ObjectTemplate, PodTemplate};
use crate::crd::open::Unknown;

/// By a file on port 80: exactly one of the fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Http01Solver {
    /// Routed there by an Ingress.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress: Option<IngressSolver>,
    /// Routed there by an HTTPRoute of the Gateway API.
    #[serde(rename = "gatewayHTTPRoute", skip_serializing_if = "Option::is_none")]
    pub gateway_http_route: Option<GatewayHttpRouteSolver>,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// A route by Ingress: at most one of `ingressClassName`, `class` and `name`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IngressSolver {
    /// Type of the Service behind the Ingress, `NodePort` or `ClusterIP`; `NodePort` unless given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub service_type: String,
    /// Value of `spec.ingressClassName` of the Ingress that is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress_class_name: Option<String>,
    /// Value of the annotation `kubernetes.io/ingress.class` of the Ingress that is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Name of an Ingress that is there and gets the path added, instead of one that is made.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What the Pod that answers shall have, where one is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_template: Option<PodTemplate>,
    /// What the Ingress that is made shall have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress_template: Option<IngressTemplate>,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// Labels and annotations for an Ingress that is made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IngressTemplate {
    /// Labels and annotations; they win over the controller's own.
    #[schemars(extend("x-optional" = true))]
    pub metadata: ObjectTemplate,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// A route by HTTPRoute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GatewayHttpRouteSolver {
    /// Type of the Service behind the HTTPRoute, `NodePort` or `ClusterIP`; `NodePort` unless given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub service_type: String,
    /// Labels of the HTTPRoute that is made.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Gateways, or the like, that the HTTPRoute is attached to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parent_refs: Vec<ParentReference>,
    /// What the Pod that answers shall have, where one is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_template: Option<PodTemplate>,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}

/// What an HTTPRoute is attached to, as the Gateway API writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ParentReference {
    /// API group of the parent; empty for the core group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253), extend("pattern" = r"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$", "x-default" = "gateway.networking.k8s.io"))]
    pub group: Option<String>,
    /// Kind of the parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), extend("pattern" = r"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$", "x-default" = "Gateway"))]
    pub kind: Option<String>,
    /// Namespace of the parent; that of the Challenge unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), extend("pattern" = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
    /// Name of the parent.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Name of the listener or section of the parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("pattern" = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"))]
    pub section_name: Option<String>,
    /// Port of the parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
    /// Fields that this version does not know, kept as they were read.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Unknown,
}
