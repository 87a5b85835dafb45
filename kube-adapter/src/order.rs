//! An Order and its Challenges, stepped by the flows of `acme_core`.
//!
//! ```text
//!  Order, Challenges ──decode──► Run (flows, in memory) ──plan──► actions ──► answers ──fold──► Run ──encode──► status
//! ```
//!
//! Every step of the protocol is the flows' to decide. What is decided here is when a status is written, and whose turn it is.

mod act;
mod announce;
mod dns01;
mod fold;
mod http01;
mod leads;
mod observe;
mod record;
mod run;
mod selection;
mod solver;
mod turns;
mod write;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use acme_core::Timestamp;
use acme_core::flow::{ChallengeAction, Next, OrderAction, Pace};
use acme_core::protocol::Url;
use futures_util::future::BoxFuture;
use issuers::acme::pace::Made;

use crate::context::Context;
use crate::engine::Account;
use crate::key::{Key, Kind, Name};
use crate::plan;
use crate::queue::Class;
use crate::subject::{Lane, Subject};
use crate::world::{Changed, World};

pub(crate) use act::Answer;
pub(crate) use dns01::{DnsServices, DnsSolvers};
use record::Ordered;
pub(crate) use record::{OrderRecord, Outcome};
pub(crate) use run::{Run, is_for};
pub(crate) use turns::Turns;

/// The subject.
pub(crate) struct Orders;

/// What is known of Orders beside their records.
#[derive(Default)]
pub(crate) struct Index {
    /// The Challenges of each Order, the Order being there or not.
    pub(crate) challenges: HashMap<Name, Vec<Name>>,
    /// What is under way.
    pub(crate) runs: HashMap<Name, Run>,
    /// Whose turn it is.
    pub(crate) turns: Turns,
    /// Accounts of issuers that are ready; an issuer of the cluster has no namespace.
    accounts: HashMap<Name, Arc<Account>>,
    /// Orders of the last hours that were over when this process looked, until their account is told of them.
    recent: Vec<Ordered>,
    /// Issuers whose account was told.
    told: HashSet<Name>,
}

/// What it may want done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// Read the resources as flows.
    Begin,
    /// A step of the order.
    Order(OrderAction),
    /// A step of the challenge of this authorization.
    Challenge(Url, ChallengeAction),
    /// Choose once more who answers for this authorization: the issuer changed.
    Choose(Url),
    /// Take away what this Challenge put there, whose order is over.
    CleanUp(Name),
    /// Write the status of the Order.
    Tell(Telling),
    /// Make the Challenge of this authorization.
    Make(Url),
    /// Put our finalizer on this Challenge, which somebody else made and left without.
    Hold(Name),
    /// Write the status of this Challenge.
    TellOf(Name),
    /// Take our finalizer off this Challenge.
    Release(Name),
    /// Delete this Challenge.
    Delete(Name),
}

/// Why the status of an Order is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Telling {
    /// It was made: nothing follows before its URL is durable.
    Made,
    /// It takes its time.
    Progress,
    /// The certificate is here: durable before anything is taken away.
    Issued,
    /// There will be none.
    Failed,
}

/// One of them changed.
pub(crate) fn changed(world: &mut World, changed: Changed<OrderRecord>, now: Timestamp) {
    if let Some(OrderRecord::Settled { ordered }) = world.orders.get_mut(&changed.name)
        && let Some(ordered) = ordered.take()
        && now.since(ordered.at) < COUNTED
    {
        world.order_index.recent.push(*ordered);
    }
    let owned = world.orders.get(&changed.name).and_then(OrderRecord::object).cloned();
    let gone = changed.removed.as_ref().and_then(OrderRecord::object).cloned();
    for order in owned.iter().chain(&gone) {
        wake_owner(world, &changed.name, order);
    }
    world.wake(Key::new(Kind::Order, changed.name));
}

/// Wakes every one that owes people a word.
pub(crate) fn wake_unsettled(world: &mut World) {
    let names: Vec<Name> = world.order_index.runs.keys().cloned().collect();
    for name in names {
        world.wake(Key::new(Kind::Order, name));
    }
}

/// An issuer has this account now, or none: its Orders go on, or wait. An issuer of the cluster has a name without namespace.
pub(crate) fn account_changed(world: &mut World, issuer: Name, account: Option<Arc<Account>>) {
    match account {
        Some(account) => {
            tell_of_orders(world, &issuer, &account);
            world.order_index.accounts.insert(issuer, account);
        }
        None => {
            world.order_index.accounts.remove(&issuer);
        }
    }
    wake_unsettled(world);
}

/// An issuer appeared, went, or stands differently now: who was told what it lacks is told otherwise, in time.
pub(crate) fn issuer_changed(world: &mut World, issuer: &Name, now: Timestamp) {
    let runs = world.order_index.runs.keys();
    let refers = |name: &&Name| {
        let order = world.orders.get(name).and_then(OrderRecord::object);
        order.is_some_and(|it| observe::issuer_of(name, &it.spec.issuer_ref) == *issuer)
    };
    let names: Vec<Name> = runs.filter(refers).cloned().collect();
    names.iter().for_each(|name| fold::look_again(world, name, now));
}

/// Tells the pace of an account what was ordered before this process came: what the server allows is counted on, not begun anew with every restart.
fn tell_of_orders(world: &mut World, issuer: &Name, account: &Account) {
    if !world.order_index.told.insert(issuer.clone()) {
        return;
    }
    let (mine, others) = std::mem::take(&mut world.order_index.recent).into_iter().partition(|it| it.issuer == *issuer);
    world.order_index.recent = others;
    let mut made: Vec<Ordered> = mine;
    let live = world.orders.iter().filter_map(|(_, record)| record.object());
    let placed = live.filter(|it| it.status.as_ref().is_some_and(|it| !it.url.is_empty()));
    made.extend(placed.filter_map(|it| Ordered::of(it)).filter(|it| it.issuer == *issuer));
    made.sort_by_key(|it| it.at);
    account.pace.spent(made.into_iter().map(|it| Made { account: account.url.clone(), at: it.at }));
}

/// Wakes who waits for an Order: its request, and the Certificate above it.
pub(crate) fn wake_owner(world: &mut World, name: &Name, order: &crate::crd::order::Order) {
    let owners = order.metadata.owner_references.iter().flatten();
    for request in owners.filter(|it| it.kind == "CertificateRequest") {
        world.wake(Key::new(Kind::CertificateRequest, name.beside(request.name.as_str())));
    }
    let annotations = order.metadata.annotations.iter().flatten();
    for (_, certificate) in annotations.filter(|(key, _)| *key == CERTIFICATE_NAME) {
        world.wake(Key::new(Kind::Certificate, name.beside(certificate.as_str())));
    }
}

/// How patient the flows are. A pause that a server asks for is waited out, a name that nobody can prove is given up within a day.
pub(crate) fn patience() -> Pace {
    let mut pace = Pace::default();
    pace.order.create = Duration::from_secs(7 * 24 * HOUR);
    pace.order.authorize = Duration::from_secs(24 * HOUR);
    pace.order.issue = Duration::from_secs(7 * 24 * HOUR);
    pace.challenge.present = Duration::from_secs(24 * HOUR);
    pace.challenge.check = Duration::from_secs(12 * HOUR);
    pace.challenge.accept = Duration::from_secs(12 * HOUR);
    pace.challenge.clean = Duration::from_secs(HOUR);
    pace
}

const HOUR: u64 = 3600;

/// The longest time within which a server counts new orders.
const COUNTED: Duration = Duration::from_secs(3 * HOUR);

/// The annotation that request and Order have from their Certificate.
const CERTIFICATE_NAME: &str = "cert-manager.io/certificate-name";

impl Subject for Orders {
    type Action = Action;
    type Answer = Answer;

    fn next(world: &World, name: &Name, now: Timestamp) -> Next<Action, ()> {
        plan::order::plan(&observe::observe(world, name), now)
    }

    fn start(
        world: &mut World,
        context: &Arc<Context>,
        name: &Name,
        action: &Action,
        now: Timestamp,
    ) -> BoxFuture<'static, Answer> {
        act::start(world, context, name, action, now)
    }

    fn fold(world: &mut World, name: &Name, action: &Action, answer: Answer, now: Timestamp) {
        fold::fold(world, name, action, answer, now);
    }

    fn class(world: &World, name: &Name, _now: Timestamp) -> Class {
        match world.order_index.runs.contains_key(name) {
            true => Class::InFlight,
            false => Class::New,
        }
    }

    fn lane(action: &Action) -> Lane {
        match action {
            Action::Begin | Action::Order(_) | Action::Challenge(..) | Action::Choose(_) | Action::CleanUp(_) => {
                Lane::Call
            }
            Action::Tell(_)
            | Action::Make(_)
            | Action::Hold(_)
            | Action::TellOf(_)
            | Action::Release(_)
            | Action::Delete(_) => Lane::Write,
        }
    }
}
