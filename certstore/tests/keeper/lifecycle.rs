//! Issuing, renewing, changing, forgetting.

use acme_core::KeyType;
use certwright_certstore::keeper::{Happening, Step, Why};
use certwright_certstore::policy::reissue::Difference;
use certwright_certstore::policy::renew::Reason;
use certwright_certstore::{ErrorKind, Keys, Spec};

use crate::ca::Act;
use crate::world::{DAY, HOUR, MINUTE, World, spec, until, window};

#[test]
fn a_certificate_that_is_wanted_is_issued_stored_and_served() {
    let world = World::new();
    world.run(async {
        let keeper = world.start(world.builder()).await;
        let mut events = keeper.events();
        keeper.ensure(Spec::new(["example.com", "www.example.com"]).unwrap()).await.unwrap();
        keeper.ready("example.com").await.unwrap();
        until(&mut events, |it| matches!(it, Happening::Serving { .. })).await;

        let record = world.record("example.com");
        let current = record.current().unwrap();
        assert_eq!(current.leaf().unwrap().names, record.spec.identifiers);
        assert!(record.pending.is_none() && record.claim.is_none());
        assert_eq!(world.shop.serial("example.com"), Some(current.leaf().unwrap().serial));

        let status = keeper.status("example.com").await.unwrap();
        let served = status.served.as_ref().unwrap();
        assert_eq!(served.renewal.reason, Reason::Schedule);
        let left = served.not_after.since(served.renewal.at);
        assert!(left >= 30 * DAY && left <= 32 * DAY, "{left:?}");
        assert!(status.to_string().contains("renewal"), "{status}");
    });
}

#[test]
fn it_is_renewed_by_the_schedule_with_a_new_key_and_the_old_one_is_named() {
    let world = World::new();
    world.run(async {
        let keeper = world.start(world.builder()).await;
        keeper.ensure(spec("example.com")).await.unwrap();
        keeper.ready("example.com").await.unwrap();
        let first = world.record("example.com");
        let mut events = keeper.events();
        let began = until(&mut events, |it| matches!(it, Happening::Began { .. })).await;
        let why = Why::Renewal(Reason::Schedule);
        assert_eq!(began.event.what, Happening::Began { why });
        until(&mut events, |it| matches!(it, Happening::Serving { .. })).await;

        let second = world.record("example.com");
        let (first, second) = (first.current().unwrap(), second.current().unwrap());
        assert_ne!(first.key.expose(), second.key.expose());
        let age = second.issued_at.since(first.issued_at);
        assert!(age > 58 * DAY && age < 60 * DAY, "{age:?}");
    });
    let orders = world.ca.state().orders.clone();
    assert_eq!(orders.len(), 2);
    assert_eq!(orders[1].replaces, None, "the issuer knows no renewal information");
}

#[test]
fn a_short_life_is_renewed_at_its_half() {
    let world = World::new();
    world.ca.state().lifetime = 160 * HOUR;
    world.run(async {
        let keeper = world.start(world.builder()).await;
        keeper.ensure(spec("example.com")).await.unwrap();
        keeper.ready("example.com").await.unwrap();
        let served = keeper.status("example.com").await.unwrap().served.unwrap();
        let age = served.renewal.at.since(served.not_before);
        assert!(age > 76 * HOUR && age <= 80 * HOUR, "{age:?}");
    });
}

#[test]
fn the_certificate_authority_says_when_and_is_told_what_is_replaced() {
    let world = World::new();
    let start = world.now() + 20 * DAY;
    world.ca.state().window = Some((window(start, 2 * DAY), 6 * HOUR));
    let (first, renewed) = world.run(async {
        let keeper = world.start(world.builder()).await;
        let mut events = keeper.events();
        keeper.ensure(spec("example.com")).await.unwrap();
        until(&mut events, |it| matches!(it, Happening::RenewalSuggested { .. })).await;
        let chosen = keeper.status("example.com").await.unwrap().served.unwrap().renewal;
        assert_eq!(chosen.reason, Reason::Suggested);
        assert!(chosen.at >= start && chosen.at < start + 2 * DAY);

        until(&mut events, |it| matches!(it, Happening::Began { .. })).await;
        assert_eq!(world.now(), chosen.at, "at the instant that was chosen first, after many answers");
        until(&mut events, |it| matches!(it, Happening::Issued { .. })).await;
        (start - 20 * DAY, chosen.at)
    });
    let state = world.ca.state();
    assert!(state.orders[1].replaces.is_some());
    let asked = state.asked.iter().filter(|at| **at < renewed).count();
    let wanted = 1 + renewed.since(first).as_secs() / (6 * 3600);
    assert_eq!(asked as u64, wanted, "every six hours until then");
}

#[test]
fn a_window_that_jumps_into_the_past_means_now() {
    let world = World::new();
    world.ca.state().window = Some((window(world.now() + 60 * DAY, DAY), HOUR));
    world.run(async {
        let keeper = world.start(world.builder()).await;
        keeper.ensure(spec("example.com")).await.unwrap();
        keeper.ready("example.com").await.unwrap();
        world.wait(5 * DAY).await;
        assert_eq!(world.ca.finalized(), 1);
        world.ca.state().window = Some((window(world.now() - 2 * DAY, DAY), HOUR));
        world.wait(2 * HOUR).await;
        // Of the new one the same is said; nobody is asked more than the bound allows.
        assert!(world.ca.finalized() > 1);
        world.wait(DAY / 2).await;
        assert_eq!(world.ca.finalized(), 6, "five for one set of names in a day");
    });
}

#[test]
fn other_names_are_issued_while_the_old_certificate_stays() {
    let world = World::new();
    world.run(async {
        let keeper = world.start(world.builder()).await;
        keeper.ensure(spec("example.com")).await.unwrap();
        keeper.ready("example.com").await.unwrap();
        let first = world.shop.serial("example.com").unwrap();

        let mut events = keeper.events();
        world.ca.script("example.com", [Act::NotYet(HOUR)]);
        let both = Spec::new(["example.com", "b.example.com"]).unwrap();
        keeper.ensure(both.clone()).await.unwrap();
        let began = until(&mut events, |it| matches!(it, Happening::Began { .. })).await;
        let why = Why::Changed(Difference::Identifiers);
        assert_eq!(began.event.what, Happening::Began { why });
        world.wait(MINUTE).await;
        assert_eq!(world.shop.serial("example.com").unwrap(), first);
        assert!(world.record("example.com").current().is_some());

        until(&mut events, |it| matches!(it, Happening::Issued { .. })).await;
        assert_eq!(world.record("example.com").current().unwrap().leaf().unwrap().names, both.identifiers);
        keeper.ensure(both).await.unwrap();
        world.wait(DAY).await;
        assert_eq!(world.ca.finalized(), 2, "wanting the same again changes nothing");
    });
}

#[test]
fn a_key_is_kept_when_that_is_wanted_and_changed_with_its_kind() {
    let world = World::new();
    world.run(async {
        let keeper = world.start(world.builder()).await;
        let pinned = spec("example.com").with_keys(Keys::Reused);
        keeper.ensure(pinned.clone()).await.unwrap();
        keeper.ready("example.com").await.unwrap();
        let first = world.record("example.com");
        let mut events = keeper.events();
        keeper.renew_now("example.com").await.unwrap();
        until(&mut events, |it| matches!(it, Happening::Issued { .. })).await;
        let second = world.record("example.com");
        assert_eq!(first.current().unwrap().key.expose(), second.current().unwrap().key.expose());

        keeper.ensure(pinned.with_key_type(KeyType::EcdsaP384)).await.unwrap();
        until(&mut events, |it| matches!(it, Happening::Issued { .. })).await;
        assert_eq!(world.record("example.com").current().unwrap().key_type, KeyType::EcdsaP384);
    });
}

#[test]
fn a_pinned_key_that_does_not_fit_asks_a_human_and_stays() {
    let world = World::new();
    world.run(async {
        let keeper = world.start(world.builder()).await;
        let pinned = spec("example.com").with_keys(Keys::Pinned);
        keeper.ensure(pinned.clone()).await.unwrap();
        keeper.ready("example.com").await.unwrap();
        let first = world.record("example.com");
        let mut events = keeper.events();
        keeper.ensure(pinned.clone().with_key_type(KeyType::EcdsaP384)).await.unwrap();
        until(&mut events, |it| matches!(it, Happening::Failed { .. })).await;
        let status = keeper.status("example.com").await.unwrap().to_string();
        assert!(status.contains("another size is wanted") && status.contains("let the key change"), "{status}");

        keeper.ensure(pinned).await.unwrap();
        keeper.renew_now("example.com").await.unwrap();
        until(&mut events, |it| matches!(it, Happening::Issued { .. })).await;
        let second = world.record("example.com");
        assert_eq!(first.current().unwrap().key.expose(), second.current().unwrap().key.expose());
    });
}

#[test]
fn waiting_is_shown_and_a_nudge_ends_it() {
    let world = World::new();
    world.ca.script("example.com", [Act::NotYet(HOUR)]);
    world.run(async {
        let keeper = world.start(world.builder()).await;
        let mut events = keeper.events();
        keeper.ensure(spec("example.com")).await.unwrap();
        until(&mut events, |it| matches!(it, Happening::Waiting { .. })).await;
        world.wait(MINUTE).await;
        let status = keeper.status("example.com").await.unwrap();
        assert!(matches!(status.next, Step::Issue { waiting: Some(_), .. }), "{status}");
        assert!(status.to_string().contains("issuing the certificate"), "{status}");

        let before = world.now();
        keeper.nudge();
        keeper.ready("example.com").await.unwrap();
        assert_eq!(world.now(), before);
    });
}

#[test]
fn what_is_forgotten_is_gone_and_not_served() {
    let world = World::new();
    world.run(async {
        let keeper = world.start(world.builder()).await;
        keeper.ensure(spec("example.com")).await.unwrap();
        keeper.ready("example.com").await.unwrap();
        world.wait(MINUTE).await;
        keeper.forget("example.com").await.unwrap();
        keeper.forget("example.com").await.unwrap();
        world.wait(365 * DAY).await;
        assert_eq!(world.shop.serial("example.com"), None);
        assert_eq!(keeper.status("example.com").await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(keeper.renew_now("example.com").await.unwrap_err().kind(), ErrorKind::NotFound);
    });
    assert_eq!(world.ca.finalized(), 1);
    assert!(world.store.keys().is_empty());
}

#[test]
fn the_next_life_serves_what_is_stored_and_orders_nothing() {
    let world = World::new();
    world.run(async {
        let keeper = world.start(world.builder()).await;
        keeper.ensure(spec("example.com")).await.unwrap();
        keeper.ready("example.com").await.unwrap();
        keeper.shutdown(MINUTE).await;
        assert!(keeper.is_shut_down());
        let serial = world.shop.serial("example.com");

        let next = World { store: world.store.snapshot(), ..World::new() };
        let opened = next.builder().open().await.unwrap();
        assert_eq!(next.shop.serial("example.com"), serial, "before any work has run");
        drop(opened);
    });
    assert_eq!(world.ca.finalized(), 1);
}

#[test]
fn nothing_is_issued_before_it_may_begin() {
    let world = World::new();
    world.run(async {
        let keeper = world.start(world.builder().hold_back()).await;
        keeper.ensure(spec("example.com")).await.unwrap();
        world.wait(DAY).await;
        assert!(world.ca.state().calls.is_empty());
        let before = world.now();
        keeper.begin();
        keeper.ready("example.com").await.unwrap();
        assert_eq!(world.now(), before);
    });
}
