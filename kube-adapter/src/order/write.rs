//! The writes: each one object, with the state that it was planned on, and a look at the live object where nobody knows whether it happened.

use std::sync::Arc;

use acme_core::Timestamp;
use acme_core::flow::{ChallengeFlow, Verdict};
use acme_core::protocol::Url;
use futures_util::future::{BoxFuture, FutureExt as _};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::api::{Manager, Refusal, RefusalKind, Resource};
use crate::challenge::{FINALIZER, is_finalizer};
use crate::codec;
use crate::codec::order::Failed;
use crate::context::Context;
use crate::crd::challenge::{Challenge, ChallengeSpec, ChallengeType};
use crate::crd::order::{Order, OrderStatus};
use crate::key::{Identity, Name};
use crate::names;
use crate::order::announce::{self, About};
use crate::order::{Answer, OrderRecord, Telling, observe};
use crate::plan;
use crate::world::World;

/// What became of a write.
pub(crate) struct Written<T> {
    pub(crate) name: Name,
    pub(crate) outcome: Outcome<T>,
}

/// What became of a write.
pub(crate) enum Outcome<T> {
    /// The object is this now, under this identity.
    Done(T, Identity),
    /// It is gone.
    Gone,
    /// Nobody knows whether the write happened, or somebody else wrote: the object as it is.
    Found(T),
    /// It did not happen.
    Refused(Refusal),
}

/// Writes the status of an Order.
pub(super) fn tell(
    world: &World,
    context: &Arc<Context>,
    name: &Name,
    telling: Telling,
    now: Timestamp,
) -> Option<BoxFuture<'static, Answer>> {
    let order = world.orders.get(name).and_then(OrderRecord::object)?;
    let run = world.order_index.runs.get(name)?;
    let before = order.status.clone().unwrap_or_default();
    let lacks = observe::lacks(world, name, order);
    let wanted: OrderStatus = match (&run.issuance, &run.failure) {
        (Some(issuance), _) => plan::order::wanted_status(order, run, issuance, lacks.as_deref()),
        (None, Some(it)) => codec::order::refuse(Failed { stage: it.stage, fault: &it.fault, at: now }, &before),
        (None, None) => return None,
    };
    let patch = codec::difference(&before, &wanted)?;
    let mut object = (**order).clone();
    object.status = Some(wanted);
    let identity = world.orders.identity(name)?.clone();
    let why = match telling {
        Telling::Made => "order: made",
        Telling::Progress => "order: progress",
        Telling::Issued => "order: issued",
        Telling::Failed => "order: failed",
    };
    Some(order_written(context, name, object, status_patch(&identity, patch), why))
}

fn order_written(
    context: &Arc<Context>,
    name: &Name,
    object: Order,
    patch: Value,
    why: &'static str,
) -> BoxFuture<'static, Answer> {
    let (context, name) = (Arc::clone(context), name.clone());
    async move {
        let result = context.api.patch_status(Resource::ORDERS, &name, &patch, Manager::ORDERS, why).await;
        let outcome = settle(&context, Resource::ORDERS, &name, result, object).await;
        Answer::OrderWritten(Box::new(Written { name, outcome }))
    }
    .boxed()
}

/// Makes the Challenge of an authorization.
pub(super) fn make(
    world: &World,
    context: &Arc<Context>,
    name: &Name,
    url: &Url,
) -> Option<BoxFuture<'static, Answer>> {
    let order = world.orders.get(name).and_then(OrderRecord::object)?;
    let account = observe::account(world, name, order)?;
    let run = world.order_index.runs.get(name)?;
    let flow = run.issuance.as_ref()?.challenge(url)?;
    let solver = run.chosen.get(url)?;
    let challenge = draft(order, world.orders.identity(name)?, name, flow, solver, account.client.thumbprint())?;
    let of = Name::of(&challenge.metadata);
    let identity = world.orders.identity(name).cloned();
    let about = About { kind: "Order", name: name.clone(), identity };
    let context = Arc::clone(context);
    Some(
        async move {
            let created =
                context.api.create(Resource::CHALLENGES, &of, &challenge, Manager::ORDERS, "challenge: made").await;
            if created.is_ok() {
                let (made, domain) = (of.object(), &challenge.spec.dns_name);
                let note = format!("Created Challenge resource {made:?} for domain {domain:?}");
                announce::mention(&context, &about, "Created", note);
            }
            let outcome = settle(&context, Resource::CHALLENGES, &of, created, challenge).await;
            Answer::ChallengeWritten(Box::new(Written { name: of, outcome }))
        }
        .boxed(),
    )
}

/// The Challenge of a flow, as cert-manager would make it.
fn draft(
    order: &Order,
    identity: &Identity,
    name: &Name,
    flow: &ChallengeFlow,
    solver: &crate::crd::acme::Solver,
    thumbprint: &str,
) -> Option<Challenge> {
    let assignment = flow.assignment();
    let kind = match &solver.http01 {
        Some(_) => ChallengeType::Http01,
        None => ChallengeType::Dns01,
    };
    let spec = ChallengeSpec {
        url: assignment.challenge.as_str().to_owned(),
        authorization_url: assignment.authorization.as_str().to_owned(),
        dns_name: assignment.identifier.to_string(),
        wildcard: assignment.wildcard,
        key: codec::challenge::key(&kind, assignment.token()?, thumbprint).ok()?,
        kind,
        token: assignment.token()?.to_owned(),
        solver: solver.clone(),
        issuer_ref: order.spec.issuer_ref.clone(),
        unknown: Default::default(),
    };
    let metadata = ObjectMeta {
        name: Some(names::challenge(name.object(), &spec)),
        namespace: Some(name.namespace().to_owned()),
        // What nobody else would take away keeps the Challenge until we did.
        finalizers: codec::challenge::leaves_traces(&spec).then(|| vec![FINALIZER.to_owned()]),
        owner_references: Some(vec![OwnerReference {
            api_version: "acme.cert-manager.io/v1".to_owned(),
            kind: "Order".to_owned(),
            name: name.object().to_owned(),
            uid: identity.uid.to_string(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        }]),
        ..ObjectMeta::default()
    };
    Some(Challenge { metadata, spec, status: None })
}

/// Writes the status of a Challenge.
pub(super) fn tell_of(
    world: &World,
    context: &Arc<Context>,
    name: &Name,
    of: &Name,
) -> Option<BoxFuture<'static, Answer>> {
    let record = world.challenges.get(of)?;
    let run = world.order_index.runs.get(name)?;
    let flow = run.flow(of, &record.object)?;
    let wanted = plan::order::wanted_status_of(run, flow, &record.object);
    let patch = codec::difference(&record.object.status.clone().unwrap_or_default(), &wanted)?;
    let identity = world.challenges.identity(of)?.clone();
    let mut object = (*record.object).clone();
    object.status = Some(wanted);
    let about = About { kind: "Challenge", name: of.clone(), identity: Some(identity.clone()) };
    let (context, of, patch) = (Arc::clone(context), of.clone(), status_patch(&identity, patch));
    let ended = object.status.as_ref().filter(|it| codec::challenge::is_failed(it)).map(|it| it.reason.clone());
    Some(
        async move {
            let result = context
                .api
                .patch_status(Resource::CHALLENGES, &of, &patch, Manager::CHALLENGES, "challenge: progress")
                .await;
            if let (Ok(_), Some(reason)) = (&result, ended) {
                announce::mention(&context, &about, "Failed", reason);
            }
            let outcome = settle(&context, Resource::CHALLENGES, &of, result, object).await;
            Answer::ChallengeWritten(Box::new(Written { name: of, outcome }))
        }
        .boxed(),
    )
}

/// Puts our finalizer on a Challenge.
pub(super) fn hold(world: &World, context: &Arc<Context>, of: &Name) -> Option<BoxFuture<'static, Answer>> {
    let mut object = (*world.challenges.get(of)?.object).clone();
    let identity = world.challenges.identity(of)?.clone();
    object.metadata.finalizers.get_or_insert_default().push(FINALIZER.to_owned());
    let patch = json!({ "metadata": {
        "resourceVersion": identity.version.to_string(), "finalizers": object.metadata.finalizers,
    } });
    let (context, of) = (Arc::clone(context), of.clone());
    Some(
        async move {
            let result =
                context.api.patch(Resource::CHALLENGES, &of, &patch, Manager::CHALLENGES, "challenge: held").await;
            let outcome = settle(&context, Resource::CHALLENGES, &of, result, object).await;
            Answer::ChallengeWritten(Box::new(Written { name: of, outcome }))
        }
        .boxed(),
    )
}

/// Takes our finalizer, by whichever of its names, off a Challenge.
pub(super) fn release(
    world: &World,
    context: &Arc<Context>,
    name: &Name,
    of: &Name,
) -> Option<BoxFuture<'static, Answer>> {
    let record = world.challenges.get(of)?;
    let identity = world.challenges.identity(of)?.clone();
    let flow = world.order_index.runs.get(name)?.flow(of, &record.object)?;
    let leftover = match flow.next(Timestamp::MAX) {
        acme_core::flow::Next::Done(settled) => settled.leftover,
        acme_core::flow::Next::Go(_) => None,
    };
    let mut object = (*record.object).clone();
    let kept: Vec<String> =
        object.metadata.finalizers.take().into_iter().flatten().filter(|it| !is_finalizer(it)).collect();
    object.metadata.finalizers = (!kept.is_empty()).then_some(kept);
    let patch = json!({ "metadata": {
        "resourceVersion": identity.version.to_string(), "finalizers": object.metadata.finalizers,
    } });
    let about = About { kind: "Challenge", name: of.clone(), identity: Some(identity) };
    let (context, of) = (Arc::clone(context), of.clone());
    Some(
        async move {
            if let Some(leftover) = leftover {
                let record = format!("{leftover}; remove it by hand: {}", traces(&object.spec));
                announce::warn(&context, &about, "CleanUpError", codec::words::not_cleaned_up(&record));
            }
            let result =
                context.api.patch(Resource::CHALLENGES, &of, &patch, Manager::CHALLENGES, "challenge: released").await;
            let goes = object.metadata.deletion_timestamp.is_some() && object.metadata.finalizers.is_none();
            let outcome = match (result, goes) {
                (Ok(_), true) => Outcome::Gone,
                (result, _) => settle(&context, Resource::CHALLENGES, &of, result, object).await,
            };
            Answer::ChallengeWritten(Box::new(Written { name: of, outcome }))
        }
        .boxed(),
    )
}

/// What a Challenge puts into the world.
fn traces(spec: &ChallengeSpec) -> String {
    match spec.kind {
        ChallengeType::Dns01 => format!("the TXT record _acme-challenge.{} with the value {}", spec.dns_name, spec.key),
        ChallengeType::Http01 | ChallengeType::Other(_) => {
            format!("the path /.well-known/acme-challenge/{} of {}", spec.token, spec.dns_name)
        }
    }
}

/// Deletes a Challenge.
pub(super) fn delete(
    world: &World,
    context: &Arc<Context>,
    name: &Name,
    of: &Name,
) -> Option<BoxFuture<'static, Answer>> {
    let object = (*world.challenges.get(of)?.object).clone();
    let identity = world.challenges.identity(of)?.clone();
    let flow = world.order_index.runs.get(name).and_then(|run| run.flow(of, &object));
    if flow.and_then(ChallengeFlow::verdict) == Some(&Verdict::Valid) {
        let about = About { kind: "Challenge", name: of.clone(), identity: Some(identity.clone()) };
        let note = codec::words::verified(&object.spec.dns_name, &object.spec.kind);
        announce::mention(context, &about, "DomainVerified", note);
    }
    let (context, of) = (Arc::clone(context), of.clone());
    Some(
        async move {
            let outcome = match context.api.delete(Resource::CHALLENGES, &of, &identity, "challenge: deleted").await {
                Ok(()) => Outcome::Gone,
                Err(refusal) => settle(&context, Resource::CHALLENGES, &of, Err(refusal), object).await,
            };
            Answer::ChallengeWritten(Box::new(Written { name: of, outcome }))
        }
        .boxed(),
    )
}

fn status_patch(identity: &Identity, status: Value) -> Value {
    json!({ "metadata": { "resourceVersion": identity.version.to_string() }, "status": status })
}

/// What a write came to: after a doubt the live object tells.
async fn settle<T: DeserializeOwned>(
    context: &Context,
    resource: Resource,
    name: &Name,
    result: Result<Identity, Refusal>,
    wanted: T,
) -> Outcome<T> {
    let refusal = match result {
        Ok(identity) => return Outcome::Done(wanted, identity),
        Err(refusal) => refusal,
    };
    match refusal.kind() {
        RefusalKind::Gone => Outcome::Gone,
        RefusalKind::Exists | RefusalKind::Conflict | RefusalKind::Lost => {
            match context.api.read::<T>(resource, name).await {
                Ok(Some(found)) => Outcome::Found(found),
                Ok(None) if refusal.kind() == RefusalKind::Lost => Outcome::Refused(refusal),
                Ok(None) => Outcome::Gone,
                Err(_) => Outcome::Refused(refusal),
            }
        }
        RefusalKind::Forbidden | RefusalKind::Invalid | RefusalKind::Busy => Outcome::Refused(refusal),
    }
}
