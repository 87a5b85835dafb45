//! Answers, folded into what is known.

use std::collections::HashMap;
use std::sync::Arc;

use acme_core::flow::{
    ChallengeEvent, ChallengeFlow, ChallengeStage, Choice, Fault, Issuance, IssuanceEvent, OrderAction, OrderEvent,
    OrderStage, Verdict,
};
use acme_core::protocol::{ProblemType, Url};
use acme_core::{Error, ErrorKind, Retry, Timestamp};
use solvers::Solver;

use crate::challenge::{self, ChallengeRecord};
use crate::codec;
use crate::codec::challenge::Decoded;
use crate::codec::order::{Decoded as DecodedOrder, Origin};
use crate::codec::words;
use crate::crd::challenge::Challenge;
use crate::crd::order::Order;
use crate::key::{Identity, Key, Kind, Name};
use crate::order::act::{Answer, Described, Picked};
use crate::order::run::{CONFLICTS, Failure, REFUSALS, Stuck};
use crate::order::turns::{Group, Line, Moved, Place, Server, Wish};
use crate::order::write::{Outcome, Written};
use crate::order::{Action, OrderRecord, Run, observe, patience};
use crate::plan;
use crate::plan::order::Seen;
use crate::world::World;

/// Puts an answer into the world.
pub(super) fn fold(world: &mut World, name: &Name, action: &Action, answer: Answer, now: Timestamp) {
    match (action, answer) {
        (Action::Begin, _) => begin(world, name, now),
        (Action::Order(action), Answer::Order(told)) => order(world, name, action, told, now),
        (Action::Order(OrderAction::ReadAuthorization(url)), Answer::Authorization(Ok(described))) => {
            described_as(world, name, url, described, now);
        }
        (Action::Order(action), Answer::Authorization(Err(error))) => order(world, name, action, Err(error), now),
        (Action::Choose(url), Answer::Chosen(described)) => described_as(world, name, url, *described, now),
        (Action::Challenge(url, action), Answer::Challenge { event, solver }) => {
            let event = event.unwrap_or_else(|error| failed(*action, &error));
            challenge_step(world, name, url, event, solver, now);
        }
        (Action::CleanUp(of), Answer::Challenge { event, solver }) => cleaned_up(world, name, of, event, solver, now),
        (action, Answer::OrderWritten(written)) => order_written(world, name, action, *written, now),
        (action, Answer::ChallengeWritten(written)) => challenge_written(world, name, action, *written, now),
        // There was nothing to do any more: the next plan sees why, a moment later.
        (action, _) => with_run(world, name, |run| run.failed(action, CONFLICTS, now)),
    }
    update(world, name, now);
}

fn with_run(world: &mut World, name: &Name, change: impl FnOnce(&mut Run)) {
    if let Some(run) = world.order_index.runs.get_mut(name) {
        change(run);
    }
}

fn failed(action: acme_core::flow::ChallengeAction, error: &Error) -> ChallengeEvent {
    let fault = Fault::from(error);
    // Credentials are in Secrets, which people correct: an answer that cannot be made known is told, and tried again as long as its Order lasts.
    let is_for_people = action == acme_core::flow::ChallengeAction::Present && fault.retry == Retry::Never;
    ChallengeEvent::Failed { action, fault: if is_for_people { fault.with_retry(Retry::Backoff) } else { fault } }
}

/// Reads the resources as flows.
fn begin(world: &mut World, name: &Name, now: Timestamp) {
    let before = world.order_index.runs.remove(name).unwrap_or_default();
    let mut run =
        Run { described: before.described, presented: before.presented, solvers: before.solvers, ..Run::default() };
    let end = standing(world, name);
    run.was_over = end != End::None;
    let seen = observe::challenges(world, name);
    let mut is_owed = false;
    for it in &seen {
        let object = &it.record.object;
        let over = end != End::None || object.metadata.deletion_timestamp.is_some();
        if over && (it.record.has_finalizer() || leaves_objects(object, end)) {
            run.left.extend(taken_away(object, end, now).map(|flow| (it.name.clone(), flow)));
        }
        is_owed |= end == End::Issued
            || (end == End::Failed && !object.status.as_ref().is_some_and(codec::challenge::is_failed));
    }
    if end == End::None
        && run.left.is_empty()
        && let Some(OrderRecord::Whole { object, origin }) = world.orders.get(name)
    {
        run.order = world.orders.identity(name).map(|it| it.uid.clone());
        let chain = observe::account(world, name, object).map_or("", |it| it.spec.preferred_chain.as_str());
        match codec::order::decode(object, *origin, chain, patience(), now) {
            Ok(DecodedOrder::Live(issuance)) => run.issuance = Some(*issuance),
            Ok(DecodedOrder::Ended) => {}
            Err(error) => {
                run.failure = Some(Failure { stage: OrderStage::Creating, fault: Fault::from(&error), at: now });
            }
        }
    }
    if end == End::None || !run.left.is_empty() || is_owed {
        world.order_index.runs.insert(name.clone(), run);
    }
}

/// May a Challenge that nothing keeps from going have left objects behind? A way to an answer of HTTP-01 is taken away before its Challenges go.
fn leaves_objects(challenge: &Challenge, end: End) -> bool {
    let failed = challenge.status.as_ref().is_some_and(codec::challenge::is_failed);
    let ended = matches!(end, End::Issued) || (matches!(end, End::Failed) && !failed);
    ended && challenge.spec.solver.http01.is_some() && challenge.metadata.deletion_timestamp.is_none()
}

/// How an Order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    None,
    Issued,
    Failed,
    Gone,
}

fn standing(world: &World, name: &Name) -> End {
    let Some(record) = world.orders.get(name) else { return End::Gone };
    let Some(order) = record.object() else { return End::Issued };
    let status = order.status.as_ref();
    match status {
        _ if order.metadata.deletion_timestamp.is_some() => End::Gone,
        Some(status) if codec::order::is_issued(status) => End::Issued,
        Some(status) if codec::order::is_ended(status) => End::Failed,
        Some(_) | None => End::None,
    }
}

/// The flow that takes away what a Challenge may have put there.
fn taken_away(challenge: &Challenge, end: End, now: Timestamp) -> Option<ChallengeFlow> {
    let verdict = match (codec::challenge::decode(challenge), end) {
        (Decoded::Over(verdict), _) => verdict,
        (Decoded::Live(_), End::Issued) => Verdict::Valid,
        (Decoded::Live(_), End::None | End::Failed | End::Gone) => Verdict::Abandoned,
    };
    match codec::challenge::assignment(&challenge.spec) {
        Ok(assignment) => Some(ChallengeFlow::new(assignment, patience().challenge, now).already_over(verdict, now)),
        Err(error) => {
            tracing::warn!(challenge = ?challenge.metadata.name, %error, "a Challenge cannot be read: what it left is not taken away");
            None
        }
    }
}

/// A step of the order.
fn order(world: &mut World, name: &Name, action: &OrderAction, told: Result<OrderEvent, Error>, now: Timestamp) {
    if let Err(error) = &told
        && error.problem().is_some_and(|problem| problem.kind == ProblemType::AccountDoesNotExist)
        && let Some(order) = world.orders.get(name).and_then(OrderRecord::object)
    {
        let issuer = observe::issuer(name, &order.spec.issuer_ref);
        crate::issuer::account_forgotten(world, &issuer, now);
    }
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
    if let OrderEvent::Failed { fault, .. } = &event
        && fault.problem.as_ref().is_some_and(|it| it.kind == ProblemType::AccountDoesNotExist)
    {
        let issuer =
            world.orders.get(name).and_then(OrderRecord::object).map(|it| observe::issuer(name, &it.spec.issuer_ref));
        issuer.into_iter().for_each(|issuer| crate::issuer::account_forgotten(world, &issuer, now));
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
            let fault = if hopeless { fault.with_retry(Retry::Never) } else { fault };
            ChallengeEvent::Failed { action: acme_core::flow::ChallengeAction::CleanUp, fault }
        });
        let _ = flow.apply(event, now);
    });
}

/// The Challenge is to go, and its issuer is gone with its Secret, as in a namespace that is deleted: nobody will ever be able to clean up.
fn is_hopeless(world: &World, of: &Name, record: &ChallengeRecord) -> bool {
    let issuer = observe::issuer(of, &record.object.spec.issuer_ref);
    record.object.metadata.deletion_timestamp.is_some()
        && !issuer.namespace().is_empty()
        && world.issuers.get(&issuer).is_none()
}

/// The status of the Order was written, or not.
fn order_written(world: &mut World, name: &Name, action: &Action, written: Written<Order>, now: Timestamp) {
    match written.outcome {
        Outcome::Done(object, identity) => {
            learn_order(world, name, object, identity);
            with_run(world, name, |run| run.succeeded(action));
        }
        Outcome::Found(object) => {
            if let Some(identity) = Identity::of(&object.metadata) {
                learn_order(world, name, object, identity);
            }
            with_run(world, name, |run| run.failed(action, CONFLICTS, now));
        }
        Outcome::Gone => {
            world.orders.forget(name);
        }
        Outcome::Refused(refusal) => {
            tracing::warn!(order = %name, ?action, error = %refusal, "a write was refused");
            with_run(world, name, |run| run.failed(action, REFUSALS, now));
        }
    }
}

fn learn_order(world: &mut World, name: &Name, object: Order, identity: Identity) {
    if world.orders.identity(name).is_some_and(|it| identity.version.is_older_than(&it.version)) {
        return;
    }
    let origin = match world.orders.get(name) {
        Some(OrderRecord::Whole { origin, .. }) => *origin,
        Some(OrderRecord::Settled) | None => Origin::Elsewhere,
    };
    super::wake_owner(world, name, &object);
    world.orders.learn(name.clone(), identity, OrderRecord::Whole { object: Arc::new(object), origin });
}

/// Something of a Challenge was written, or not.
fn challenge_written(world: &mut World, name: &Name, action: &Action, written: Written<Challenge>, now: Timestamp) {
    let Written { name: of, outcome } = written;
    match outcome {
        Outcome::Done(object, identity) => {
            learn_challenge(world, &of, object, identity);
            with_run(world, name, |run| run.succeeded(action));
        }
        Outcome::Found(object) => {
            let mine = match (action, world.order_index.runs.get(name)) {
                (Action::Make(_), Some(run)) => run.live(&object).is_some(),
                (_, _) => false,
            };
            if let Some(identity) = Identity::of(&object.metadata) {
                learn_challenge(world, &of, object, identity);
            }
            let pauses = if matches!(action, Action::Make(_)) { REFUSALS } else { CONFLICTS };
            with_run(world, name, |run| match mine {
                true => run.succeeded(action),
                false => run.failed(action, pauses, now),
            });
        }
        Outcome::Gone => {
            if let Some(record) = world.challenges.forget(&of) {
                let order = record.order();
                challenge::forgotten(world, &of, &order);
            }
            with_run(world, name, |run| {
                run.left.remove(&of);
                run.solvers.remove(&of);
                // A namespace that is gone, or about to be, takes nothing.
                match matches!(action, Action::Make(_)) {
                    true => run.failed(action, REFUSALS, now),
                    false => run.succeeded(action),
                }
            });
        }
        Outcome::Refused(refusal) => {
            tracing::warn!(challenge = %of, ?action, error = %refusal, "a write was refused");
            with_run(world, name, |run| run.failed(action, REFUSALS, now));
        }
    }
}

fn learn_challenge(world: &mut World, of: &Name, mut object: Challenge, identity: Identity) {
    if world.challenges.identity(of).is_some_and(|it| identity.version.is_older_than(&it.version)) {
        return;
    }
    object.metadata.uid = Some(identity.uid.to_string());
    object.metadata.resource_version = Some(identity.version.to_string());
    let record = ChallengeRecord { object: Arc::new(object) };
    let order = record.order();
    world.challenges.learn(of.clone(), identity, record);
    challenge::known(world, of, &order);
}

/// What follows from every change: whose turn it is, and since when something is owed to people.
fn update(world: &mut World, name: &Name, now: Timestamp) {
    let wishes = wishes(world, name);
    let most = world.settings.max_concurrent_challenges;
    let Moved { called, awaited } = world.order_index.turns.set(name, &wishes, most);
    for place in &awaited {
        if let Some(issuance) = world.order_index.runs.get_mut(&place.order).and_then(|it| it.issuance.as_mut()) {
            issuance.watch(&place.authorization);
        }
    }
    for place in called.into_iter().chain(awaited) {
        world.wake(Key::new(Kind::Order, place.order));
    }
    owe(world, name, now);
}

/// What the challenges of an Order want.
fn wishes(world: &World, name: &Name) -> Vec<Wish> {
    let issuance = world.order_index.runs.get(name).and_then(|it| it.issuance.as_ref());
    let issuer =
        world.orders.get(name).and_then(OrderRecord::object).map(|it| observe::issuer(name, &it.spec.issuer_ref));
    let seen = observe::challenges(world, name);
    let flows = issuance.into_iter().flat_map(Issuance::challenges).filter(|(_, flow)| flow.verdict().is_none());
    let wish = |(url, flow): (&Url, &ChallengeFlow)| {
        let challenge = &seen.iter().find(|it| super::is_for(&it.record.object, flow))?.record.object;
        Some(Wish {
            place: Place { order: name.clone(), authorization: url.clone() },
            line: Line { name: challenge.spec.dns_name.clone(), kind: challenge.spec.kind.clone() },
            group: Group {
                namespace: name.namespace().into(),
                issuer: issuer.as_ref().map(ToString::to_string).unwrap_or_default(),
            },
            server: match flow.stage() {
                ChallengeStage::Presenting | ChallengeStage::Checking => Server::Nothing,
                ChallengeStage::Accepting => Server::Wanted,
                ChallengeStage::Polling | ChallengeStage::Doubting => Server::Told,
                ChallengeStage::CleaningUp | ChallengeStage::Settled => Server::Nothing,
            },
        })
    };
    flows.filter_map(wish).collect()
}

/// Since when a status is not what people should see.
fn owe(world: &mut World, name: &Name, now: Timestamp) {
    let mut owed = Vec::new();
    if let Some(run) = world.order_index.runs.get(name)
        && let Some(issuance) = &run.issuance
        && let Some(order) = world.orders.get(name).and_then(OrderRecord::object)
    {
        if plan::order::wanted_status(order, run, issuance) != order.status.clone().unwrap_or_default() {
            owed.push(Action::Tell(super::Telling::Progress));
        }
        for it in observe::challenges(world, name) {
            let flow = run.live(&it.record.object).filter(|flow| flow.verdict().is_none());
            if flow.is_some_and(|flow| plan::order::is_untold(run, flow, &it.record.object)) {
                owed.push(Action::TellOf(it.name));
            }
        }
    }
    with_run(world, name, |run| {
        run.owed.retain(|action, _| owed.contains(action));
        for action in owed {
            run.owed.entry(action).or_insert(now);
        }
    });
}
