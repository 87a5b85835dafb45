//! By which kind of object validators are led to an answer, and these objects as values.

use acme_core::{Error, ErrorKind, Retry};
use serde_json::Value;

use super::{Answered, Led, Owner, ingress, object_name, route};
use crate::api::Resource;
use crate::crd::acme::http01::{GatewayHttpRouteSolver, Http01Solver, IngressSolver};
use crate::key::Name;
use crate::settings::AcmeSettings;

/// By which kind of object.
pub(super) enum Way {
    Ingress(IngressSolver),
    /// An Ingress of the user is edited.
    InPlace(Name),
    Route(GatewayHttpRouteSolver),
}

/// Whose the objects are, and what their names follow from.
pub(super) struct For<'a> {
    pub(super) owner: &'a Owner,
    pub(super) seed: [&'a str; 2],
    pub(super) settings: &'a AcmeSettings,
}

/// How many names an Ingress has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Shape {
    /// All.
    #[default]
    Together,
    /// One: admission refuses more, or one of them.
    Each,
}

impl Way {
    /// The way that a solver names, for what belongs to `owner`.
    ///
    /// # Errors
    /// `Unsupported` for what is switched off, `Malformed` for a solver that is none.
    pub(super) fn of(solver: &Http01Solver, owner: &Owner, settings: &AcmeSettings) -> Result<Self, Error> {
        Ok(match (&solver.ingress, &solver.gateway_http_route) {
            (Some(ingress), _) if ingress.name.is_empty() => Self::Ingress(ingress.clone()),
            (Some(ingress), _) => Self::InPlace(owner.name.beside(ingress.name.as_str())),
            (None, Some(route)) if settings.gateway_api => Self::Route(route.clone()),
            (None, Some(_)) => {
                let what = "HTTPRoutes are switched off: start the controller with --enable-gateway-api";
                return Err(Error::new(ErrorKind::Unsupported, what).with_retry(Retry::Backoff));
            }
            (None, None) => {
                let what = "the HTTP-01 solver has neither ingress nor gatewayHTTPRoute";
                return Err(Error::new(ErrorKind::Malformed, what));
            }
        })
    }

    /// The objects that lead there.
    pub(super) fn objects(&self, for_whom: &For<'_>, all: &[Led], shape: Shape) -> Vec<Object> {
        let For { owner, seed, settings } = for_whom;
        let (extra, path_type) = (&settings.solver_labels, settings.http01_path_type);
        match self {
            Self::Ingress(solver) => {
                let most = if shape == Shape::Each { 1 } else { all.len().max(1) };
                let object = |led: &[Led]| {
                    let name = match (shape, led) {
                        (Shape::Each, [only]) => object_name(&[seed[0], seed[1], &only.answered.name]),
                        (Shape::Each | Shape::Together, _) => object_name(seed),
                    };
                    Object::new(Resource::INGRESSES, ingress::ingress(&name, owner, led, solver, path_type, extra), led)
                };
                all.chunks(most).map(object).collect()
            }
            Self::Route(solver) => all
                .chunks(route::MOST_NAMES)
                .enumerate()
                .map(|(at, some)| {
                    let name = match at {
                        0 => object_name(seed),
                        _ => object_name(&[seed[0], seed[1], &at.to_string()]),
                    };
                    Object::new(Resource::HTTP_ROUTES, route::route(&name, owner, some, solver, extra), some)
                })
                .collect(),
            Self::InPlace(_) => Vec::new(),
        }
    }

    /// What leads there, in words for whoever looks why it does not.
    pub(super) fn in_words(&self, owner: &Owner, seed: [&str; 2]) -> String {
        match self {
            Self::Ingress(solver) => {
                let class = solver.ingress_class_name.as_deref().or(solver.class.as_deref());
                let name = owner.name.beside(object_name(&seed));
                match class {
                    Some(class) => format!("Ingress {name} leads there; has class {class:?} a controller?"),
                    None => format!("Ingress {name} leads there, of the default class"),
                }
            }
            Self::InPlace(name) => format!("Ingress {name} leads there"),
            Self::Route(_) => format!("HTTPRoute {} leads there", owner.name.beside(object_name(&seed))),
        }
    }
}

/// An object that leads to answers.
pub(super) struct Object {
    pub(super) resource: Resource,
    pub(super) body: Value,
    pub(super) answered: Vec<Answered>,
}

impl Object {
    fn new(resource: Resource, body: Value, led: &[Led]) -> Self {
        Self { resource, body, answered: led.iter().map(|it| it.answered.clone()).collect() }
    }
}
