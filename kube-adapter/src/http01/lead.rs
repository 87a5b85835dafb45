//! The way from validators to the answers of one Order by one solver: made once for all of its challenges, and taken away after the last of them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex as Lock, PoisonError};

use acme_core::{Error, ErrorKind, Retry};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::ingress;
use super::service::identity;
use super::{Answered, Owner, in_place, object_name, pod, refused, route, shared};
use crate::api::{Manager, RefusalKind, Resource};
use crate::context::Context;
use crate::crd::acme::http01::{GatewayHttpRouteSolver, Http01Solver, IngressSolver};
use crate::crd::acme::pod::PodTemplate;
use crate::key::Name;
use crate::settings::Http01Solver as Mode;

/// The way to the answers of one Order by one solver.
pub(crate) struct Lead {
    context: Arc<Context>,
    owner: Owner,
    /// What the names of the objects follow from: whose they are, and which solver wants them.
    seed: [String; 2],
    way: Way,
    /// The Pod that answers, where it has to be one.
    pod: Option<AnsweringPod>,
    /// All that will have to be answered: they are led to at once.
    expected: Lock<BTreeSet<Answered>>,
    /// What was done. Held while something is done: one thing at a time.
    done: Mutex<Done>,
}

/// By which kind of object.
enum Way {
    Ingress(IngressSolver),
    /// An Ingress of the user is edited.
    InPlace(Name),
    Route(GatewayHttpRouteSolver),
}

struct AnsweringPod {
    template: Option<PodTemplate>,
    service_type: String,
    key: String,
}

#[derive(Debug, Default)]
struct Done {
    shown: BTreeSet<Answered>,
    finished: BTreeSet<Answered>,
}

impl Lead {
    /// Do Pods answer for this solver? Then each challenge has a way of its own.
    pub(crate) fn needs_pods(mode: Mode, solver: &Http01Solver) -> bool {
        let template = match (&solver.ingress, &solver.gateway_http_route) {
            (Some(ingress), _) => ingress.pod_template.is_some(),
            (None, Some(route)) => route.pod_template.is_some(),
            (None, None) => false,
        };
        match mode {
            Mode::Pod => true,
            Mode::Auto => template,
            Mode::Shared => false,
        }
    }

    /// The way for `solver` to what belongs to `owner`. `key` is the answer, where a Pod has to give it.
    ///
    /// # Errors
    /// `Unsupported` for what is switched off, `Malformed` for a solver that is none.
    pub(crate) fn new(context: &Arc<Context>, owner: Owner, solver: &Http01Solver, key: &str) -> Result<Self, Error> {
        let settings = &context.settings.acme;
        let way = match (&solver.ingress, &solver.gateway_http_route) {
            (Some(ingress), _) if ingress.name.is_empty() => Way::Ingress(ingress.clone()),
            (Some(ingress), _) => Way::InPlace(owner.name.beside(ingress.name.as_str())),
            (None, Some(route)) if settings.gateway_api => Way::Route(route.clone()),
            (None, Some(_)) => {
                let what = "HTTPRoutes are switched off: start the controller with --enable-gateway-api";
                return Err(Error::new(ErrorKind::Unsupported, what).with_retry(Retry::Backoff));
            }
            (None, None) => {
                let what = "the HTTP-01 solver has neither ingress nor gatewayHTTPRoute";
                return Err(Error::new(ErrorKind::Malformed, what));
            }
        };
        let (template, service_type) = match (&solver.ingress, &solver.gateway_http_route) {
            (Some(ingress), _) => (&ingress.pod_template, &ingress.service_type),
            (None, Some(route)) => (&route.pod_template, &route.service_type),
            (None, None) => (&None, &String::new()),
        };
        let pod = Self::needs_pods(settings.http01_solver, solver).then(|| AnsweringPod {
            template: template.clone(),
            service_type: service_type.clone(),
            key: key.to_owned(),
        });
        let block = serde_json::to_string(solver).map_err(|source| {
            Error::new(ErrorKind::Internal, "a solver cannot be written as JSON").with_source(source)
        })?;
        Ok(Self {
            context: Arc::clone(context),
            seed: [owner.uid.to_string(), block],
            owner,
            way,
            pod,
            expected: Lock::default(),
            done: Mutex::default(),
        })
    }

    /// These will have to be answered, too.
    pub(crate) fn expect(&self, answered: impl IntoIterator<Item = Answered>) {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner).extend(answered);
    }

    /// Sees to it that validators find the answer of this challenge, and those of all that are expected.
    ///
    /// # Errors
    /// What the API server says, and what is in the way.
    pub(crate) async fn show(&self, answered: &Answered) -> Result<(), Error> {
        self.expect([answered.clone()]);
        let mut done = self.done.lock().await;
        let expected = self.expected();
        if expected.iter().all(|it| done.shown.contains(it)) {
            return Ok(());
        }
        let service = match &self.pod {
            Some(pod) => self.answering_pod(pod, answered).await?,
            None => {
                let service_type = match &self.way {
                    Way::Ingress(solver) => solver.service_type.as_str(),
                    Way::Route(solver) => solver.service_type.as_str(),
                    Way::InPlace(_) => "",
                };
                self.context.http01.services.ensure(&self.context, self.owner.name.namespace(), service_type).await?;
                shared::NAME.to_owned()
            }
        };
        let all: Vec<Answered> = expected.iter().cloned().collect();
        let path_type = self.context.settings.acme.http01_path_type;
        match &self.way {
            Way::InPlace(name) => {
                self.edit(name, "solver: paths in", |rules| in_place::insert(rules, &all, &service, path_type)).await?;
            }
            Way::Ingress(_) | Way::Route(_) => {
                for (resource, object) in self.objects(&all, &service) {
                    self.put(resource, &object, !done.shown.is_empty()).await?;
                }
            }
        }
        done.shown = expected;
        Ok(())
    }

    /// This challenge needs no answer any more. After the last of them the way is taken away.
    ///
    /// # Errors
    /// What the API server says.
    pub(crate) async fn finish(&self, answered: &Answered) -> Result<(), Error> {
        self.expect([answered.clone()]);
        let mut done = self.done.lock().await;
        let expected = self.expected();
        if !expected.iter().all(|it| it == answered || done.finished.contains(it)) {
            done.finished.insert(answered.clone());
            return Ok(());
        }
        let all: Vec<Answered> = expected.iter().cloned().collect();
        match &self.way {
            Way::InPlace(name) => {
                let gone = self.edit(name, "solver: paths out", |rules| in_place::remove(rules, &all)).await;
                match gone {
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    other => other?,
                }
            }
            Way::Ingress(_) | Way::Route(_) => {
                for (resource, object) in self.objects(&all, "") {
                    self.remove(resource, &name_of(&object)).await?;
                }
            }
        }
        if self.pod.is_some() {
            let name = self.owner.name.beside(self.pod_name());
            self.remove(Resource::SERVICES, &name).await?;
            self.remove(Resource::PODS, &name).await?;
        }
        done.finished.insert(answered.clone());
        done.shown.clear();
        Ok(())
    }

    /// Something does not get through: where the shared Service leads to is looked at anew, and so is what was made.
    pub(crate) async fn doubt(&self) {
        self.done.lock().await.shown.clear();
        self.context.http01.services.doubt(self.owner.name.namespace()).await;
    }

    /// What leads there, in words for whoever looks why it does not.
    pub(crate) fn in_words(&self) -> String {
        match &self.way {
            Way::Ingress(solver) => {
                let class = solver.ingress_class_name.as_deref().or(solver.class.as_deref());
                let name = self.owner.name.beside(object_name(&self.seed()));
                match class {
                    Some(class) => format!("Ingress {name} leads there; has class {class:?} a controller?"),
                    None => format!("Ingress {name} leads there, of the default class"),
                }
            }
            Way::InPlace(name) => format!("Ingress {name} leads there"),
            Way::Route(_) => format!("HTTPRoute {} leads there", self.owner.name.beside(object_name(&self.seed()))),
        }
    }

    fn expected(&self) -> BTreeSet<Answered> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn seed(&self) -> [&str; 2] {
        [&self.seed[0], &self.seed[1]]
    }

    fn pod_name(&self) -> String {
        object_name(&[&self.seed[0], "pod"])
    }

    /// The objects that lead to `service`.
    fn objects(&self, all: &[Answered], service: &str) -> Vec<(Resource, Value)> {
        let extra = &self.context.settings.acme.solver_labels;
        match &self.way {
            Way::Ingress(solver) => {
                let name = object_name(&self.seed());
                let object = ingress::ingress(
                    &name,
                    &self.owner,
                    all,
                    solver,
                    service,
                    self.context.settings.acme.http01_path_type,
                    extra,
                );
                vec![(Resource::INGRESSES, object)]
            }
            Way::Route(solver) => all
                .chunks(route::MOST_NAMES)
                .enumerate()
                .map(|(at, some)| {
                    let name = match at {
                        0 => object_name(&self.seed()),
                        _ => object_name(&[&self.seed[0], &self.seed[1], &at.to_string()]),
                    };
                    (Resource::HTTP_ROUTES, route::route(&name, &self.owner, some, solver, service, extra))
                })
                .collect(),
            Way::InPlace(_) => Vec::new(),
        }
    }

    /// The Pod that answers, and its Service, whose name it is.
    async fn answering_pod(&self, pod: &AnsweringPod, answered: &Answered) -> Result<String, Error> {
        let (name, settings) = (self.pod_name(), &self.context.settings.acme);
        if settings.solver_pods.image.is_empty() {
            let what = "a Pod has to answer, and no image for it is named: set --acme-http01-solver-image";
            return Err(Error::new(ErrorKind::Unsupported, what).with_retry(Retry::Backoff));
        }
        let extra = &settings.solver_labels;
        let template = pod.template.as_ref();
        let object = pod::pod(&name, &self.owner, answered, &pod.key, &settings.solver_pods, template, extra);
        self.put(Resource::PODS, &object, false).await?;
        let object = pod::service(&name, &self.owner, answered, &pod.service_type, extra);
        self.put(Resource::SERVICES, &object, false).await?;
        Ok(name)
    }

    /// Makes an object. One of this name that is ours already is brought to what is wanted.
    async fn put(&self, resource: Resource, wanted: &Value, is_known: bool) -> Result<(), Error> {
        let (name, what) = (name_of(wanted), kind_and_name(wanted));
        if !is_known {
            let made =
                self.context.api.create(resource, wanted, name.namespace(), Manager::CHALLENGES, "solver: made").await;
            match made {
                Ok(_) => return Ok(()),
                Err(refusal) if matches!(refusal.kind(), RefusalKind::Exists | RefusalKind::Lost) => {}
                Err(refusal) => return Err(refused(&what, &refusal)),
            }
        }
        let Some(found) = self.read(resource, &name, &what).await? else {
            let what = format!("{what} went while it was made");
            return Err(Error::new(ErrorKind::Busy, what).with_retry(Retry::Backoff));
        };
        if !self.owns(&found) {
            let what = format!("{what} is there and belongs to somebody else");
            return Err(Error::new(ErrorKind::Conflict, what).with_retry(Retry::Backoff));
        }
        // Pods and Services are what they were made as; rules may have become more.
        if !matches!(resource, Resource::INGRESSES | Resource::HTTP_ROUTES)
            || found["spec"]["rules"] == wanted["spec"]["rules"]
        {
            return Ok(());
        }
        let patch =
            json!({ "metadata": { "resourceVersion": found["metadata"]["resourceVersion"] }, "spec": wanted["spec"] });
        let patched = self.context.api.patch(resource, &name, &patch, Manager::CHALLENGES, "solver: changed").await;
        patched.map(drop).map_err(|refusal| refused(&what, &refusal))
    }

    /// Deletes an object of ours; one that is gone, or not ours, needs nothing.
    async fn remove(&self, resource: Resource, name: &Name) -> Result<(), Error> {
        let what = format!("solver object {name}");
        let Some(found) = self.read(resource, name, &what).await? else { return Ok(()) };
        let Some(identity) = identity(&found).filter(|_| self.owns(&found)) else { return Ok(()) };
        let gone = self.context.api.delete(resource, name, &identity, "solver: deleted").await;
        gone.map_err(|refusal| refused(&what, &refusal))
    }

    /// Changes the rules of a user's Ingress in one write; somebody else's write in between is taken into account.
    async fn edit(
        &self,
        name: &Name,
        why: &'static str,
        change: impl Fn(&[Value]) -> Option<Vec<Value>>,
    ) -> Result<(), Error> {
        let what = format!("Ingress {name}");
        for _ in 0..TRIES {
            let Some(found) = self.read(Resource::INGRESSES, name, &what).await? else {
                let what = format!("{what} is not there, and is to be edited in place");
                return Err(Error::new(ErrorKind::NotFound, what).with_retry(Retry::Backoff));
            };
            let rules = found["spec"]["rules"].as_array().map_or(&[] as &[Value], Vec::as_slice);
            let Some(changed) = change(rules) else { return Ok(()) };
            // An empty list is not the same as none.
            let changed = if changed.is_empty() { Value::Null } else { changed.into() };
            let patch = json!({ "metadata": { "resourceVersion": found["metadata"]["resourceVersion"] }, "spec": { "rules": changed } });
            match self.context.api.patch(Resource::INGRESSES, name, &patch, Manager::CHALLENGES, why).await {
                Ok(_) => return Ok(()),
                Err(refusal) if matches!(refusal.kind(), RefusalKind::Conflict | RefusalKind::Lost) => {}
                Err(refusal) => return Err(refused(&what, &refusal)),
            }
        }
        Err(Error::new(ErrorKind::Busy, format!("{what} is changed by others all the time")).with_retry(Retry::Backoff))
    }

    async fn read(&self, resource: Resource, name: &Name, what: &str) -> Result<Option<Value>, Error> {
        self.context.api.read(resource, name).await.map_err(|refusal| refused(what, &refusal))
    }

    fn owns(&self, object: &Value) -> bool {
        let uid = self.owner.uid.to_string();
        object["metadata"]["ownerReferences"]
            .as_array()
            .is_some_and(|owners| owners.iter().any(|it| it["uid"] == uid.as_str()))
    }
}

fn name_of(object: &Value) -> Name {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    Name::new(text("namespace"), text("name"))
}

fn kind_and_name(object: &Value) -> String {
    format!("{} {}", object["kind"].as_str().unwrap_or_default(), name_of(object))
}

/// Writes that may meet somebody else's before it is taken for a quarrel.
const TRIES: usize = 3;
