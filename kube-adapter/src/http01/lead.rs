//! The way from validators to the answers of one Order by one solver: made once for all of its challenges, and taken away after the last of them.
//!
//! Nothing watches the objects that are made. What is taken away or changed behind our back is noticed by the look that every answer gets before the
//! server is told, and [`doubt`](Lead::doubt) makes it anew; after that the server's own look decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex as Lock, PoisonError};

use acme_core::protocol::Url;
use acme_core::{Error, ErrorKind, Retry};
use serde_json::Value;
use tokio::sync::Mutex;

use super::class::Class;
use super::object::{self, Before, Objects, name_of};
use super::way::{For, Object, Shape, Way};
use super::{Answered, Answering, Led, Owner, in_place, object_name, pod, shared};
use crate::api::Resource;
use crate::context::Context;
use crate::crd::acme::http01::Http01Solver;
use crate::crd::acme::pod::PodTemplate;
use crate::key::Uid;
use crate::settings::Http01Solver as Mode;

/// The way to the answers of one Order by one solver.
pub(crate) struct Lead {
    context: Arc<Context>,
    owner: Owner,
    /// What the names of the objects follow from: whose they are, and which solver wants them.
    seed: [String; 2],
    way: Way,
    class: Class,
    /// Do Pods answer from the start?
    by_pods: bool,
    template: Option<PodTemplate>,
    service_type: String,
    /// All that will have to be answered: they are led to at once.
    expected: Lock<BTreeSet<Answered>>,
    /// Authorizations whose answer nobody could look at from here.
    unseen: Lock<BTreeSet<String>>,
    /// What was done. Held while something is done: one thing at a time.
    done: Mutex<Done>,
}

#[derive(Debug, Default)]
struct Done {
    /// Was everything made once? Otherwise nobody knows what a process before this one made.
    is_known: bool,
    shown: BTreeSet<Answered>,
    /// Those that need no answer any more, and whose they were.
    finished: BTreeMap<Answered, Uid>,
    /// Those that Pods answer.
    pods: BTreeMap<Answered, Answering>,
    /// Those whose Pod was made.
    made: BTreeSet<Answered>,
    shape: Shape,
}

impl Lead {
    /// Do Pods answer for this solver from the start? Then each challenge has a way of its own.
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

    /// The way for `solver` to what belongs to `owner`.
    ///
    /// # Errors
    /// Those of [`Way::of`].
    pub(crate) fn new(context: &Arc<Context>, owner: Owner, solver: &Http01Solver) -> Result<Self, Error> {
        let settings = &context.settings.acme;
        let way = Way::of(solver, &owner, settings)?;
        let (template, service_type) = match (&solver.ingress, &solver.gateway_http_route) {
            (Some(ingress), _) => (ingress.pod_template.clone(), ingress.service_type.clone()),
            (None, Some(route)) => (route.pod_template.clone(), route.service_type.clone()),
            (None, None) => (None, String::new()),
        };
        let block = serde_json::to_string(solver).map_err(|source| {
            Error::new(ErrorKind::Internal, "a solver cannot be written as JSON").with_source(source)
        })?;
        Ok(Self {
            context: Arc::clone(context),
            seed: [owner.uid.to_string(), block],
            class: Class::of(owner.name.namespace(), solver),
            by_pods: Self::needs_pods(settings.http01_solver, solver),
            owner,
            way,
            template,
            service_type,
            expected: Lock::default(),
            unseen: Lock::default(),
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
    pub(crate) async fn show(&self, answering: &Answering) -> Result<(), Error> {
        self.expect([answering.answered.clone()]);
        let mut done = self.done.lock().await;
        let passed_over =
            self.may_fall_back() && self.context.http01.classes.pass_over(&self.context, &self.class).await;
        let by_pods = self.by_pods || passed_over;
        if by_pods {
            done.pods.entry(answering.answered.clone()).or_insert_with(|| answering.clone());
        }
        let expected = self.expected();
        // A Pod is made when its challenge has its turn, and not before.
        let due: Vec<&Answered> = expected.iter().filter(|it| !by_pods || done.pods.contains_key(*it)).collect();
        if due.iter().all(|it| done.shown.contains(*it)) {
            return Ok(());
        }
        let mut led = Vec::with_capacity(due.len());
        for answered in due {
            let service = match done.pods.get(answered) {
                Some(pod) => {
                    let before = if done.made.contains(answered) { Before::There } else { Before::Unknown };
                    let service = self.answering_pod(pod, before).await?;
                    done.made.insert(answered.clone());
                    service
                }
                None => self.shared_service(&led).await?,
            };
            led.push(Led { answered: answered.clone(), service });
        }
        let shown = match &self.way {
            Way::InPlace(name) => {
                let path_type = self.context.settings.acme.http01_path_type;
                let put_in = |rules: &[Value]| in_place::insert(rules, &led, path_type);
                self.mine().edit(name, "solver: paths in", put_in).await?;
                led.iter().map(|it| it.answered.clone()).collect()
            }
            Way::Ingress(_) | Way::Route(_) => self.put(&led, &mut done, &answering.answered).await?,
        };
        done.shown = shown;
        done.is_known = true;
        Ok(())
    }

    /// The shared Service of the namespace, which is looked at once for all that it answers.
    async fn shared_service(&self, led: &[Led]) -> Result<String, Error> {
        if !led.iter().any(|it| it.service == shared::NAME) {
            let namespace = self.owner.name.namespace();
            self.context.http01.services.ensure(&self.context, namespace, &self.service_type).await?;
        }
        Ok(shared::NAME.to_owned())
    }

    /// Makes the objects; answers what they lead to.
    async fn put(&self, led: &[Led], done: &mut Done, wanted: &Answered) -> Result<BTreeSet<Answered>, Error> {
        let before = if done.is_known { Before::There } else { Before::Unknown };
        if done.shape == Shape::Together {
            let mut refusal = None;
            for object in self.objects(led, Shape::Together) {
                if let Err(error) = self.mine().put(object.resource, &object.body, before).await {
                    refusal = Some(error);
                    break;
                }
            }
            match refusal {
                None => return Ok(led.iter().map(|it| it.answered.clone()).collect()),
                Some(error) if !self.may_be_split(led, &error) => return Err(error),
                Some(error) => {
                    tracing::info!(order = %self.owner.name, %error, "an Ingress of several names is refused: each name gets its own");
                    self.mine().remove(Resource::INGRESSES, &self.owner.name.beside(object_name(&self.seed()))).await?;
                    done.shape = Shape::Each;
                }
            }
        }
        // What is refused of one name holds up no other.
        let mut shown = BTreeSet::new();
        for object in self.objects(led, Shape::Each) {
            match self.mine().put(object.resource, &object.body, before).await {
                Ok(()) => shown.extend(object.answered),
                Err(error) if object.answered.contains(wanted) => return Err(error),
                Err(_) => {}
            }
        }
        Ok(shown)
    }

    /// Would admission perhaps take an Ingress for each name?
    fn may_be_split(&self, led: &[Led], error: &Error) -> bool {
        let is_refused = matches!(error.kind(), ErrorKind::Refused | ErrorKind::Unauthorized);
        matches!(self.way, Way::Ingress(_)) && led.len() > 1 && is_refused
    }

    /// This challenge needs no answer any more. After the last of them the way is taken away.
    ///
    /// # Errors
    /// What the API server says.
    pub(crate) async fn finish(&self, answering: &Answering) -> Result<(), Error> {
        let answered = &answering.answered;
        self.expect([answered.clone()]);
        let mut done = self.done.lock().await;
        let expected = self.expected();
        let is_last = expected.iter().all(|it| it == answered || done.finished.contains_key(it));
        if is_last {
            self.take_away(&expected, &done).await?;
            // What a process before this one made, or another controller, is found by its owners.
            if !done.is_known {
                let challenges = done.finished.values().chain([&answering.challenge.uid]);
                let owners: Vec<&Uid> = challenges.chain([&self.owner.uid]).collect();
                object::remove_all(&self.context, self.owner.name.namespace(), &owners).await?;
            }
        }
        if let Some(pod) = done.pods.get(answered) {
            let its = Objects { context: &self.context, owner: &answering.challenge.uid };
            let name = self.owner.name.beside(pod_name(pod));
            its.remove(Resource::SERVICES, &name).await?;
            its.remove(Resource::PODS, &name).await?;
        }
        done.finished.insert(answered.clone(), answering.challenge.uid.clone());
        if is_last {
            done.shown.clear();
        }
        Ok(())
    }

    async fn take_away(&self, expected: &BTreeSet<Answered>, done: &Done) -> Result<(), Error> {
        let all: Vec<Answered> = expected.iter().cloned().collect();
        match &self.way {
            Way::InPlace(name) => {
                let gone = self.mine().edit(name, "solver: paths out", |rules| in_place::remove(rules, &all)).await;
                match gone {
                    Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                    other => other,
                }
            }
            Way::Ingress(_) | Way::Route(_) if !done.is_known => Ok(()),
            Way::Ingress(_) | Way::Route(_) => {
                let led: Vec<Led> = all.into_iter().map(|answered| Led { answered, service: String::new() }).collect();
                for object in self.objects(&led, done.shape) {
                    self.mine().remove(object.resource, &name_of(&object.body)).await?;
                }
                Ok(())
            }
        }
    }

    /// Something does not get through: where the shared Service leads to is looked at anew, and so is what was made.
    pub(crate) async fn doubt(&self) {
        self.done.lock().await.shown.clear();
        self.context.http01.services.doubt(self.owner.name.namespace()).await;
    }

    /// May a Pod take over where the shared Service is not reached?
    pub(crate) fn may_fall_back(&self) -> bool {
        let settings = &self.context.settings.acme;
        !self.by_pods && settings.http01_solver == Mode::Auto && !settings.solver_pods.image.is_empty()
    }

    /// A Pod answers this challenge from now on.
    ///
    /// # Errors
    /// Those of [`show`](Self::show).
    pub(crate) async fn fall_back(&self, answering: &Answering) -> Result<(), Error> {
        {
            let mut done = self.done.lock().await;
            done.pods.insert(answering.answered.clone(), answering.clone());
            done.shown.clear();
        }
        self.show(answering).await
    }

    /// The Pod of this challenge was reached. Was it made because the shared Service was not? Then the next ones get theirs at once.
    pub(crate) async fn reached(&self, answered: &Answered) {
        if self.may_fall_back() && self.done.lock().await.pods.contains_key(answered) {
            self.context.http01.classes.remember(&self.class);
        }
    }

    /// The server is told of this answer although nobody could look at it.
    pub(crate) fn note_unseen(&self, answering: &Answering) {
        self.unseen.lock().unwrap_or_else(PoisonError::into_inner).insert(answering.authorization.clone());
    }

    /// Could nobody look at the answer for this authorization?
    pub(crate) fn was_unseen(&self, authorization: &Url) -> bool {
        self.unseen.lock().unwrap_or_else(PoisonError::into_inner).contains(authorization.as_str())
    }

    /// Where the shared Service leads to, for whoever looks why nobody gets there.
    pub(crate) fn behind(&self) -> String {
        let settings = &self.context.settings.acme;
        let whose = settings.edge_service.as_deref().map_or("the solver".to_owned(), |it| format!("Service {it}"));
        format!("may whoever answered there reach port {} of {whose}?", settings.solver_port)
    }

    /// What leads there, in words for whoever looks why it does not.
    pub(crate) fn in_words(&self) -> String {
        self.way.in_words(&self.owner, self.seed())
    }

    fn expected(&self) -> BTreeSet<Answered> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn seed(&self) -> [&str; 2] {
        [&self.seed[0], &self.seed[1]]
    }

    fn mine(&self) -> Objects<'_> {
        Objects { context: &self.context, owner: &self.owner.uid }
    }

    /// The objects that lead there.
    fn objects(&self, led: &[Led], shape: Shape) -> Vec<Object> {
        let settings = &self.context.settings.acme;
        self.way.objects(&For { owner: &self.owner, seed: self.seed(), settings }, led, shape)
    }

    /// The Pod that answers, and its Service, whose name it is.
    async fn answering_pod(&self, wanted: &Answering, before: Before) -> Result<String, Error> {
        let (name, settings) = (pod_name(wanted), &self.context.settings.acme);
        if settings.solver_pods.image.is_empty() {
            let what = "a Pod has to answer, and no image for it is named: set --acme-http01-solver-image";
            return Err(Error::new(ErrorKind::Unsupported, what).with_retry(Retry::Backoff));
        }
        let (extra, template, owner) = (&settings.solver_labels, self.template.as_ref(), &wanted.challenge);
        let its = Objects { context: &self.context, owner: &owner.uid };
        let object = pod::pod(&name, owner, &wanted.answered, &wanted.key, &settings.solver_pods, template, extra);
        its.put(Resource::PODS, &object, before).await?;
        let object = pod::service(&name, owner, &wanted.answered, &self.service_type, extra);
        its.put(Resource::SERVICES, &object, before).await?;
        Ok(name)
    }
}

fn pod_name(of: &Answering) -> String {
    object_name(&[&of.challenge.uid.to_string(), "pod"])
}
