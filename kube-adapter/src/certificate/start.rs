//! What a plan wants, begun: what an action needs is taken from the tables, and the rest happens outside of them.

use std::sync::Arc;

use acme_core::protocol::CertificateId;
use acme_core::{ErrorKind, Signer, Timestamp};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use k8s_openapi::api::core::v1::Secret;

use super::Action;
use super::answer::{Answer, Asked, Read, Stored};
use super::ask::Question;
use super::key::{self, Owner};
use super::observe;
use super::record::{CertificateRecord, InHand, Seen};
use super::store::{Before, Store};
use super::wanted::{self, Wanted};
use crate::api::{Manager, Resource};
use crate::context::Context;
use crate::crd::certificate::Certificate;
use crate::engine::Account;
use crate::events::Severity;
use crate::issuer;
use crate::key::{Identity, Name};
use crate::names;
use crate::plan::certificate::{Failure, Place};
use crate::request::{self, Prospect};
use crate::secret;
use crate::secret::target::TargetSecret;
use crate::settings::EventSet;
use crate::status::{Note, Patch, Report};
use crate::world::World;

/// Begins what a plan wants.
pub(super) fn start(
    world: &mut World,
    context: &Arc<Context>,
    name: &Name,
    action: &Action,
    now: Timestamp,
) -> BoxFuture<'static, Answer> {
    if let Action::Step { request, action } = action {
        let request = name.beside(Arc::clone(request));
        // The watch may have told of it before its maker, whose answer was lost.
        if let Some(signer) = world.certificates.get(name).and_then(lent) {
            request::lend(world, &request, signer);
        }
        let step = request::start(world, context, &request, action, now);
        return async move { Answer::Stepped(request, step.await) }.boxed();
    }
    if let Action::MakeKey = action
        && let Some(object) = world.certificates.get(name).and_then(CertificateRecord::object)
        && request::prospect(world, name.namespace(), &object.spec.issuer_ref, now) == Prospect::Unclear
    {
        request::expect(world, name, &object.spec.issuer_ref);
        if let Some(record) = world.certificates.get_mut(name) {
            record.memory().begun.get_or_insert(now);
        }
    }
    if let Action::Report(_) = action
        && let Some(record) = world.certificates.get_mut(name)
    {
        record.memory().is_reporting = true;
    }
    // What somebody asked for by changing the specification is not of the crowd that has a pace.
    if matches!(action, Action::Refresh) && world.certificates.get(name).is_some_and(|it| it.is_content) {
        world.certificate_index.fix_ups.begin(now);
    }
    if action.stores_a_pair()
        && let Some(record) = world.certificates.get_mut(name)
    {
        record.memory().is_storing = true;
    }
    if !matches!(action, Action::ReadObject | Action::ReadTarget)
        && let Some(record) = world.certificates.get(name)
        && record.memory.as_ref().is_none_or(|it| it.target.is_none())
        && observe::untold(world, record, now)
        && let Some(record) = world.certificates.get_mut(name)
    {
        // The attempt goes on with it: if the watch tells of a Secret meanwhile, that counts.
        record.memory().target = Some(Seen { version: None, holding: None, key: None });
    }
    let context = Arc::clone(context);
    if matches!(action, Action::ReadObject) {
        let name = name.clone();
        let read = async move { context.api.read::<Certificate>(Resource::CERTIFICATES, &name).await };
        return async move { Answer::Object(read.await.map(|it| it.map(Box::new))) }.boxed();
    }
    let Some(object) = world.certificates.get_mut(name).and_then(CertificateRecord::open) else { return gone() };
    let Some(record) = world.certificates.get(name) else { return gone() };
    let work = Work { context, name: name.clone(), object };
    match action {
        Action::ReadObject | Action::Step { .. } => gone(),
        Action::ReadTarget => work.read_target().boxed(),
        Action::ReadKey(secret) => work.read_key(name.beside(Arc::clone(secret))).boxed(),
        Action::ReadRequest(request) => work.read_request(name.beside(Arc::clone(request))).boxed(),
        Action::MakeKey => work.make_key().boxed(),
        Action::StoreKey => match in_hand(record) {
            None => gone(),
            Some(in_hand) => {
                let taken = record.memory.as_ref().map_or(0, |it| it.taken_names);
                let secret = key::name(name, &record.uid, &work.object, taken, world.settings.secrets);
                work.store_key(owner(name, record), secret, in_hand).boxed()
            }
        },
        Action::Request(revision) => match in_hand(record) {
            None => gone(),
            Some(in_hand) => work.request(owner(name, record), record, *revision, in_hand),
        },
        Action::Store(request) => {
            let request = name.beside(Arc::clone(request));
            match in_hand(record) {
                None => gone(),
                Some(in_hand) => {
                    let whole = world.requests.get(&request).and_then(|it| it.whole()).cloned();
                    let read = record.memory.as_ref().and_then(|it| {
                        it.requests.iter().find(|(name, _)| *name == request).map(|(_, whole)| Arc::clone(whole))
                    });
                    match whole.or(read) {
                        None => gone(),
                        Some(whole) => {
                            let store = store(world, name, record, &work.object);
                            let context = work.context;
                            async move {
                                let written = store.issued(&context, &whole, in_hand.key).await;
                                Answer::Written(written.map(Box::new))
                            }
                            .boxed()
                        }
                    }
                }
            }
        }
        Action::Refresh => {
            let store = store(world, name, record, &work.object);
            let context = work.context;
            async move { Answer::Written(store.refreshed(&context).await.map(Box::new)) }.boxed()
        }
        Action::StoreTemporary => match (in_hand(record), Wanted::of(&work.object)) {
            (Some(in_hand), Ok(wanted)) => {
                let store = store(world, name, record, &work.object);
                let context = work.context;
                async move {
                    let written = store.temporary(&context, wanted, in_hand.key).await;
                    Answer::Written(written.map(Box::new))
                }
                .boxed()
            }
            (_, _) => gone(),
        },
        Action::AskRenewal { certificate, revision } => {
            match issuer::view(world, name.namespace(), &work.object.spec.issuer_ref).account() {
                None => gone(),
                Some(account) => {
                    let account = Arc::clone(account);
                    work.ask_renewal(owner(name, record), account, certificate.clone(), *revision).boxed()
                }
            }
        }
        Action::Announce(note) => {
            let controller = match note.reason.as_str() {
                "Issuing" => "certificates-trigger",
                "Deleted" => "certificates-key-manager",
                _ => "certificates-issuing",
            };
            work.context.events.publish(owner(name, record).event(note, controller));
            std::future::ready(Answer::Announced(note.clone())).boxed()
        }
        Action::Report(report) => match world.certificates.identity(name) {
            None => gone(),
            Some(identity) => work.report(identity.clone(), (**report).clone()).boxed(),
        },
        Action::DropRequest(request) => {
            let request = name.beside(Arc::clone(request));
            match world.requests.identity(&request) {
                None => gone(),
                Some(identity) => work.drop_request(request, identity.clone()).boxed(),
            }
        }
        Action::DropKey(secret) => {
            let secret = name.beside(Arc::clone(secret));
            match secret::identity(world, &secret) {
                None => gone(),
                Some(identity) => work.drop_key(secret, identity.clone()).boxed(),
            }
        }
    }
}

/// What an action works with.
struct Work {
    context: Arc<Context>,
    name: Name,
    object: Arc<Certificate>,
}

impl Work {
    async fn read_target(self) -> Answer {
        let target = self.name.beside(self.object.spec.secret_name.as_str());
        let found = self.context.api.read::<Secret>(Resource::SECRETS, &target).await;
        let spec = &self.object.spec;
        let read = found.map(|found| {
            found.and_then(|found| {
                let TargetSecret { holding, key } = TargetSecret::read(&found);
                let identity = Identity::of(&found.metadata)?;
                let key = key.and_then(|it| wanted::signing_as(spec, it).ok()).map(Arc::new);
                Some(Box::new(Read { identity, holding, key }))
            })
        });
        Answer::Target(target, read)
    }

    async fn read_key(self, secret: Name) -> Answer {
        let read = key::read(&self.context.api, &secret, &self.object.spec).await;
        Answer::Key(secret, read)
    }

    async fn read_request(self, request: Name) -> Answer {
        let read = self.context.api.read(Resource::REQUESTS, &request).await;
        Answer::Whole(request, read.map(|it| it.map(Box::new)))
    }

    async fn make_key(self) -> Answer {
        let spec = &self.object.spec;
        Answer::Made(match Wanted::of(&self.object) {
            Ok(wanted) => key::make(&self.context.workshop, spec, wanted.spec.key_type).await,
            Err(message) => Err(Failure { reason: "RequestFailed".to_owned(), message }),
        })
    }

    async fn store_key(self, owner: Owner, secret: Name, in_hand: InHand) -> Answer {
        let stored = key::store(&self.context.api, &secret, &owner, &in_hand.key).await;
        if let Ok(Stored::Now(_)) = &stored {
            let text = format!("Stored new private key in temporary Secret resource \"{}\"", secret.object());
            mention(&self.context, &owner, "Generated", text, "certificates-key-manager");
        }
        Answer::KeyStored(secret, stored)
    }

    fn request(
        self,
        owner: Owner,
        record: &CertificateRecord,
        revision: i64,
        in_hand: InHand,
    ) -> BoxFuture<'static, Answer> {
        let Self { context, name, object } = self;
        let Ok(wanted) = Wanted::of(&object) else { return gone() };
        let request = name.beside(names::request(name.object(), revision));
        let key_secret = match &in_hand.facts.place {
            Place::Stored(secret) => secret.to_string(),
            Place::Target => object.spec.secret_name.clone(),
            Place::Memory => key::name(&name, &record.uid, &object, 0, context.settings.secrets).object().to_owned(),
        };
        let is_reused = in_hand.facts.place == Place::Target && wanted::keeps_key(&object.spec);
        let (speaker, reused) = (owner.clone(), is_reused.then(|| object.spec.secret_name.clone()));
        let question =
            Question { owner, object, wanted, revision, name: request.clone(), key_secret, key: in_hand.key };
        async move {
            let asked = question.put(&context).await;
            if let Ok(Asked { is_new: true, .. }) = &asked {
                if let Some(secret) = reused {
                    let text = format!("Reusing private key stored in existing Secret resource \"{secret}\"");
                    mention(&context, &speaker, "Reused", text, "certificates-key-manager");
                }
                let text = format!("Created new CertificateRequest resource \"{}\"", request.object());
                mention(&context, &speaker, "Requested", text, "certificates-request-manager");
            }
            Answer::Requested(request, asked.map(Box::new))
        }
        .boxed()
    }

    async fn report(self, identity: Identity, report: Report) -> Answer {
        let Self { context, name, object } = self;
        let before = object.status.clone().unwrap_or_default();
        let after = report.applied(&object, context.now());
        let patch = Patch::between(&identity.version, &before, &after);
        let told = context.api.patch_status(Resource::CERTIFICATES, &name, &patch, Manager::ISSUING, report.why).await;
        if let (Ok(_), Some(note)) = (&told, &report.event) {
            let owner = Owner { name, uid: identity.uid };
            context.events.publish(owner.event(note, "certificates-issuing"));
        }
        Answer::Told(told.map(|identity| Box::new((identity, after))))
    }

    async fn ask_renewal(
        self,
        owner: Owner,
        account: Arc<Account>,
        certificate: CertificateId,
        revision: i64,
    ) -> Answer {
        let answer = account.renewals.renewal_info(&certificate).await;
        if let Err(error) = &answer
            && error.kind() != ErrorKind::Unsupported
            && self.context.settings.events == EventSet::All
        {
            let text = format!("Could not fetch ACME Renewal Information: {error}");
            let note = Note { severity: Severity::Warning, reason: "ARIError".to_owned(), text };
            self.context.events.publish(owner.event(&note, "certificates-readiness"));
        }
        Answer::Informed { certificate, revision, answer }
    }

    async fn drop_request(self, request: Name, identity: Identity) -> Answer {
        let dropped = self.context.api.delete(Resource::REQUESTS, &request, &identity, "old-request").await;
        Answer::RequestDropped(request, dropped)
    }

    async fn drop_key(self, secret: Name, identity: Identity) -> Answer {
        let dropped = self.context.api.delete(Resource::SECRETS, &secret, &identity, "old-key").await;
        Answer::KeyDropped(secret, dropped)
    }
}

/// Says what only those hear who want to hear all that cert-manager says.
fn mention(context: &Context, owner: &Owner, reason: &str, text: String, controller: &'static str) {
    if context.settings.events == EventSet::All {
        let note = Note { severity: Severity::Normal, reason: reason.to_owned(), text };
        context.events.publish(owner.event(&note, controller));
    }
}

/// The key of the certificate to come: the one in hand, else that of the target Secret.
fn in_hand(record: &CertificateRecord) -> Option<InHand> {
    let memory = record.memory.as_deref()?;
    memory.key.clone().or_else(|| {
        let seen = memory.target.as_ref()?;
        let facts = seen.holding.as_ref()?.key.clone()?;
        Some(InHand { key: Arc::clone(seen.key.as_ref()?), facts })
    })
}

fn owner(name: &Name, record: &CertificateRecord) -> Owner {
    Owner { name: name.clone(), uid: record.uid.clone() }
}

fn store(world: &World, name: &Name, record: &CertificateRecord, object: &Arc<Certificate>) -> Store {
    let secret = record.secret.clone();
    let is_absent = || {
        let seen = record.memory.as_ref().and_then(|it| it.target.as_ref());
        seen.is_some_and(|it| it.holding.is_none())
    };
    let before = match world.tls_secrets.identity(&secret) {
        Some(identity) => Before::Tls(identity.clone()),
        None if world.other_secrets.identity(&secret).is_none() && is_absent() => Before::Absent,
        None => Before::Unknown,
    };
    let mut dress = wanted::dress(object);
    if world.settings.owner_reference {
        dress.owner = Some(record.uid.to_string());
    }
    Store { owner: owner(name, record), object: Arc::clone(object), dress, secret, before }
}

/// The key lent to issuers that sign with it.
pub(super) fn lent(record: &CertificateRecord) -> Option<Arc<dyn Signer>> {
    in_hand(record).map(|it| it.key as Arc<dyn Signer>)
}

/// It went before the action began.
fn gone() -> BoxFuture<'static, Answer> {
    std::future::ready(Answer::Gone).boxed()
}
