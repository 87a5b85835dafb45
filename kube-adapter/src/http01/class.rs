//! Which controllers pass over Services without a selector, so that Pods have to answer: those that are known to, and those that showed it.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::api::Resource;
use crate::context::Context;
use crate::crd::acme::http01::{Http01Solver, ParentReference};
use crate::key::Name;

/// Whose Ingresses or HTTPRoutes lead there: all that one controller looks after.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    /// An IngressClass; without a name the default one.
    Ingress(String),
    /// A class that only an annotation names.
    Annotated(String),
    /// An Ingress of the user, whose class is his business.
    Placed(Name),
    /// A Gateway.
    Gateway(Name),
}

impl Class {
    /// The class of a solver's objects in `namespace`.
    pub(crate) fn of(namespace: &str, solver: &Http01Solver) -> Self {
        match (&solver.ingress, &solver.gateway_http_route) {
            (Some(ingress), _) if !ingress.name.is_empty() => Self::Placed(Name::new(namespace, ingress.name.as_str())),
            (Some(ingress), _) => match (&ingress.ingress_class_name, &ingress.class) {
                (Some(class), _) => Self::Ingress(class.clone()),
                (None, Some(class)) => Self::Annotated(class.clone()),
                (None, None) => Self::Ingress(String::new()),
            },
            (None, Some(route)) => {
                let none = ParentReference::default();
                let parent = route.parent_refs.first().unwrap_or(&none);
                let beside = parent.namespace.as_deref().unwrap_or(namespace);
                Self::Gateway(Name::new(beside, parent.name.as_str()))
            }
            (None, None) => Self::Ingress(String::new()),
        }
    }
}

/// What is known of classes.
#[derive(Debug, Default)]
pub(crate) struct Classes(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    passing_over: HashSet<Class>,
    looked_at: HashSet<Class>,
}

impl Classes {
    /// A Pod was reached where the shared Service was not: the next challenges need not wait to find that out.
    pub(crate) fn remember(&self, class: &Class) {
        self.known().passing_over.insert(class.clone());
    }

    /// Is the shared Service passed over? A class is looked up once.
    pub(crate) async fn pass_over(&self, context: &Context, class: &Class) -> bool {
        let is_new = {
            let mut known = self.known();
            if known.passing_over.contains(class) {
                return true;
            }
            known.looked_at.insert(class.clone())
        };
        if !is_new {
            return false;
        }
        let passes_over = match class {
            Class::Annotated(name) => ANNOTATED.contains(&name.as_str()),
            Class::Ingress(name) if !name.is_empty() => {
                let found = look(context, Resource::INGRESS_CLASSES, &Name::of_cluster(name.as_str())).await;
                is_one_of(CONTROLLERS, &found["spec"]["controller"])
            }
            Class::Gateway(gateway) if !gateway.object().is_empty() => {
                let found = look(context, Resource::GATEWAYS, gateway).await;
                let class = found["spec"]["gatewayClassName"].as_str().map(Name::of_cluster);
                let found = match class {
                    Some(class) => look(context, Resource::GATEWAY_CLASSES, &class).await,
                    None => Value::Null,
                };
                is_one_of(CONTROLLERS, &found["spec"]["controllerName"])
            }
            Class::Ingress(_) | Class::Gateway(_) | Class::Placed(_) => false,
        };
        if passes_over {
            self.remember(class);
        }
        passes_over
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An object, if it can be read: nothing depends on it but a minute.
async fn look(context: &Context, resource: Resource, name: &Name) -> Value {
    match context.api.read(resource, name).await {
        Ok(found) => found.unwrap_or_default(),
        Err(refusal) => {
            tracing::debug!(%name, error = %refusal, "the class of a solver cannot be looked at");
            Value::Null
        }
    }
}

fn is_one_of(known: &[&str], controller: &Value) -> bool {
    controller.as_str().is_some_and(|it| known.contains(&it))
}

/// Controllers that send requests to Pods themselves, and find none behind such a Service: the AWS load balancer controller (its issues 1687, 3913 and 4017),
/// and container-native load balancing of GKE.
const CONTROLLERS: &[&str] = &["ingress.k8s.aws/alb", "gateway.k8s.aws/alb", "networking.gke.io/gateway"];

/// Their classes where only an annotation tells.
const ANNOTATED: &[&str] = &["alb", "gce", "gce-internal"];

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Class;
    use crate::key::Name;

    fn class(solver: Value) -> Class {
        Class::of("shop", &serde_json::from_value(solver).unwrap())
    }

    #[test]
    fn a_class_is_what_one_controller_looks_after() {
        assert_eq!(class(json!({ "ingress": { "ingressClassName": "nginx" } })), Class::Ingress("nginx".to_owned()));
        assert_eq!(class(json!({ "ingress": { "class": "alb" } })), Class::Annotated("alb".to_owned()));
        assert_eq!(class(json!({ "ingress": {} })), Class::Ingress(String::new()));
        assert_eq!(class(json!({ "ingress": { "name": "web" } })), Class::Placed(Name::new("shop", "web")));
        let parents = |parent: Value| json!({ "gatewayHTTPRoute": { "parentRefs": [parent] } });
        assert_eq!(class(parents(json!({ "name": "gw" }))), Class::Gateway(Name::new("shop", "gw")));
        let elsewhere = json!({ "name": "gw", "namespace": "infra" });
        assert_eq!(class(parents(elsewhere)), Class::Gateway(Name::new("infra", "gw")));
    }
}
