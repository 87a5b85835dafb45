//! The beginning: resources, read as flows.

use acme_core::Timestamp;
use acme_core::flow::{ChallengeFlow, Fault, OrderStage, Verdict};

use crate::codec;
use crate::codec::challenge::Decoded;
use crate::codec::order::Decoded as DecodedOrder;
use crate::crd::challenge::Challenge;
use crate::key::Name;
use crate::order::run::Failure;
use crate::order::{OrderRecord, Run, observe, patience};
use crate::world::World;

/// Reads the resources as flows.
pub(super) fn begin(world: &mut World, name: &Name, now: Timestamp) {
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
