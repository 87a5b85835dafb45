//! Answers, folded into what is known.

mod begin;
mod turn;
mod written;

use std::collections::HashMap;
use std::sync::Arc;

use acme_core::flow::{
    ChallengeAction, ChallengeEvent, ChallengeFlow, Choice, Fault, IssuanceEvent, OrderAction, OrderEvent,
};
use acme_core::protocol::Url;
use acme_core::{Error, ErrorKind, Retry, Timestamp};
use solvers::Solver;

use crate::challenge::ChallengeRecord;
use crate::codec;
use crate::codec::words;
use crate::crd::challenge::Challenge;
use crate::engine::Account;
use crate::key::{Key, Kind, Name};
use crate::order::act::{Answer, Described, Picked};
use crate::order::run::{CONFLICTS, Stuck};
use crate::order::{Action, OrderRecord, Run, observe, patience};
use crate::plan::order::Seen;
use crate::request;
use crate::world::World;

use begin::begin;
use turn::{owe, update};
use written::{challenge_written, order_written};

/// Puts an answer into the world.
pub(super) fn fold(world: &mut World, name: &Name, action: &Action, answer: Answer, now: Timestamp) {
    match (action, answer) {
        (Action::Begin, _) => begin(world, name, now),
        (Action::Order(action), Answer::Order(told, asked)) => {
            if !is_healed(world, name, told.as_ref().err(), &asked, now) {
                order(world, name, action, told, now);
            }
        }
        (Action::Order(OrderAction::ReadAuthorization(url)), Answer::Authorization(Ok(described))) => {
            described_as(world, name, url, described, now);
        }
        (Action::Order(action), Answer::Authorization(Err(error))) => order(world, name, action, Err(error), now),
        (Action::Choose(url), Answer::Chosen(described)) => described_as(world, name, url, *described, now),
        (Action::Challenge(url, action), Answer::Challenge { event, solver }) => {
            let event = event.unwrap_or_else(|error| failed(*action, &error));
            challenge_step(world, name, url, event, solver, now);
        }
        (Action::Challenge(url, action), Answer::Asked(event, asked)) => {
            if !is_healed(world, name, event.as_ref().err(), &asked, now) {
                let event = event.unwrap_or_else(|error| failed(*action, &error));
                challenge_step(world, name, url, event, None, now);
            }
        }
        (Action::CleanUp(of), Answer::Challenge { event, solver }) => cleaned_up(world, name, of, event, solver, now),
        (action, Answer::OrderWritten(written)) => order_written(world, name, action, *written, now),
        (action, Answer::ChallengeWritten(written)) => challenge_written(world, name, action, *written, now),
        // There was nothing to do any more: the next plan sees why, a moment later.
        (action, _) => with_run(world, name, |run| run.failed(action, CONFLICTS, now)),
    }
    update(world, name, now);
}

/// What an issuer lacks may be something else now: from now on that is owed to people.
pub(super) fn look_again(world: &mut World, name: &Name, now: Timestamp) {
    owe(world, name, now);
    world.wake(Key::new(Kind::Order, name.clone()));
}

fn with_run(world: &mut World, name: &Name, change: impl FnOnce(&mut Run)) {
    if let Some(run) = world.order_index.runs.get_mut(name) {
        change(run);
    }
}

fn failed(action: ChallengeAction, error: &Error) -> ChallengeEvent {
    let fault = match action {
        ChallengeAction::Present | ChallengeAction::CleanUp => patient(Fault::from(error)),
        ChallengeAction::Check | ChallengeAction::Accept | ChallengeAction::Look | ChallengeAction::Withdraw => {
            Fault::from(error)
        }
    };
    ChallengeEvent::Failed { action, fault }
}

/// A provider that refuses is asked again: people mend a Secret, or a right at the provider, and expect that to be all.
fn patient(fault: Fault) -> Fault {
    match fault.retry {
        Retry::Never => fault.with_retry(Retry::Backoff),
        Retry::Backoff | Retry::After(_) => fault,
    }
}

/// A step of the order.
fn order(world: &mut World, name: &Name, action: &OrderAction, told: Result<OrderEvent, Error>, now: Timestamp) {
    let chain = world
        .orders
        .get(name)
        .and_then(OrderRecord::object)
        .and_then(|order| observe::account(world, name, order))
        .map(|it| it.spec.preferred_chain.clone());
    let mut event =
        told.unwrap_or_else(|error| OrderEvent::Failed { action: action.clone(), fault: Fault::from(&error) });
    if let (OrderAction::Find(_), OrderEvent::Created { url, .. }) = (action, &event)
        && belongs_to_another(world, name, url)
    {
        event = OrderEvent::NotFound;
    }
    let Some(run) = world.order_index.runs.get_mut(name) else { return };
    match &event {
        OrderEvent::Created { order, .. } | OrderEvent::Seen { order, .. } => {
            run.finalize = Some(order.finalize.clone());
            run.authorizations.clone_from(&order.authorizations);
        }
        OrderEvent::Downloaded(chains) => {
            let preferred = chain.filter(|it| !it.is_empty());
            run.certificate = issuers::chain::prefer(chains.clone(), preferred.as_deref());
        }
        OrderEvent::NotFound
        | OrderEvent::Finalized { .. }
        | OrderEvent::Authorization { .. }
        | OrderEvent::Failed { .. } => {}
    }
    apply(run, IssuanceEvent::Order(event), now);
}

/// Did the server only forget the account? Nothing is to blame then: the same is asked by the account that is made in its place. Where the server had made the
/// order, that is gone with the account, and ends; the request makes another one.
fn is_healed(world: &mut World, name: &Name, error: Option<&Error>, asked: &Arc<Account>, now: Timestamp) -> bool {
    if !error.is_some_and(issuers::acme::Account::is_forgotten) {
        return false;
    }
    let Some(order) = world.orders.get(name).and_then(OrderRecord::object).cloned() else { return false };
    let issuer = observe::issuer_of(name, &order.spec.issuer_ref);
    if !crate::issuer::account_forgotten(world, &issuer, asked, now) {
        return false;
    }
    let made = world.order_index.runs.get(name).and_then(|it| it.issuance.as_ref()).and_then(|it| it.order().url());
    if made.is_none() {
        return true;
    }
    for request in order.metadata.owner_references.iter().flatten().filter(|it| it.kind == "CertificateRequest") {
        request::order_is_void(world, &name.beside(request.name.as_str()));
    }
    false
}

/// An order for the same names that is known under another name is another one's.
fn belongs_to_another(world: &World, name: &Name, url: &Url) -> bool {
    let mut others = world.order_index.runs.iter().filter(|(other, _)| *other != name);
    others.any(|(_, run)| run.issuance.as_ref().and_then(|it| it.order().url()) == Some(url))
}

fn apply(run: &mut Run, event: IssuanceEvent, now: Timestamp) {
    if let Some(issuance) = &mut run.issuance {
        let stage = issuance.order().stage();
        let _ = issuance.apply(event, now);
        run.note_failure(stage, now);
    }
}

/// An authorization was read, and who answers for it chosen.
fn described_as(world: &mut World, name: &Name, url: &Url, described: Described, now: Timestamp) {
    let Described { authorization, chosen, by } = described;
    let verdict = codec::order::verdict(&authorization);
    let over: Vec<(Name, ChallengeFlow)> = match &verdict {
        None => Vec::new(),
        Some(verdict) => {
            let seen = observe::challenges(world, name).into_iter();
            let leaves = |it: &Seen<'_>| it.record.has_finalizer() || it.record.object.spec.solver.http01.is_some();
            let mine = seen.filter(|it| leaves(it) && it.record.object.spec.authorization_url == url.as_str());
            let flow = |challenge: &Challenge| {
                let assignment = codec::challenge::assignment(&challenge.spec).ok()?;
                let flow = ChallengeFlow::new(assignment, patience().challenge, now);
                Some(flow.already_over(verdict.clone(), now))
            };
            mine.filter_map(|it| Some((it.name.clone(), flow(&it.record.object)?))).collect()
        }
    };
    let Some(run) = world.order_index.runs.get_mut(name) else { return };
    run.left.extend(over);
    run.described.entry(url.clone()).or_insert_with(|| authorization.clone());
    run.stuck.remove(url);
    let choice: Result<Choice, Fault> = match chosen {
        Ok(Picked::Nobody) => Err(Fault::new(ErrorKind::Internal, "nobody has to answer for this authorization")),
        Ok(Picked::Known(choice)) => Ok(choice),
        Ok(Picked::New(chosen)) => {
            run.chosen.insert(url.clone(), *chosen.solver);
            Ok(chosen.choice)
        }
        Err(why) => {
            run.stuck.insert(url.clone(), Stuck { why: words::no_solver(&why), by });
            return;
        }
    };
    let authorization = Box::new(authorization);
    apply(run, IssuanceEvent::Authorization { url: url.clone(), authorization, choice }, now);
}

/// A step of a challenge whose order is under way.
fn challenge_step(
    world: &mut World,
    name: &Name,
    url: &Url,
    event: ChallengeEvent,
    solver: Option<Arc<dyn Solver>>,
    now: Timestamp,
) {
    let of = {
        let run = world.order_index.runs.get(name);
        let flow = run.and_then(|it| it.issuance.as_ref()).and_then(|it| it.challenge(url));
        let seen = observe::challenges(world, name);
        flow.and_then(|flow| seen.iter().find(|it| super::is_for(&it.record.object, flow)).map(|it| it.name.clone()))
    };
    with_run(world, name, |run| {
        if !matches!(event, ChallengeEvent::Accepted { .. } | ChallengeEvent::Seen { .. } | ChallengeEvent::Withdrawn) {
            run.busy.remove(url);
            keep(&mut run.solvers, of, solver);
        }
        if event == ChallengeEvent::Visible && run.leads.values().any(|it| it.was_unseen(url)) {
            run.unseen.insert(url.clone());
        }
        if event == ChallengeEvent::Presented {
            run.presented.entry(url.clone()).or_insert(now);
        }
        apply(run, IssuanceEvent::Challenge(url.clone(), event), now);
    });
}

/// A solver that worked is used again; one that failed is made anew.
fn keep(solvers: &mut HashMap<Name, Arc<dyn Solver>>, of: Option<Name>, solver: Option<Arc<dyn Solver>>) {
    match (of, solver) {
        (Some(of), Some(solver)) => {
            solvers.insert(of, solver);
        }
        (Some(of), None) => {
            solvers.remove(&of);
        }
        (None, _) => {}
    }
}

/// What a Challenge left was taken away, or not.
fn cleaned_up(
    world: &mut World,
    name: &Name,
    of: &Name,
    event: Result<ChallengeEvent, Error>,
    solver: Option<Arc<dyn Solver>>,
    now: Timestamp,
) {
    let hopeless = event.as_ref().is_err_and(|error| {
        error.kind() == ErrorKind::NotFound && world.challenges.get(of).is_some_and(|it| is_hopeless(world, of, it))
    });
    with_run(world, name, |run| {
        keep(&mut run.solvers, Some(of.clone()), solver);
        let Some(flow) = run.left.get_mut(of) else { return };
        run.busy.remove(&flow.assignment().authorization);
        let event = event.unwrap_or_else(|error| {
            let fault = Fault::from(&error);
            let fault = if hopeless { fault.with_retry(Retry::Never) } else { patient(fault) };
            ChallengeEvent::Failed { action: ChallengeAction::CleanUp, fault }
        });
        let _ = flow.apply(event, now);
    });
}

/// The Challenge is to go, and its issuer is gone with its Secret, as in a namespace that is deleted: nobody will ever be able to clean up.
fn is_hopeless(world: &World, of: &Name, record: &ChallengeRecord) -> bool {
    let issuer = observe::issuer_of(of, &record.object.spec.issuer_ref);
    record.object.metadata.deletion_timestamp.is_some()
        && !issuer.namespace().is_empty()
        && world.issuers.get(&issuer).is_none()
}
