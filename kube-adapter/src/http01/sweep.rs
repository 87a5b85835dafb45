//! The end of a shared Service: an hour after the last HTTP-01 work of its namespace it is deleted, and its EndpointSlices go with it.

use std::sync::Arc;

use acme_core::Timestamp;
use acme_core::flow::{Agenda, Next, Waiting, Wake};
use futures_util::future::{BoxFuture, FutureExt as _, ready};
use k8s_openapi::api::core::v1::Service;
use kube::core::PartialObjectMeta;

use super::{SOLVER, shared};
use crate::api::{Manager, Refusal, Resource};
use crate::codec;
use crate::context::Context;
use crate::key::{Identity, Key, Kind, Name};
use crate::queue::Class;
use crate::subject::{Lane, Subject};
use crate::world::{Changed, Record, World};

/// The subject.
pub(crate) struct Sweeps;

/// What is kept of a shared Service; nothing of others.
#[derive(Debug, Default)]
pub(crate) struct ServiceRecord {
    /// When there was work for it last, as far as this process knows.
    last_work: Timestamp,
}

impl Record for ServiceRecord {
    type Object = PartialObjectMeta<Service>;

    fn name(object: &Self::Object) -> Name {
        Name::of(&object.metadata)
    }

    fn identity(object: &Self::Object) -> Option<Identity> {
        Identity::of(&object.metadata)
    }

    fn read(object: Self::Object, before: Option<Self>) -> Option<Self> {
        let metadata = &object.metadata;
        let is_labelled = metadata.labels.as_ref().and_then(|it| it.get(SOLVER)).is_some_and(|it| it == "true");
        let mut managers = metadata.managed_fields.iter().flatten().filter_map(|it| it.manager.as_deref());
        let is_ours = metadata.name.as_deref() == Some(shared::NAME)
            && is_labelled
            && metadata.owner_references.is_none()
            && managers.any(|it| it == Manager::CHALLENGES.0);
        is_ours.then(|| before.unwrap_or_default())
    }
}

/// One of them changed.
pub(crate) fn changed(world: &mut World, changed: Changed<ServiceRecord>, now: Timestamp) {
    // Of a Service that was there before this process nobody knows when it was used last.
    if let Some(record) = world.services.get_mut(&changed.name).filter(|it| it.last_work == Timestamp::EPOCH) {
        record.last_work = now;
    }
    world.wake(Key::new(Kind::SolverService, changed.name));
}

/// There is work for the Service of a namespace.
pub(crate) fn worked(world: &mut World, namespace: &str, now: Timestamp) {
    if let Some(record) = world.services.get_mut(&Name::new(namespace, shared::NAME)) {
        record.last_work = now;
    }
}

/// Is there work in a namespace that may last for long without a word?
fn is_in_use(world: &World, namespace: &str) -> bool {
    let mut challenges = world.challenges.iter().filter(|(name, _)| name.namespace() == namespace);
    challenges.any(|(_, it)| {
        let challenge = &it.object;
        challenge.spec.solver.http01.is_some() && !challenge.status.as_ref().is_some_and(codec::challenge::is_ended)
    })
}

/// What may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// Delete it.
    Delete,
}

impl Subject for Sweeps {
    type Action = Action;
    type Answer = Result<(), Refusal>;

    fn next(world: &World, name: &Name, now: Timestamp) -> Next<Action, ()> {
        let Some(record) = world.services.get(name).filter(|_| !world.closing) else { return Next::Done(()) };
        let keep = world.settings.acme.http01_service_for;
        let due = record.last_work + keep;
        let wait = |at| Next::Go(Agenda::new(Vec::new(), Some(Wake::new(at, Waiting::outside("work by HTTP-01")))));
        match due.is_due(now) {
            false => wait(due),
            true if is_in_use(world, name.namespace()) => wait(now + keep),
            true => Next::Go(Agenda::new(vec![Action::Delete], None)),
        }
    }

    fn start(
        world: &mut World,
        context: &Arc<Context>,
        name: &Name,
        action: &Action,
        _now: Timestamp,
    ) -> BoxFuture<'static, Self::Answer> {
        let Action::Delete = action;
        let Some(state) = world.services.identity(name).cloned() else { return ready(Ok(())).boxed() };
        let (context, name) = (Arc::clone(context), name.clone());
        async move {
            let gone = context.api.delete(Resource::SERVICES, &name, &state, "solver: Service swept").await;
            // Whoever needs it next makes it anew.
            context.http01.services.doubt(name.namespace()).await;
            gone
        }
        .boxed()
    }

    fn fold(world: &mut World, name: &Name, _action: &Action, answer: Self::Answer, now: Timestamp) {
        match answer {
            Ok(()) => {
                world.services.forget(name);
            }
            Err(refusal) => {
                tracing::warn!(service = %name, error = %refusal, "a Service that nobody needs was not deleted");
                worked(world, name.namespace(), now);
            }
        }
    }

    fn class(_world: &World, _name: &Name, _now: Timestamp) -> Class {
        Class::FixUp
    }

    fn lane(_action: &Action) -> Lane {
        Lane::Write
    }
}
