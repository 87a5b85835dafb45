//! Several keepers over one store.

use std::sync::Arc;
use std::time::Duration;

use acme_core::Store;
use certwright_certstore::keeper::{Happening, Opened, Step};
use futures_util::future::join_all;
use testkit::Runtime;

use crate::ca::Act;
use crate::world::{DAY, HOUR, MINUTE, World, spec, until};

#[test]
fn of_many_keepers_one_issues_and_all_serve() {
    let world = World::new();
    world.run(async {
        let mut keepers = Vec::new();
        for node in ["a", "b", "c", "d"] {
            let shop = Arc::new(crate::world::Shop::default());
            let builder = world.builder().node(node).serve(Arc::clone(&shop) as _);
            keepers.push((world.start(builder).await, shop));
        }
        world.ca.script("example.com", vec![Act::NotYet(MINUTE); 3]);
        join_all(keepers.iter().map(|(keeper, _)| keeper.ensure(spec("example.com")))).await;
        world.wait(Duration::from_secs(30)).await;
        let held = keepers.iter().map(|(keeper, _)| keeper.status("example.com"));
        let held = join_all(held).await.into_iter().filter(|status| {
            matches!(&status.as_ref().unwrap().next, Step::Rest { waiting: acme_core::flow::Waiting::Held { .. }, .. })
        });
        assert_eq!(held.count(), 3, "three see that the fourth works on it");
        world.wait(5 * MINUTE).await;
        let serials: Vec<_> = keepers.iter().map(|(_, shop)| shop.serial("example.com")).collect();
        assert!(serials[0].is_some() && serials.iter().all(|it| *it == serials[0]), "{serials:?}");
        // Renewals too.
        world.wait(70 * DAY).await;
        assert_eq!(world.ca.finalized(), 2);
        let serials: Vec<_> = keepers.iter().map(|(_, shop)| shop.serial("example.com")).collect();
        assert!(serials.iter().all(|it| *it == serials[0]), "{serials:?}");
    });
    assert_eq!(world.ca.state().orders.len(), 2);
}

#[test]
fn who_slept_past_its_claim_sends_nothing_more() {
    let world = World::new();
    // The first holder waits for an hour, sleeps through it and through its claim.
    world.ca.script("example.com", [Act::NotYet(HOUR)]);
    let sleeper = Runtime::new(&world.clock);
    let first = sleeper.run(async {
        let Opened { keeper, work, .. } = world.builder().node("first").open().await.unwrap();
        let first = sleeper.spawn(work.run());
        let mut events = keeper.events();
        keeper.ensure(spec("example.com")).await.unwrap();
        until(&mut events, |it| matches!(it, Happening::Waiting { .. })).await;
        (keeper, first)
    });
    let (slept, _work) = first;
    let mut events = slept.events();
    let claimed = world.record("example.com").claim.unwrap();
    assert_eq!(claimed.node, "first");

    world.run(async {
        let keeper = world.start(world.builder().node("second")).await;
        keeper.ready("example.com").await.unwrap();
        assert!(world.now() >= claimed.until);
        keeper.shutdown(MINUTE).await;
    });
    let after = world.store.writes();
    assert_eq!(world.ca.finalized(), 1);

    sleeper.run(async {
        slept.nudge();
        until(&mut events, |it| matches!(it, Happening::TakenOver)).await;
        world.wait(HOUR).await;
        assert!(slept.status("example.com").await.unwrap().served.is_some());
        slept.shutdown(MINUTE).await;
    });
    assert_eq!(world.ca.finalized(), 1, "the former holder finalized nothing");
    assert_eq!(world.store.writes(), after, "and wrote nothing");
}

#[test]
fn a_wish_during_an_issuance_is_not_lost() {
    let world = World::new();
    world.ca.script("example.com", [Act::NotYet(HOUR)]);
    world.run(async {
        let store: Arc<dyn Store> = Arc::new(world.store.clone());
        let holder = world.start(world.builder().node("holder")).await;
        let other = world.start(world.builder_over(store, &world.ca).node("other")).await;
        holder.ensure(spec("example.com")).await.unwrap();
        world.wait(MINUTE).await;
        other.ensure(spec("example.com").with_label("team", "blue")).await.unwrap();
        holder.ready("example.com").await.unwrap();
        let record = world.record("example.com");
        assert_eq!(record.spec.labels["team"], "blue");
        assert!(record.current().is_some());
    });
    assert_eq!(world.ca.finalized(), 1);
}
