//! What a plan needs, gathered from the tables.

use std::collections::HashSet;
use std::sync::Arc;

use acme_core::protocol::Url;

use crate::crd::order::Order;
use crate::engine::{Account, Engine};
use crate::issuer::{self, View};
use crate::key::Name;
use crate::limits;
use crate::order::OrderRecord;
use crate::order::turns::Place;
use crate::plan::order::{Authority, Observed, Seen, Standing};
use crate::status::text::lines;
use crate::world::World;

/// Gathers what is known of an Order.
pub(crate) fn observe<'a>(world: &'a World, name: &Name) -> Observed<'a> {
    let record = world.orders.get(name);
    let order = record.and_then(OrderRecord::object).map(Arc::as_ref);
    let run = world.order_index.runs.get(name);
    let challenges: Vec<Seen<'a>> = challenges(world, name);
    let place = |url: &Url| Place { order: name.clone(), authorization: url.clone() };
    let flows = run.and_then(|it| it.issuance.as_ref()).into_iter().flat_map(|it| it.challenges());
    let (mut may_answer, mut may_tell) = (HashSet::new(), HashSet::new());
    for (url, _) in flows {
        let turns = &world.order_index.turns;
        may_answer.extend(turns.may_answer(&place(url)).then_some(url));
        may_tell.extend(turns.may_tell(&place(url)).then_some(url));
    }
    Observed {
        standing: match (record, order) {
            (None, _) => Standing::Gone,
            (Some(_), None) => Standing::Settled,
            (Some(_), Some(order)) if order.metadata.deletion_timestamp.is_some() => Standing::Gone,
            (Some(_), Some(order)) => Standing::Here { order, uid: world.orders.identity(name).map(|it| &it.uid) },
        },
        challenges,
        run,
        authority: match order.and_then(|order| account(world, name, order)) {
            Some(account) => Authority::Ready(account),
            None => Authority::Missing,
        },
        lacks: order.and_then(|order| lacks(world, name, order)),
        may_answer,
        may_tell,
        closing: world.closing,
        visible_after: world.settings.visible_after,
    }
}

/// The Challenges of an Order, by name.
pub(crate) fn challenges<'a>(world: &'a World, order: &Name) -> Vec<Seen<'a>> {
    let names = world.order_index.challenges.get(order).into_iter().flatten();
    let mut seen: Vec<Seen<'a>> =
        names.filter_map(|name| Some(Seen { name: name.clone(), record: world.challenges.get(name)? })).collect();
    seen.sort_by(|a, b| a.name.cmp(&b.name));
    seen
}

/// The account that an Order is made with, when its issuer is ready.
pub(crate) fn account<'a>(world: &'a World, name: &Name, order: &Order) -> Option<&'a Arc<Account>> {
    world.order_index.accounts.get(&issuer_of(name, &order.spec.issuer_ref))
}

/// Why nobody can be asked for an Order that somebody made by hand. Where a request waits for it, that one says so.
pub(crate) fn lacks(world: &World, name: &Name, order: &Order) -> Option<String> {
    let mut owners = order.metadata.owner_references.iter().flatten();
    if account(world, name, order).is_some() || owners.any(|it| it.kind == "CertificateRequest") {
        return None;
    }
    let reference = &order.spec.issuer_ref;
    let said = match issuer::view(world, name.namespace(), reference) {
        View::Foreign => return None,
        View::Missing => issuer::missing(world, name.namespace(), reference),
        View::Unready(kept) => issuer::unready(kept),
        // Its account is about to be told.
        View::Ready(Engine::Acme(_)) => return None,
        View::Ready(Engine::Authority(..) | Engine::SelfSigned(_) | Engine::Remote(_)) => {
            let (kind, name) = (reference.effective_kind(), &reference.name);
            format!("{kind} \"{name}\" is no ACME issuer: an Order is for one with spec.acme")
        }
    };
    Some(lines(&said, limits::TEXT))
}

/// The name of an issuer: one of the cluster has no namespace, and one of another kind no name.
pub(crate) fn issuer_of(beside: &Name, reference: &crate::crd::reference::IssuerRef) -> Name {
    match reference.effective_kind() {
        "ClusterIssuer" => Name::of_cluster(reference.name.as_str()),
        "Issuer" => beside.beside(reference.name.as_str()),
        _ => Name::of_cluster(""),
    }
}
