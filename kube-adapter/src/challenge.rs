//! Challenges: records of them, stepped with their Order.

use std::sync::Arc;

use acme_core::Timestamp;

use crate::crd::challenge::Challenge;
use crate::key::{Identity, Key, Kind, Name};
use crate::world::{Changed, Record, World};

/// What is kept of one: all of it, for it lives as long as its order is under way.
#[derive(Debug)]
pub(crate) struct ChallengeRecord {
    pub(crate) object: Arc<Challenge>,
}

impl ChallengeRecord {
    /// The Order that it belongs to. One that belongs to none is its own: nothing is done for it, but what it left is taken away.
    pub(crate) fn order(&self) -> Name {
        let owners = self.object.metadata.owner_references.iter().flatten();
        let order = owners.filter(|it| it.kind == "Order").map(|it| it.name.clone()).next();
        let own = Name::of(&self.object.metadata);
        order.map_or_else(|| own.clone(), |order| own.beside(order))
    }

    /// Does it carry our finalizer, by its present or its former name?
    pub(crate) fn has_finalizer(&self) -> bool {
        self.object.metadata.finalizers.iter().flatten().any(|it| is_finalizer(it))
    }
}

impl Record for ChallengeRecord {
    type Object = Challenge;

    fn name(object: &Self::Object) -> Name {
        Name::of(&object.metadata)
    }

    fn identity(object: &Self::Object) -> Option<Identity> {
        Identity::of(&object.metadata)
    }

    fn read(object: Self::Object, _before: Option<Self>) -> Option<Self> {
        Some(Self { object: Arc::new(object) })
    }
}

/// One of them changed.
pub(crate) fn changed(world: &mut World, changed: Changed<ChallengeRecord>, _now: Timestamp) {
    let Changed { name, removed } = changed;
    if let Some(removed) = removed {
        let order = removed.order();
        forgotten(world, &name, &order);
        world.wake(Key::new(Kind::Order, order));
    }
    if let Some(order) = world.challenges.get(&name).map(ChallengeRecord::order) {
        known(world, &name, &order);
        world.wake(Key::new(Kind::Order, order));
    }
}

/// There is this Challenge of this Order.
pub(crate) fn known(world: &mut World, name: &Name, order: &Name) {
    let names = world.order_index.challenges.entry(order.clone()).or_default();
    if !names.contains(name) {
        names.push(name.clone());
    }
}

/// There is this Challenge no more.
pub(crate) fn forgotten(world: &mut World, name: &Name, order: &Name) {
    if let Some(names) = world.order_index.challenges.get_mut(order) {
        names.retain(|it| it != name);
        if names.is_empty() {
            world.order_index.challenges.remove(order);
        }
    }
}

/// Is this finalizer ours?
pub(crate) fn is_finalizer(finalizer: &str) -> bool {
    matches!(finalizer, FINALIZER | FORMER_FINALIZER)
}

/// What keeps a Challenge until its answer is taken away.
pub(crate) const FINALIZER: &str = "acme.cert-manager.io/finalizer";
/// What it was called once.
const FORMER_FINALIZER: &str = "finalizer.acme.cert-manager.io";
