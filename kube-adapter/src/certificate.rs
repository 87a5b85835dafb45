//! A Certificate, its requests and its Secrets: observed, planned and written as one.

mod access;
mod answer;
mod ask;
mod facts;
mod fold;
mod index;
mod information;
mod key;
mod observe;
mod record;
mod shelf;
mod start;
mod store;
mod temporary;
#[cfg(test)]
mod tests;
mod wanted;

use std::sync::Arc;

use acme_core::Timestamp;
use acme_core::flow::Next;
use futures_util::future::BoxFuture;

use crate::context::Context;
use crate::key::{Key, Kind, Name};
use crate::plan;
use crate::queue::Class;
use crate::request;
use crate::secret;
use crate::secret::named::Access;
use crate::subject::{Lane, Subject};
use crate::world::World;

pub(crate) use crate::plan::certificate::Action;
pub(crate) use access::{kept_secrets, name_freed, read_secrets};
pub(crate) use answer::Answer;
pub(crate) use index::{Index, changed, claimants, claimed, target_heard, try_again};
pub(crate) use information::{account_changed, replaced};
pub(crate) use record::CertificateRecord;
pub(crate) use wanted::{Wanted, encoding};

/// The subject.
pub(crate) struct Certificates;

/// Wakes every one that owes people a word.
pub(crate) fn wake_unsettled(world: &mut World) {
    let is_unsettled = |it: &CertificateRecord| it.whole.is_some() || it.memory.is_some();
    let unsettled: Vec<Name> =
        world.certificates.iter().filter(|(_, it)| is_unsettled(it)).map(|(name, _)| name.clone()).collect();
    for name in unsettled {
        world.wake(Key::new(Kind::Certificate, name));
    }
}

impl Subject for Certificates {
    type Action = Action;
    type Answer = Answer;

    fn next(world: &World, name: &Name, now: Timestamp) -> Next<Action, ()> {
        let Some(record) = world.certificates.get(name) else { return Next::Done(()) };
        if access::of(world, name, record) == Access::Awaited {
            return Next::Done(());
        }
        let content = observe::content(world, name, record);
        if let Some(rest) = plan::certificate::rest(&content, now) {
            return rest;
        }
        let Some(object) = record.object() else {
            return plan::certificate::read(held_until(record), now);
        };
        let wanted = Wanted::of(&object);
        plan::certificate::plan(&observe::observe(world, name, record, &object, &wanted, now), now)
    }

    fn start(
        world: &mut World,
        context: &Arc<Context>,
        name: &Name,
        action: &Action,
        now: Timestamp,
    ) -> BoxFuture<'static, Answer> {
        start::start(world, context, name, action, now)
    }

    fn fold(world: &mut World, name: &Name, action: &Action, answer: Answer, now: Timestamp) {
        fold::fold(world, name, action, answer, now);
    }

    fn class(world: &World, name: &Name, now: Timestamp) -> Class {
        let Some(record) = world.certificates.get(name) else { return Class::FixUp };
        let is_in_flight = record.memory.as_ref().is_some_and(|it| it.key.is_some() || it.has_turn);
        let is_near_end = || {
            let (Some(from), Some(until)) = (record.not_before.get(), record.not_after.get()) else { return false };
            now + until.since(from) / 10 >= until
        };
        let is_bare = || record.revision > 0 && secret::identity(world, &record.secret).is_none();
        let is_due = || record.renewal.get().is_some_and(|at| at.is_due(now));
        if is_in_flight {
            Class::InFlight
        } else if is_near_end() || record.is_issuing || is_bare() {
            Class::Urgent
        } else if record.revision == 0 || record.whole.is_some() && !is_due() {
            Class::New
        } else if is_due() {
            Class::Renewal
        } else {
            Class::FixUp
        }
    }

    fn lane(action: &Action) -> Lane {
        match action {
            Action::AskRenewal { .. } | Action::Announce(_) => Lane::Call,
            Action::Step { action, .. } => request::lane(action),
            // A key is made, or something read, when the writes that follow have room: of all that could be begun, as many are as can be finished.
            Action::MakeKey
            | Action::ReadObject
            | Action::ReadTarget
            | Action::ReadKey(_)
            | Action::ReadRequest(_)
            | Action::StoreKey
            | Action::Request(_)
            | Action::Store(_)
            | Action::Refresh
            | Action::StoreTemporary
            | Action::Report(_)
            | Action::DropRequest(_)
            | Action::DropKey(_) => Lane::Write,
        }
    }
}

/// Calls failed: nothing is tried before then.
fn held_until(record: &CertificateRecord) -> Option<Timestamp> {
    record.memory.as_deref().and_then(|it| it.trouble.as_ref()).map(|it| it.until)
}
