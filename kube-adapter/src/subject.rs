//! The trait of a kind that the loop steps.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use acme_core::Timestamp;
use acme_core::flow::Next;
use futures_util::future::BoxFuture;

use crate::context::Context;
use crate::key::Name;
use crate::queue::Class;
use crate::world::World;

/// A kind that the loop steps.
///
/// # Contract
/// 1. `next` is pure: the same world and the same `now` give the same answer. It gathers what a plan needs and asks the plan.
/// 2. `start` takes from the world what the action needs and hands out a future that does exactly this one thing; the future knows nothing of the world.
/// 3. `fold` puts the answer into the world, the versions that a write was answered with first of all. After a failure the same `now` never offers the same action again.
/// 4. Every action may run again: what it finds done already, it takes as its own when it is.
/// 5. What a crash would lose is in the memory part of a record, and nothing depends on its being there.
pub(crate) trait Subject: 'static {
    /// What may be done: small, comparable. What runs already is not started again.
    type Action: Clone + Debug + Eq + Hash + Send + 'static;
    /// How it went.
    type Answer: Send + 'static;

    /// What is to be done now, or until when there is nothing to do.
    fn next(world: &World, name: &Name, now: Timestamp) -> Next<Self::Action, ()>;

    /// Starts an action.
    fn start(
        world: &mut World,
        context: &Arc<Context>,
        name: &Name,
        action: &Self::Action,
        now: Timestamp,
    ) -> BoxFuture<'static, Self::Answer>;

    /// Puts the answer into the world.
    fn fold(world: &mut World, name: &Name, action: &Self::Action, answer: Self::Answer, now: Timestamp);

    /// How urgent this object is now.
    fn class(world: &World, name: &Name, now: Timestamp) -> Class;

    /// What an action occupies while it runs.
    fn lane(action: &Self::Action) -> Lane;
}

/// What an action occupies while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// One of the writes that may be under way at the API server, or a read that one waits for: a storm of those would take a connection each.
    Write,
    /// Nothing that is scarce here: the few reads that serve many, and calls to others, whose own limits hold.
    Call,
}
