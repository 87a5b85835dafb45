//! One action, carried out. What it needs is taken from the world before it begins; what came of it is folded in after it ended.

mod choosing;
mod work;

use std::sync::Arc;
use std::time::Duration;

use acme_core::client::{Chain, Client};
use acme_core::flow::{ChallengeAction, ChallengeEvent, OrderAction, OrderEvent};
use acme_core::protocol::Url;
use acme_core::{Error, ErrorKind, Retry, Timestamp};
use futures_util::future::{BoxFuture, FutureExt as _, ready};
use issuers::acme::step::{self, Told};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject as _;
use solvers::Solver;

use crate::context::Context;
use crate::crd::challenge::Challenge;
use crate::crd::order::Order;
use crate::engine::Account;
use crate::key::Name;
use crate::order::announce::{self, About};
use crate::order::write::{self, Written};
use crate::order::{Action, OrderRecord, observe};
use crate::world::World;

use choosing::Chooser;
pub(crate) use choosing::{Described, Picked};
use work::{Work, waited};

/// How an action went.
pub(crate) enum Answer {
    /// There was nothing to do any more, or it is all in the folding.
    Nothing,
    /// A step of the order, and the account that asked.
    Order(Result<OrderEvent, Error>, Arc<Account>),
    /// An authorization was read, and who answers for it chosen.
    Authorization(Result<Described, Error>),
    /// Who answers was chosen once more.
    Chosen(Box<Described>),
    /// A step of a challenge, and the solver that was made for it.
    Challenge { event: Result<ChallengeEvent, Error>, solver: Option<Arc<dyn Solver>> },
    /// A question to the server about a challenge, and the account that asked.
    Asked(Result<ChallengeEvent, Error>, Arc<Account>),
    /// A write about the Order.
    OrderWritten(Box<Written<Order>>),
    /// A write about a Challenge.
    ChallengeWritten(Box<Written<Challenge>>),
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
        Action::Delete(of) => write::delete(world, context, name, of),
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
            Answer::Order(told, account)
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
                    Answer::Asked(event, account)
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
