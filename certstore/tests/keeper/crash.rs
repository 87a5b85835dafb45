//! The keeper killed before and after every effect, twice in a row.

use std::future::Future;
use std::sync::Arc;

use acme_core::Store;
use certwright_certstore::keeper::Opened;
use futures_util::future::{Either, select};
use testkit::VirtualClock;
use testkit::crash::{Effects, MortalStore, Replay, Story};

use crate::world::{DAY, World, spec};

impl testkit::crash::World for World {
    fn clock(&self) -> &VirtualClock {
        &self.clock
    }
}

#[test]
fn at_most_one_order_is_finalized_and_no_key_is_lost() {
    let summary = Replay::every_effect().and_every_pair().run(
        World::new,
        |world, effects| life(world, effects, "node"),
        |world, story| {
            check(world, story);
            assert_eq!(world.ca.finalized(), 1);
            // One idle order per kill at most: between the answer and its save.
            assert!(world.ca.state().orders.len() <= 1 + story.kills.len());
        },
    );
    assert!(summary.effects >= 6 && summary.stories > 100, "{summary:?}");
}

#[test]
fn a_life_under_another_name_takes_over_when_the_claim_has_ended() {
    Replay::every_effect().run(
        World::new,
        |world, effects| life(world, effects, ""),
        |world, story| {
            check(world, story);
            assert_eq!(world.ca.finalized(), 1);
        },
    );
}

/// One life: wants a certificate, and lives until it is there.
fn life(world: &World, effects: Effects, node: &'static str) -> impl Future<Output = ()> + use<> {
    let store: Arc<dyn Store> = Arc::new(MortalStore::new(world.store.clone(), &effects));
    let mut builder = world.builder_over(store, &world.ca.with_effects(&effects));
    if !node.is_empty() {
        builder = builder.node(node);
    }
    async move {
        let Opened { keeper, work, .. } = builder.open().await.unwrap();
        let wanted = Box::pin(async {
            keeper.ensure(spec("example.com")).await.unwrap();
            keeper.ready("example.com").await.unwrap();
            keeper.shutdown(DAY).await;
        });
        match select(wanted, Box::pin(work.run())).await {
            Either::Left(((), _)) => {}
            Either::Right(((), wanted)) => wanted.await,
        }
    }
}

fn check(world: &World, _: &Story) {
    let record = world.record("example.com");
    let current = record.current().unwrap();
    let key = acme_core::PrivateKey::from_pkcs8_der(acme_core::Secret::new(current.key.expose().clone())).unwrap();
    issuers::chain::check(&current.chain, acme_core::Signer::public_key(&key), &record.spec.identifiers, world.now())
        .unwrap();
    assert!(record.pending.is_none());
    assert_eq!(world.shop.serial("example.com"), Some(current.leaf().unwrap().serial));
}
