//! One action, carried out. What it needs is taken from the world before it begins; what came of it is folded in after it ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use acme_core::client::{Chain, Client};
use acme_core::flow::{Begin, ChallengeAction, ChallengeEvent, Choice, OrderAction, OrderEvent, SolverId};
use acme_core::protocol::{Authorization, Url};
use acme_core::{Error, ErrorKind, Retry, Timestamp};
use futures_util::future::{BoxFuture, FutureExt as _, ready};
use issuers::acme::step::{self, Told};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject as _;
use solvers::Solver;

use crate::codec;
use crate::codec::words;
use crate::context::Context;
use crate::crd::acme;
use crate::crd::challenge::Challenge;
use crate::crd::order::Order;
use crate::engine::Account;
use crate::http01::lead::Lead;
use crate::http01::{ingress, route};
use crate::key::Name;
use crate::order::announce::{self, About};
use crate::order::selection::{self, Chosen};
use crate::order::write::{self, Written};
use crate::order::{Action, OrderRecord, leads, observe, solver};
use crate::world::World;

/// How an action went.
pub(crate) enum Answer {
    /// There was nothing to do any more, or it is all in the folding.
    Nothing,
    /// A step of the order.
    Order(Result<OrderEvent, Error>),
    /// An authorization was read, and who answers for it chosen.
    Authorization(Result<Described, Error>),
    /// Who answers was chosen once more.
    Chosen(Box<Described>),
    /// A step of a challenge, and the solver that was made for it.
    Challenge { event: Result<ChallengeEvent, Error>, solver: Option<Arc<dyn Solver>> },
    /// A write about the Order.
    OrderWritten(Box<Written<Order>>),
    /// A write about a Challenge.
    ChallengeWritten(Box<Written<Challenge>>),
}

/// An authorization, and who answers for it.
pub(crate) struct Described {
    pub(crate) authorization: Authorization,
    /// Who answers; in words why nobody can.
    pub(crate) chosen: Result<Picked, String>,
    /// Whose word that was.
    pub(crate) by: Arc<acme::AcmeIssuer>,
}

/// Who answers for an authorization.
pub(crate) enum Picked {
    /// Nobody needs to.
    Nobody,
    /// A Challenge says so already.
    Known(Choice),
    /// The issuer's solvers say so; a Challenge is to be made.
    New(Chosen),
}

/// Starts an action.
pub(crate) fn start(
    world: &mut World,
    context: &Arc<Context>,
    name: &Name,
    action: &Action,
    now: Timestamp,
) -> BoxFuture<'static, Answer> {
    let started = match action {
        Action::Begin => None,
        Action::Order(action) => order(world, context, name, action),
        Action::Choose(url) => choose(world, context, name, url),
        Action::Challenge(url, action) => challenge(world, context, name, url, *action, now),
        Action::CleanUp(of) => clean_up(world, context, name, of),
        Action::Tell(telling) => write::tell(world, context, name, *telling, now),
        Action::Make(url) => write::make(world, context, name, url),
        Action::Hold(of) => write::hold(world, context, of),
        Action::TellOf(of) => write::tell_of(world, context, name, of),
        Action::Release(of) => write::release(world, context, name, of),
        Action::Delete(of) => write::delete(world, context, of),
    };
    started.unwrap_or_else(|| ready(Answer::Nothing).boxed())
}

/// A call about the order.
fn order(
    world: &World,
    context: &Arc<Context>,
    name: &Name,
    action: &OrderAction,
) -> Option<BoxFuture<'static, Answer>> {
    let object = world.orders.get(name).and_then(OrderRecord::object)?;
    let account = Arc::clone(observe::account(world, name, object)?);
    let csr = signing_request(&object.spec.request);
    let (context, action) = (Arc::clone(context), action.clone());
    if let OrderAction::ReadAuthorization(url) = &action {
        let chooser = Chooser::new(world, name, object, &account, url);
        return Some(
            async move {
                let told = step::order(&*account.client, &[], &action).await;
                Answer::Authorization(told.and_then(|told| match told {
                    Told::Authorization(authorization) => Ok(chooser.choose(&context, *authorization)),
                    Told::Event(_) => {
                        Err(Error::new(ErrorKind::Malformed, "an authorization was answered with something else"))
                    }
                }))
            }
            .boxed(),
        );
    }
    let about = About { kind: "Order", name: name.clone(), identity: world.orders.identity(name).cloned() };
    Some(
        async move {
            let told = match csr {
                Ok(_) if action.is_irreversible() && !is_ours(&context) => Err(not_leading()),
                Ok(csr) => call(&*account.client, csr, &action).await,
                Err(error) => Err(error),
            };
            if matches!(told, Ok(OrderEvent::Downloaded(_))) {
                announce::mention(&context, &about, "Complete", "Order completed successfully".to_owned());
            }
            Answer::Order(told)
        }
        .boxed(),
    )
}

/// Will this process still lead when a call that cannot be repeated freely is over?
fn is_ours(context: &Context) -> bool {
    context.leadership.good_for(context.settings.patience)
}

fn not_leading() -> Error {
    Error::new(ErrorKind::Busy, "another process is about to lead").with_retry(Retry::After(Duration::from_secs(1)))
}

async fn call(
    client: &dyn Client,
    csr: CertificateSigningRequestDer<'static>,
    action: &OrderAction,
) -> Result<OrderEvent, Error> {
    match step::order(client, &csr, action).await? {
        Told::Event(event) => {
            if let OrderEvent::Downloaded(chains) = &*event {
                for chain in chains.iter().take(1) {
                    is_for(chain, &csr)?;
                }
            }
            Ok(*event)
        }
        Told::Authorization(_) => Err(Error::new(ErrorKind::Malformed, "an authorization was answered unasked")),
    }
}

/// An order that somebody else finished, too, holds somebody else's certificate.
fn is_for(chain: &Chain, csr: &CertificateSigningRequestDer<'_>) -> Result<(), Error> {
    let wanted = issuers::csr::Request::read(csr)?;
    let leaf = chain.leaf().ok_or_else(|| Error::new(ErrorKind::Malformed, "the server's chain is empty"))?;
    if issuers::chain::public_key(leaf)? == *wanted.public_key() {
        return Ok(());
    }
    let what = "the certificate is for another key: somebody else finished this order with another signing request";
    Err(Error::new(ErrorKind::Refused, what))
}

/// The signing request of an Order: PEM, and DER in old objects.
fn signing_request(request: &crate::crd::base64::Base64) -> Result<CertificateSigningRequestDer<'static>, Error> {
    let bytes = request.as_slice();
    if bytes.starts_with(b"-----") {
        return CertificateSigningRequestDer::from_pem_slice(bytes)
            .map_err(|_| Error::new(ErrorKind::Malformed, "the Order's signing request cannot be read: it is no PEM"));
    }
    Ok(CertificateSigningRequestDer::from(bytes.to_vec()))
}

/// Chooses who answers for an authorization.
struct Chooser {
    /// Challenges that are there: token, how far they are, and kind.
    known: Vec<(String, Begin, crate::crd::challenge::ChallengeType)>,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    spec: Arc<acme::AcmeIssuer>,
    about: About,
}

impl Chooser {
    fn new(world: &World, name: &Name, order: &Order, account: &Account, url: &Url) -> Self {
        let challenges = observe::challenges(world, name);
        let mine = challenges.iter().filter(|it| it.record.object.spec.authorization_url == url.as_str());
        let known = mine.filter_map(|it| match codec::challenge::decode(&it.record.object) {
            codec::challenge::Decoded::Live(begin) => {
                Some((it.record.object.spec.token.clone(), begin, it.record.object.spec.kind.clone()))
            }
            codec::challenge::Decoded::Over(_) => None,
        });
        Self {
            known: known.collect(),
            labels: order.metadata.labels.clone().unwrap_or_default(),
            annotations: order.metadata.annotations.clone().unwrap_or_default(),
            spec: Arc::clone(&account.spec),
            about: About { kind: "Order", name: name.clone(), identity: world.orders.identity(name).cloned() },
        }
    }

    fn choose(self, context: &Context, authorization: Authorization) -> Described {
        let chosen = self.pick(&authorization);
        if let Err(why) = &chosen {
            announce::warn(context, &self.about, "Solver", words::no_solver(why));
        }
        Described { authorization, chosen, by: self.spec }
    }

    fn pick(&self, authorization: &Authorization) -> Result<Picked, String> {
        if codec::order::verdict(authorization).is_some() {
            return Ok(Picked::Nobody);
        }
        for offered in &authorization.challenges {
            let same = self.known.iter().find(|(token, _, _)| Some(token) == offered.token.as_ref());
            if let Some((_, begin, kind)) = same {
                let choice = Choice::new(SolverId::new(kind.as_str()), offered.kind.clone());
                return Ok(Picked::Known(choice.beginning_with(*begin)));
            }
        }
        let mut chosen = selection::choose(&self.spec.solvers, authorization, &self.labels)?;
        self.override_solver(&mut chosen.solver);
        Ok(Picked::New(chosen))
    }

    /// What the Order's annotations say of HTTP-01 takes the place of what the issuer says.
    fn override_solver(&self, solver: &mut acme::Solver) {
        let Some(http01) = &mut solver.http01 else { return };
        if let (Some(solver), Some(it)) = (&mut http01.ingress, ingress::Override::read(&self.annotations)) {
            it.apply(solver);
        }
        if let (Some(solver), Some(parent)) =
            (&mut http01.gateway_http_route, route::parent_of(&self.annotations, self.about.name.namespace()))
        {
            solver.parent_refs.push(parent);
        }
    }
}

fn choose(world: &World, context: &Arc<Context>, name: &Name, url: &Url) -> Option<BoxFuture<'static, Answer>> {
    let object = world.orders.get(name).and_then(OrderRecord::object)?;
    let account = observe::account(world, name, object)?;
    let authorization = world.order_index.runs.get(name)?.described.get(url)?.clone();
    let described = Chooser::new(world, name, object, account, url).choose(context, authorization);
    Some(ready(Answer::Chosen(Box::new(described))).boxed())
}

/// A step of a challenge of a live order.
fn challenge(
    world: &mut World,
    context: &Arc<Context>,
    name: &Name,
    url: &Url,
    action: ChallengeAction,
    now: Timestamp,
) -> Option<BoxFuture<'static, Answer>> {
    let run = world.order_index.runs.get(name)?;
    let flow = run.issuance.as_ref()?.challenge(url)?;
    let assignment = flow.assignment().clone();
    match action {
        ChallengeAction::Accept | ChallengeAction::Look | ChallengeAction::Withdraw => {
            let object = world.orders.get(name).and_then(OrderRecord::object)?;
            let account = Arc::clone(observe::account(world, name, object)?);
            Some(
                async move {
                    let event = step::ask(&*account.client, action, &assignment).await;
                    Answer::Challenge { event, solver: None }
                }
                .boxed(),
            )
        }
        ChallengeAction::Present | ChallengeAction::Check | ChallengeAction::CleanUp => {
            let seen = observe::challenges(world, name);
            let Some(seen) = seen.into_iter().find(|it| crate::order::is_for(&it.record.object, flow)) else {
                // Nothing was presented before its Challenge was there.
                return Some(ready(Answer::Challenge { event: Ok(ChallengeEvent::CleanedUp), solver: None }).boxed());
            };
            if action == ChallengeAction::Check
                && let Some(event) = waited(&seen.record.object, run.presented.get(url).copied(), now)
            {
                return Some(ready(Answer::Challenge { event: Ok(event), solver: None }).boxed());
            }
            let (of, object) = (seen.name, Arc::clone(&seen.record.object));
            let work = Work::new(world, context, name, &of, object);
            world.order_index.runs.get_mut(name)?.busy.insert(url.clone());
            Some(work.run(action).boxed())
        }
    }
}

/// Takes away what a Challenge put there whose order is over.
fn clean_up(world: &mut World, context: &Arc<Context>, name: &Name, of: &Name) -> Option<BoxFuture<'static, Answer>> {
    let run = world.order_index.runs.get(name)?;
    let url = run.left.get(of)?.assignment().authorization.clone();
    let object = Arc::clone(&world.challenges.get(of)?.object);
    let work = Work::new(world, context, name, of, object);
    world.order_index.runs.get_mut(name)?.busy.insert(url);
    Some(work.run(ChallengeAction::CleanUp).boxed())
}

/// With `waitInsteadOfSelfCheck` nothing is looked for: so long after it was presented, an answer counts as visible.
fn waited(challenge: &Challenge, presented: Option<Timestamp>, now: Timestamp) -> Option<ChallengeEvent> {
    let wait = challenge.spec.solver.wait_instead_of_self_check.as_ref()?.duration()?;
    let told = challenge.status.as_ref().and_then(|it| it.presented_at.as_ref()?.timestamp());
    let since = told.or(presented).unwrap_or(now);
    let ready = since + wait;
    Some(match ready.is_due(now) {
        true => ChallengeEvent::Visible,
        false => ChallengeEvent::NotVisible {
            again_after: ready.since(now).max(Duration::from_millis(1)),
            missing: String::new(),
        },
    })
}

/// A solver at work for one Challenge.
struct Work {
    context: Arc<Context>,
    challenge: Arc<Challenge>,
    /// Where its Secrets are.
    secrets: String,
    solver: Option<Arc<dyn Solver>>,
    /// The way to its answer, where it needs one.
    lead: Result<Option<Arc<Lead>>, Error>,
    about: About,
}

impl Work {
    fn new(world: &mut World, context: &Arc<Context>, order: &Name, name: &Name, challenge: Arc<Challenge>) -> Self {
        let lead = leads::lead(world, context, order, name, &challenge);
        let solver = world.order_index.runs.get(order).and_then(|run| run.solvers.get(name)).cloned();
        let secrets = match challenge.spec.issuer_ref.effective_kind() {
            "ClusterIssuer" => context.settings.cluster_resource_namespace.clone(),
            _ => name.namespace().to_owned(),
        };
        let about = About { kind: "Challenge", name: name.clone(), identity: world.challenges.identity(name).cloned() };
        Self { context: Arc::clone(context), challenge, secrets, solver, lead, about }
    }

    async fn run(self, action: ChallengeAction) -> Answer {
        let spec = &self.challenge.spec;
        let made = match &self.solver {
            Some(solver) => Ok(Arc::clone(solver)),
            None => match &self.lead {
                Ok(lead) => solver::make(&self.context, &self.challenge, &self.secrets, lead.clone()).await,
                Err(error) => Err(again(error)),
            },
        };
        let event = match (&made, codec::challenge::presentation(spec)) {
            (Ok(_), Ok(_)) if action == ChallengeAction::Present && !is_ours(&self.context) => Err(not_leading()),
            (Ok(solver), Ok(presentation)) => step::solve(&**solver, action, &presentation).await,
            (Err(error), _) => Err(again(error)),
            (Ok(_), Err(error)) => Err(error),
        };
        self.announce(action, &event);
        // What failed may have failed by its credentials: they are read anew.
        let solver = made.ok().filter(|_| event.is_ok());
        Answer::Challenge { event, solver }
    }

    fn announce(&self, action: ChallengeAction, event: &Result<ChallengeEvent, Error>) {
        let (context, kind) = (&self.context, &self.challenge.spec.kind);
        let said = |error: &Error| words::fault(&acme_core::flow::Fault::from(error));
        match (action, event) {
            (ChallengeAction::Present, Ok(_)) => {
                let note = format!("Presented challenge using {kind} challenge mechanism");
                announce::mention(context, &self.about, "Presented", note);
            }
            (ChallengeAction::Present, Err(error)) => {
                announce::warn(context, &self.about, "PresentError", words::not_presented(&said(error)));
            }
            (ChallengeAction::CleanUp, Err(error)) => {
                announce::warn(context, &self.about, "CleanUpError", words::not_cleaned_up(&said(error)));
            }
            (
                ChallengeAction::Check
                | ChallengeAction::CleanUp
                | ChallengeAction::Accept
                | ChallengeAction::Look
                | ChallengeAction::Withdraw,
                _,
            ) => {}
        }
    }
}

/// The same error for the flow; the original stays where it was found.
fn again(error: &Error) -> Error {
    let told = Error::new(error.kind(), error.what().to_owned()).with_retry(error.retry());
    match error.problem() {
        Some(problem) => told.with_problem(problem.clone()),
        None => told,
    }
}
