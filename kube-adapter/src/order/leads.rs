//! Which challenges of an Order share a way to their answers: those of HTTP-01 that the same solver answers.

use std::sync::Arc;

use acme_core::Error;
use acme_core::flow::{Assignment, ChallengeStage};

use crate::context::Context;
use crate::crd::acme::http01::Http01Solver;
use crate::crd::challenge::Challenge;
use crate::http01::lead::Lead;
use crate::http01::{Answered, Owner};
use crate::key::{Name, Uid};
use crate::order::{Run, is_for, observe};
use crate::world::World;

/// The way to the answer of a Challenge; `None` for one that needs none. It expects all challenges of the Order that share it.
///
/// # Errors
/// Those of [`Lead::new`].
pub(super) fn lead(
    world: &mut World,
    context: &Arc<Context>,
    order: &Name,
    of: &Name,
    challenge: &Challenge,
) -> Result<Option<Arc<Lead>>, Error> {
    let Some(solver) = &challenge.spec.solver.http01 else { return Ok(None) };
    let by_pod = Lead::needs_pods(context.settings.acme.http01_solver, solver);
    let expected = match by_pod {
        true => vec![Answered::of(&challenge.spec)],
        false => expected(world, order, solver),
    };
    let shared_by = match by_pod {
        true => of.to_string(),
        false => serde_json::to_string(solver).unwrap_or_default(),
    };
    let Some(run) = world.order_index.runs.get_mut(order) else { return Ok(None) };
    let lead = match run.leads.get(&shared_by) {
        Some(lead) => Arc::clone(lead),
        None => {
            let owner = owner(challenge, order, of, by_pod);
            let lead = Arc::new(Lead::new(context, owner, solver)?);
            run.leads.insert(shared_by, Arc::clone(&lead));
            lead
        }
    };
    lead.expect(expected);
    Ok(Some(lead))
}

/// Whose the objects are: the Order's, and the Challenge's where each has its own.
fn owner(challenge: &Challenge, order: &Name, of: &Name, by_pod: bool) -> Owner {
    if by_pod {
        let uid = challenge.metadata.uid.as_deref().unwrap_or_default();
        return Owner { kind: "Challenge", name: of.clone(), uid: Uid::parse(uid) };
    }
    let owners = challenge.metadata.owner_references.iter().flatten();
    let uid = owners.filter(|it| it.kind == "Order").map(|it| it.uid.as_str()).next();
    Owner { kind: "Order", name: order.clone(), uid: Uid::parse(uid.unwrap_or_default()) }
}

/// What has to be answered by this solver: for challenges that are made already, for those that are about to be, and for those that are taken away.
fn expected(world: &World, order: &Name, solver: &Http01Solver) -> Vec<Answered> {
    let Some(run) = world.order_index.runs.get(order) else { return Vec::new() };
    let seen = observe::challenges(world, order);
    let live = run.issuance.iter().flat_map(|it| it.challenges());
    let live = live.filter(|(_, flow)| flow.stage() != ChallengeStage::Settled).filter(|(url, flow)| {
        let made = seen.iter().find(|it| is_for(&it.record.object, flow)).map(|it| &it.record.object.spec.solver);
        made.or_else(|| run.chosen.get(*url)).and_then(|it| it.http01.as_ref()) == Some(solver)
    });
    let live = live.map(|(_, flow)| answered(flow.assignment()));
    live.chain(left(world, run, solver)).collect()
}

fn left(world: &World, run: &Run, solver: &Http01Solver) -> Vec<Answered> {
    let unsettled = run.left.iter().filter(|(_, flow)| flow.stage() != ChallengeStage::Settled);
    let same = unsettled.filter(|(name, _)| {
        world.challenges.get(name).is_some_and(|it| it.object.spec.solver.http01.as_ref() == Some(solver))
    });
    same.map(|(_, flow)| answered(flow.assignment())).collect()
}

fn answered(assignment: &Assignment) -> Answered {
    Answered { name: assignment.identifier.to_string(), token: assignment.token().unwrap_or_default().to_owned() }
}
