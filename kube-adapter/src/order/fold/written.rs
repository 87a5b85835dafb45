//! Writes of ours, answered.

use std::sync::Arc;

use acme_core::Timestamp;

use super::with_run;
use crate::challenge::{self, ChallengeRecord};
use crate::codec::order::Origin;
use crate::crd::challenge::Challenge;
use crate::crd::order::Order;
use crate::key::{Identity, Name};
use crate::order::run::{CONFLICTS, REFUSALS};
use crate::order::write::{Outcome, Written};
use crate::order::{Action, OrderRecord};
use crate::world::World;

/// The status of the Order was written, or not.
pub(super) fn order_written(world: &mut World, name: &Name, action: &Action, written: Written<Order>, now: Timestamp) {
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
        Some(OrderRecord::Settled { .. }) | None => Origin::Elsewhere,
    };
    crate::order::wake_owner(world, name, &object);
    world.orders.learn(name.clone(), identity, OrderRecord::Whole { object: Arc::new(object), origin });
}

/// Something of a Challenge was written, or not.
pub(super) fn challenge_written(
    world: &mut World,
    name: &Name,
    action: &Action,
    written: Written<Challenge>,
    now: Timestamp,
) {
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
