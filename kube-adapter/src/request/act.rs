//! What a request wants, done: questions, and writes of its status.

use std::sync::Arc;

use acme_core::{Secret, Signer as Key, Timestamp};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use issuers::venafi::{CustomField, VenafiIssuer};

use super::rights::Signer;
use super::signing::Question;
use super::write::{Writing, manager};
use super::{Answer, Failure, KEY_SECRET, Memory, PICKUP, order};
use crate::api::{Manager, RefusalKind, Resource};
use crate::context::Context;
use crate::crd::certificate_request::CertificateRequest;
use crate::crd::order::Order;
use crate::engine::{CUSTOM_FIELDS, Engine, Remote, Secrets, Unread, read_key};
use crate::issuer::{View, view};
use crate::key::{Identity, Name, Uid};
use crate::order::{OrderRecord, Outcome as Ordered};
use crate::plan::request::{Action, UNAPPROVED};
use crate::world::{Record as _, World};

/// What was found where the annotation says that the key is.
pub(crate) enum Keyed {
    /// A key.
    Read(Arc<dyn Key>),
    /// None that could be read: what people are told, and when to look without a change.
    Waiting(String, Option<Timestamp>),
    /// There is nowhere to look.
    Failed(Failure),
}

impl std::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Read(_) => f.write_str("Read"),
            Self::Waiting(text, _) => f.debug_tuple("Waiting").field(text).finish(),
            Self::Failed(failure) => f.debug_tuple("Failed").field(failure).finish(),
        }
    }
}

/// Starts what a request wants.
pub(super) fn start(
    world: &mut World,
    context: &Arc<Context>,
    name: &Name,
    action: &Action,
    now: Timestamp,
) -> BoxFuture<'static, Answer> {
    let (Some(record), Some(identity)) = (world.requests.get(name), world.requests.identity(name)) else {
        return gone();
    };
    let Some(object) = record.whole().map(Arc::clone) else { return gone() };
    let issuer = view(world, name.namespace(), &object.spec.issuer_ref);
    let writing = Writing {
        context: Arc::clone(context),
        name: name.clone(),
        identity: identity.clone(),
        by: manager(&issuer),
        bare: record.owner().is_none(),
        approves: false,
        status: object.status.clone().unwrap_or_default(),
        now,
    };
    match action {
        Action::AskRight => {
            let signer = Signer::of(name.namespace(), &object.spec.issuer_ref);
            super::ask(world, context, signer).map(Answer::Right).boxed()
        }
        Action::ReadKey => {
            let named = object.metadata.annotations.as_ref().and_then(|it| it.get(KEY_SECRET)).cloned();
            if let Some(secret) = &named {
                super::look_for_key(world, name, name.beside(secret.as_str()));
            }
            if let Some(record) = world.requests.get_mut(name) {
                record.memory_mut().key_is_news = false;
            }
            read_own_key(Arc::clone(context), name.clone(), named, now).boxed()
        }
        Action::Sign => {
            let View::Ready(engine) = issuer else { return gone() };
            let (engine, memory) = (engine.clone(), record.memory());
            let question = Question::new(Arc::clone(&object), memory.signer.clone(), memory.made_here);
            writing.sign(engine, question).boxed()
        }
        Action::Ask => {
            let View::Ready(Engine::Remote(remote)) = issuer else { return gone() };
            let remote = match with_own_fields(remote, &object) {
                Ok(remote) => remote,
                Err(failure) => return std::future::ready(Answer::Unaskable(failure)).boxed(),
            };
            let memory = record.memory();
            let question = Question::new(Arc::clone(&object), memory.signer.clone(), memory.made_here);
            let state = memory.progress.clone().or_else(|| handed_in_before(&remote, &object, memory, now));
            async move {
                let answered = question.ask_remote(&remote, state).await;
                Answer::Answered(remote, answered)
            }
            .boxed()
        }
        Action::NotePickup => {
            let Some(pickup) = record.memory().pickup.clone() else { return gone() };
            writing.note_pickup(pickup).boxed()
        }
        Action::Keep => {
            let Some(obtained) = record.memory().obtained.clone() else { return gone() };
            writing.keep(&obtained).boxed()
        }
        Action::Approve => writing.approve().boxed(),
        Action::Announce => {
            writing.mention("WaitingForApproval", UNAPPROVED.to_owned());
            std::future::ready(Answer::Announced).boxed()
        }
        Action::Show(text) => {
            let may = super::right(world, name.namespace(), &object.spec.issuer_ref, now) == super::Right::Allowed;
            writing.show(text.clone(), may).boxed()
        }
        Action::Deny => writing.deny().boxed(),
        Action::Fail(failure) => {
            let may = super::right(world, name.namespace(), &object.spec.issuer_ref, now) == super::Right::Allowed;
            writing.fail(failure.clone(), may).boxed()
        }
        Action::MakeOrder => {
            let Some(account) = issuer.account() else { return gone() };
            let question = Question::new(Arc::clone(&object), None, record.memory().made_here);
            if let Some(refused) = question.refused() {
                let message = format!("Failed to decode CSR in spec.request: {refused}");
                let failure = Failure::new("RequestParsingError", message);
                return std::future::ready(Answer::Unaskable(failure)).boxed();
            }
            let replaced = order::replaced(world, record, &object);
            let Ok((order, spec)) = order::draft(&object, &account.spec, replaced) else { return gone() };
            let made = order::object(&order, spec, &object, &identity.uid, &context.settings);
            make_order(writing, order, made, identity.uid.clone()).boxed()
        }
        Action::DropOrder(order) => {
            let Some(identity) = world.orders.identity(order).cloned() else { return gone() };
            let (context, order) = (Arc::clone(context), order.clone());
            async move {
                let dropped = context.api.delete(Resource::ORDERS, &order, &identity, "order in the way").await;
                Answer::Dropped(order, dropped)
            }
            .boxed()
        }
        Action::TakeOrder(order) => {
            let known = match world.orders.get(order).map(|record| record.outcome()) {
                Some(Ordered::Issued(known)) => known.map(<[u8]>::to_vec),
                Some(Ordered::Pending { .. } | Ordered::Failed { .. }) | None => return gone(),
            };
            writing.take(order.clone(), known, object).boxed()
        }
    }
}

/// The issuer as it is asked for this request: with custom fields of its own, where it names some.
fn with_own_fields(remote: &Remote, request: &CertificateRequest) -> Result<Remote, Failure> {
    let annotations = request.metadata.annotations.as_ref();
    let fields = annotations.and_then(|it| it.get(CUSTOM_FIELDS)).filter(|it| !it.is_empty());
    match (remote, fields) {
        (Remote::Venafi(issuer), Some(fields)) => match CustomField::list(fields) {
            Ok(fields) => Ok(Remote::Venafi(Arc::new(issuer.with_fields_of_request(&fields)))),
            Err(error) => {
                let message = format!("Failed to parse \"{CUSTOM_FIELDS}\" annotation: {error}");
                Err(Failure::new("CustomFieldsError", message))
            }
        },
        (Remote::Venafi(_) | Remote::Vault(_), _) => Ok(remote.clone()),
    }
}

/// What a process before this one handed in, and wrote down the name of.
fn handed_in_before(
    remote: &Remote,
    request: &CertificateRequest,
    memory: &Memory,
    now: Timestamp,
) -> Option<Arc<Secret<Vec<u8>>>> {
    let Remote::Venafi(_) = remote else { return None };
    let pickup = request.metadata.annotations.as_ref()?.get(PICKUP).filter(|_| !memory.pickup_is_void)?;
    let created = request.metadata.creation_timestamp.as_ref();
    let since = created.map_or(now, |it| Timestamp::from_unix_seconds(it.0.as_second()));
    // What cannot be a name is asked for anew.
    VenafiIssuer::state_of(pickup, since).ok().map(|state| Arc::new(Secret::new(state)))
}

/// The request went before its action began.
fn gone() -> BoxFuture<'static, Answer> {
    std::future::ready(Answer::Gone).boxed()
}

/// Makes an Order. One that is there already is ours when it is owned by the request; another one is seen by the watch.
async fn make_order(writing: Writing, name: Name, object: Order, request: Uid) -> Answer {
    let api = &writing.context.api;
    let made = api.create(Resource::ORDERS, &name, &object, Manager::ORDERS, "order").await;
    Answer::Ordered(match made {
        Ok(identity) => {
            writing.mention("OrderCreated", format!("Created Order resource {name}"));
            let mut object = object;
            object.metadata.uid = Some(identity.uid.to_string());
            object.metadata.resource_version = Some(identity.version.to_string());
            Ok(Box::new((name, identity, OrderRecord::made(object))))
        }
        Err(refusal) if matches!(refusal.kind(), RefusalKind::Exists | RefusalKind::Lost) => {
            match api.read::<Order>(Resource::ORDERS, &name).await {
                Ok(Some(found)) if order::is_of(&found, &request) => {
                    match (Identity::of(&found.metadata), OrderRecord::read(found, None)) {
                        (Some(identity), Some(record)) => Ok(Box::new((name, identity, record))),
                        (_, _) => Err(refusal),
                    }
                }
                Ok(_) => Err(refusal),
                Err(other) => Err(other),
            }
        }
        Err(refusal) => Err(refusal),
    })
}

/// Reads the key that the annotation names.
async fn read_own_key(context: Arc<Context>, name: Name, secret: Option<String>, now: Timestamp) -> Answer {
    let Some(secret) = secret.filter(|it| !it.is_empty()) else {
        return Answer::Key(Keyed::Failed(Failure {
            reason: "MissingAnnotation",
            message: format!(
                "Annotation \"{KEY_SECRET}\" missing or reference empty: secret name missing: the request is signed with its own key, which must lie in a Secret"
            ),
        }));
    };
    let mut secrets = Secrets::new(&context.api, name.namespace().into());
    Answer::Key(match secrets.value(&secret, "tls.key").await {
        Ok(pem) => match read_key(&pem) {
            Some(key) => Keyed::Read(Arc::new(key)),
            None => Keyed::Waiting(unparsable(&secret), None),
        },
        Err(Unread::Missing(secret)) => Keyed::Waiting(format!("Referenced secret {secret} not found"), None),
        Err(Unread::Lacking(..)) => Keyed::Waiting(unparsable(&secret), None),
        Err(Unread::Refused(refusal)) => {
            let text = format!("Failed to get key \"{secret}\" referenced in annotation \"{KEY_SECRET}\": {refusal}");
            Keyed::Waiting(text, Some(now + super::SHORTEST_PAUSE * 5))
        }
    })
}

fn unparsable(secret: &str) -> String {
    format!(
        "Failed to get key \"{secret}\" referenced in annotation \"{KEY_SECRET}\": it holds no private key in PEM below tls.key"
    )
}
