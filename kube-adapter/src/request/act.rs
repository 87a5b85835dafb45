//! What a request wants, done: questions, and writes of its status.

use std::sync::Arc;

use acme_core::{Signer as Key, Timestamp};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::json;

use super::rights::Signer;
use super::signing::{Obtained, Outcome, Question};
use super::{Answer, Failure, KEY_SECRET, order, signing};
use crate::api::{Manager, RefusalKind, Resource};
use crate::context::Context;
use crate::crd::base64::Base64;
use crate::crd::certificate_request::{CertificateRequest, CertificateRequestStatus};
use crate::crd::condition::ConditionStatus;
use crate::crd::order::Order;
use crate::crd::time::Time;
use crate::engine::{Engine, Remote, Secrets, Unread, read_key};
use crate::events::{Event, Regarding, Severity};
use crate::issuer::{View, view};
use crate::key::{Identity, Name, Uid};
use crate::order::{OrderRecord, Outcome as Ordered};
use crate::plan::request::{Action, DENIED, FAILED, ISSUED, PENDING, approved, with_ready};
use crate::settings::EventSet;
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
                world.request_index.look_for_key(name.beside(secret.as_str()), name);
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
            let View::Ready(Engine::Remote(remote, issuer)) = issuer else { return gone() };
            let (remote, issuer, memory) = (*remote, Arc::clone(issuer), record.memory());
            let question = Question::new(Arc::clone(&object), memory.signer.clone(), memory.made_here);
            let state = memory.progress.clone();
            async move { Answer::Answered(remote, question.ask_remote(issuer.as_ref(), state).await) }.boxed()
        }
        Action::Keep => {
            let Some(obtained) = record.memory().obtained.clone() else { return gone() };
            writing.keep(&obtained).boxed()
        }
        Action::Approve => writing.approve().boxed(),
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
            let Ok((order, spec)) = order::draft(&object, &account.spec) else { return gone() };
            let made = order::object(&order, spec, &object, &identity.uid, &context.settings);
            make_order(Arc::clone(context), order, made, identity.uid.clone()).boxed()
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

/// The request went before its action began.
fn gone() -> BoxFuture<'static, Answer> {
    std::future::ready(Answer::Gone).boxed()
}

/// Makes an Order. One that is there already is ours when it is owned by the request; another one is seen by the watch.
async fn make_order(context: Arc<Context>, name: Name, object: Order, request: Uid) -> Answer {
    let made = context.api.create(Resource::ORDERS, &object, name.namespace(), Manager::ORDERS, "order").await;
    Answer::Ordered(match made {
        Ok(identity) => {
            let mut object = object;
            object.metadata.uid = Some(identity.uid.to_string());
            object.metadata.resource_version = Some(identity.version.to_string());
            Ok(Box::new((name, identity, OrderRecord::made(object))))
        }
        Err(refusal) if matches!(refusal.kind(), RefusalKind::Exists | RefusalKind::Lost) => {
            match context.api.read::<Order>(Resource::ORDERS, &name).await {
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

/// A write of a request's status.
struct Writing {
    context: Arc<Context>,
    name: Name,
    identity: Identity,
    by: Manager,
    bare: bool,
    status: CertificateRequestStatus,
    now: Timestamp,
}

impl Writing {
    /// Signs, and writes approval and certificate at once. A certificate whose write is refused was never seen by anybody, and is forgotten.
    async fn sign(mut self, engine: Engine, question: Question) -> Answer {
        let Some(issuer) = engine.issuer().map(Arc::clone) else { return Answer::Gone };
        let signed = self.context.workshop.run(move || question.ask_now(issuer.as_ref())).await;
        let obtained = match signed {
            Ok(Outcome::Obtained(obtained)) => obtained,
            Ok(outcome) => return Answer::Unsigned(outcome),
            Err(error) => return Answer::Unsigned(Outcome::Failed(error)),
        };
        self.status.conditions = approved(&self.status.conditions, self.now);
        self.issued(&obtained).await
    }

    /// Writes the certificate that somebody else signed. It is kept until that is done.
    fn keep(self, obtained: &Arc<Obtained>) -> impl Future<Output = Answer> + Send + use<> {
        let obtained = Arc::clone(obtained);
        async move { self.issued(&obtained).await }
    }

    async fn issued(mut self, obtained: &Obtained) -> Answer {
        let Obtained { certificate, ca, remarks } = obtained;
        self.ready(ConditionStatus::True, ISSUED, "Certificate fetched from issuer successfully");
        self.status.certificate = certificate.as_bytes().into();
        self.status.ca = ca.as_ref().map(|ca| Base64::from(ca.as_bytes())).unwrap_or_default();
        let events = self.events_of_success(remarks.clone());
        self.write("certificate", events).await
    }

    /// Copies the certificate of the Order, where it is what the request asked for.
    async fn take(mut self, order: Name, known: Option<Vec<u8>>, request: Arc<CertificateRequest>) -> Answer {
        let pem = match known {
            Some(pem) => pem,
            None => match self.context.api.read::<Order>(Resource::ORDERS, &order).await {
                Ok(Some(found)) if order::is_of(&found, &self.identity.uid) => {
                    found.status.unwrap_or_default().certificate.as_slice().to_vec()
                }
                Ok(Some(_)) => return Answer::Unfit,
                Ok(None) => return Answer::Dropped(order, Ok(())),
                Err(refusal) => return Answer::Wrote(Err(refusal)),
            },
        };
        if !signing::fits(&pem, &request.spec) {
            return Answer::Unfit;
        }
        self.ready(ConditionStatus::True, ISSUED, "Certificate fetched from issuer successfully");
        self.status.certificate = pem.into();
        let events = self.events_of_success(Vec::new());
        self.write("certificate", events).await
    }

    async fn approve(mut self) -> Answer {
        self.status.conditions = approved(&self.status.conditions, self.now);
        self.by = APPROVER;
        self.write("approval", Vec::new()).await
    }

    async fn show(mut self, text: String, may_approve: bool) -> Answer {
        if may_approve {
            self.status.conditions = approved(&self.status.conditions, self.now);
        }
        self.ready(ConditionStatus::False, PENDING, &text);
        self.write("what a request waits for", Vec::new()).await
    }

    async fn deny(mut self) -> Answer {
        self.ready(ConditionStatus::False, DENIED, "The CertificateRequest was denied by an approval controller");
        self.status.failure_time.get_or_insert(Time::from(self.now));
        self.write("denial", Vec::new()).await
    }

    /// What failed was approved: that it may be asked for is not why.
    async fn fail(mut self, failure: Failure, may_approve: bool) -> Answer {
        if may_approve {
            self.status.conditions = approved(&self.status.conditions, self.now);
        }
        self.ready(ConditionStatus::False, FAILED, &failure.message);
        self.status.failure_time = Some(Time::from(self.now));
        let event = self.event(Severity::Warning, failure.reason, failure.message);
        let events = if self.bare { vec![event] } else { Vec::new() };
        self.write("failure", events).await
    }

    fn ready(&mut self, status: ConditionStatus, reason: &str, message: &str) {
        let conditions = std::mem::take(&mut self.status.conditions);
        self.status.conditions = with_ready(conditions, status, reason, message, self.now);
    }

    async fn write(self, why: &'static str, events: Vec<Event>) -> Answer {
        let Self { context, name, identity, by, status, .. } = self;
        let patch = json!({ "metadata": { "resourceVersion": identity.version.to_string() }, "status": status });
        let written = context.api.patch_status(Resource::REQUESTS, &name, &patch, by, why).await;
        if written.is_ok() {
            events.into_iter().for_each(|event| context.events.publish(event));
        }
        Answer::Wrote(written.map(|identity| (identity, status)))
    }

    /// What is not as it should be is told with any request; that all went well only where nobody else tells it, and somebody wants to hear it.
    fn events_of_success(&self, remarks: Vec<String>) -> Vec<Event> {
        let mut events: Vec<Event> =
            remarks.into_iter().map(|remark| self.event(Severity::Warning, "BadConfig", remark)).collect();
        if self.context.settings.events == EventSet::All {
            let text = "Certificate fetched from issuer successfully".to_owned();
            events.push(self.event(Severity::Normal, "CertificateIssued", text));
        }
        events
    }

    fn event(&self, severity: Severity, reason: &'static str, note: String) -> Event {
        let regarding = Regarding {
            api_version: "cert-manager.io/v1",
            kind: "CertificateRequest",
            name: self.name.clone(),
            uid: self.identity.uid.clone(),
        };
        let controller = self.by.0.trim_start_matches("cert-manager-");
        Event { regarding, severity, reason: reason.into(), note, controller }
    }
}

/// The field manager: the controller of cert-manager that signs for such an issuer.
fn manager(issuer: &View<'_>) -> Manager {
    match issuer {
        View::Ready(Engine::Authority(_)) => Manager("cert-manager-certificaterequests-issuer-ca"),
        View::Ready(Engine::SelfSigned(_)) => Manager("cert-manager-certificaterequests-issuer-selfsigned"),
        View::Ready(Engine::Remote(Remote::Vault, _)) => Manager("cert-manager-certificaterequests-issuer-vault"),
        View::Ready(Engine::Remote(Remote::Venafi, _)) => Manager("cert-manager-certificaterequests-issuer-venafi"),
        View::Ready(Engine::Acme(_)) => Manager("cert-manager-certificaterequests-issuer-acme"),
        View::Foreign | View::Missing | View::Unready(_) => APPROVER,
    }
}

const APPROVER: Manager = Manager("cert-manager-certificaterequests-approver");
