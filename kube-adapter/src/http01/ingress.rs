//! The Ingress that leads to the solver.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answered, Led, Owner, labels};
use crate::crd::acme::http01::IngressSolver;
use crate::settings::PathType;

/// What an Order's annotations say instead of the solver's settings; at most one of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Override {
    /// `acme.cert-manager.io/http01-override-ingress-name`: edit this Ingress in place.
    Name(String),
    /// `acme.cert-manager.io/http01-override-ingress-class`.
    Class(String),
    /// `acme.cert-manager.io/http01-override-ingress-ingressclassname`.
    ClassName(String),
}

impl Override {
    /// What these annotations say.
    pub(crate) fn read(annotations: &BTreeMap<String, String>) -> Option<Self> {
        let read = |word: &str| {
            annotations
                .get(&format!("acme.cert-manager.io/http01-override-ingress-{word}"))
                .filter(|it| !it.is_empty())
                .cloned()
        };
        read("name")
            .map(Self::Name)
            .or_else(|| read("class").map(Self::Class))
            .or_else(|| read("ingressclassname").map(Self::ClassName))
    }

    /// The solver with this put in place of what it says of Ingresses.
    pub(crate) fn apply(self, solver: &mut IngressSolver) {
        solver.name.clear();
        solver.class = None;
        solver.ingress_class_name = None;
        match self {
            Self::Name(name) => solver.name = name,
            Self::Class(class) => solver.class = Some(class),
            Self::ClassName(class) => solver.ingress_class_name = Some(class),
        }
    }
}

/// An Ingress called `name` that leads each path to its Service.
pub(crate) fn ingress(
    name: &str,
    owner: &Owner,
    led: &[Led],
    solver: &IngressSolver,
    path_type: PathType,
    extra: &[(String, String)],
) -> Value {
    let only: Option<&Answered> = if let [only] = led { Some(&only.answered) } else { None };
    let mut labels = labels(extra, only);
    let mut annotations: BTreeMap<String, String> = BTreeMap::new();
    if let Some(template) = &solver.ingress_template {
        labels.extend(template.metadata.labels.clone());
        annotations.extend(template.metadata.annotations.clone());
    }
    if !annotations.keys().any(|key| key.ends_with("/whitelist-source-range")) {
        annotations
            .insert("nginx.ingress.kubernetes.io/whitelist-source-range".to_owned(), "0.0.0.0/0,::/0".to_owned());
    }
    if let Some(class) = &solver.class {
        annotations.insert("kubernetes.io/ingress.class".to_owned(), class.clone());
    }
    let rules: Vec<Value> = led.iter().map(|it| rule(it, path_type)).collect();
    let mut spec = json!({ "rules": rules });
    if let Some(class) = &solver.ingress_class_name {
        spec["ingressClassName"] = class.as_str().into();
    }
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {
            "name": name, "namespace": owner.name.namespace(), "labels": labels, "annotations": annotations, "ownerReferences": owner.reference(),
        },
        "spec": spec,
    })
}

/// A rule for one challenge.
pub(super) fn rule(led: &Led, path_type: PathType) -> Value {
    let mut rule = json!({ "http": { "paths": [path(led, path_type)] } });
    if let Some(host) = led.answered.host() {
        rule["host"] = host.into();
    }
    rule
}

/// The path of one challenge.
pub(super) fn path(led: &Led, path_type: PathType) -> Value {
    json!({
        "path": led.answered.path(), "pathType": word(path_type),
        "backend": { "service": { "name": led.service, "port": { "number": super::PORT } } },
    })
}

fn word(path_type: PathType) -> &'static str {
    match path_type {
        PathType::Exact => "Exact",
        PathType::ImplementationSpecific => "ImplementationSpecific",
    }
}
