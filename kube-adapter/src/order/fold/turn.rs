//! What follows from every change: whose turn it is, and since when something is owed to people.

use acme_core::Timestamp;
use acme_core::flow::{ChallengeFlow, ChallengeStage, Issuance};
use acme_core::protocol::Url;

use super::with_run;
use crate::http01::sweep;
use crate::key::{Key, Kind, Name};
use crate::order::turns::{Group, Line, Moved, Place, Server, Wish};
use crate::order::{Action, OrderRecord, Telling, is_for, observe};
use crate::plan;
use crate::world::World;

/// What follows from every change: whose turn it is, and since when something is owed to people.
pub(super) fn update(world: &mut World, name: &Name, now: Timestamp) {
    if world.order_index.runs.get(name).is_some_and(|run| !run.leads.is_empty()) {
        sweep::worked(world, name.namespace(), now);
    }
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
        world.orders.get(name).and_then(OrderRecord::object).map(|it| observe::issuer_of(name, &it.spec.issuer_ref));
    let seen = observe::challenges(world, name);
    let flows = issuance.into_iter().flat_map(Issuance::challenges).filter(|(_, flow)| flow.verdict().is_none());
    let wish = |(url, flow): (&Url, &ChallengeFlow)| {
        let challenge = &seen.iter().find(|it| is_for(&it.record.object, flow))?.record.object;
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
pub(super) fn owe(world: &mut World, name: &Name, now: Timestamp) {
    let mut owed = Vec::new();
    if let Some(run) = world.order_index.runs.get(name)
        && let Some(issuance) = &run.issuance
        && let Some(order) = world.orders.get(name).and_then(OrderRecord::object)
    {
        let lacks = observe::lacks(world, name, order);
        if plan::order::wanted_status(order, run, issuance, lacks.as_deref())
            != order.status.clone().unwrap_or_default()
        {
            owed.push(Action::Tell(Telling::Progress));
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
