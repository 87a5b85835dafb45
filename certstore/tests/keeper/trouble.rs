//! Failures of issuers, of stores, and of names that are poisoned.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use acme_core::{Entry, Error, ErrorKind, Expect, Key, Page, Prefix, Retry, Secret, Store, Timestamp, Version};
use async_trait::async_trait;
use certwright_certstore::Spec;
use certwright_certstore::keeper::{Happening, Step};
use issuers::IssuerId;
use testkit::DurableStore;

use crate::ca::{Act, Ca};
use crate::world::{DAY, HOUR, MINUTE, World, spec, until};

#[test]
fn failures_are_spaced_1_10_and_100_minutes_then_a_day() {
    let world = World::new();
    world.ca.script("example.com", vec![Act::Fail(ErrorKind::Malformed, Retry::Backoff); 6]);
    world.run(async {
        let keeper = world.start(world.builder()).await;
        keeper.ensure(spec("example.com")).await.unwrap();
        world.wait(HOUR).await;
        let status = keeper.status("example.com").await.unwrap();
        assert_eq!(status.failures, 3);
        assert!(status.last_failure.is_some() && matches!(status.next, Step::Rest { .. }), "{status}");
        keeper.ready("example.com").await.unwrap();
        assert_eq!(keeper.status("example.com").await.unwrap().failures, 0);
    });
    let pauses = pauses(&world);
    for (pause, stage) in pauses.iter().zip([MINUTE, 10 * MINUTE, 100 * MINUTE, DAY, DAY, DAY]) {
        assert!(*pause >= stage && *pause <= stage + stage / 10, "{pauses:?}");
    }
    assert_eq!(pauses.len(), 6);
}

#[test]
fn a_pause_that_was_asked_for_is_kept_to_the_second_and_spends_no_attempt() {
    let world = World::new();
    world.ca.script("example.com", [Act::Fail(ErrorKind::Busy, Retry::After(3 * HOUR))]);
    world.run(async {
        let keeper = world.start(world.builder()).await;
        keeper.ensure(spec("example.com")).await.unwrap();
        world.wait(HOUR).await;
        assert_eq!(keeper.status("example.com").await.unwrap().failures, 0);
        // Neither a human nor the next life goes on sooner.
        keeper.renew_now("example.com").await.unwrap();
        keeper.shutdown(MINUTE).await;
        let keeper = world.start(world.builder()).await;
        keeper.ready("example.com").await.unwrap();
    });
    assert_eq!(pauses(&world), [3 * HOUR]);
}

#[test]
fn a_human_can_cut_a_pause_short() {
    let world = World::new();
    world.ca.script("example.com", [Act::Fail(ErrorKind::Refused, Retry::Never)]);
    world.run(async {
        let keeper = world.start(world.builder()).await;
        keeper.ensure(spec("example.com")).await.unwrap();
        world.wait(HOUR).await;
        assert_eq!(world.ca.state().calls.len(), 1, "only a human can mend it");
        keeper.renew_now("example.com").await.unwrap();
        keeper.ready("example.com").await.unwrap();
    });
    assert_eq!(pauses(&world), [HOUR]);
}

#[test]
fn a_certificate_for_another_key_replaces_nothing() {
    let world = World::new();
    world.run(async {
        let keeper = world.start(world.builder()).await;
        keeper.ensure(spec("example.com")).await.unwrap();
        keeper.ready("example.com").await.unwrap();
        let first = world.record("example.com").current().unwrap().leaf().unwrap();
        world.ca.script("example.com", [Act::WrongKey]);
        let mut events = keeper.events();
        keeper.renew_now("example.com").await.unwrap();
        let failed = until(&mut events, |it| matches!(it, Happening::Failed { .. })).await;
        let Happening::Failed { fault, .. } = failed.event.what else { unreachable!() };
        assert!(fault.to_string().contains("another key"), "{fault}");
        assert_eq!(world.record("example.com").current().unwrap().leaf().unwrap(), first);
        until(&mut events, |it| matches!(it, Happening::Issued { .. })).await;
    });
}

#[test]
fn poisoned_names_keep_nobody_waiting_for_long() {
    let world = World::new();
    for (name, act) in [("hang", Act::Hang), ("panic", Act::Panic)] {
        world.ca.script(name, vec![act; 20]);
    }
    world.ca.script("slow", vec![Act::NotYet(30 * MINUTE); 20]);
    world.run(async {
        let keeper = world.start(world.builder().at_once(2)).await;
        for at in 0..4 {
            for kind in ["hang", "panic", "slow"] {
                keeper.ensure(spec(&format!("{kind}{at}.example.com"))).await.unwrap();
            }
        }
        let before = world.now();
        keeper.ensure(spec("good.example.com")).await.unwrap();
        keeper.ready("good.example.com").await.unwrap();
        let took = world.now().since(before);
        assert!(took <= 5 * MINUTE, "{took:?}");
    });
}

#[test]
fn work_is_bounded() {
    let world = World::new();
    for _ in 0..40 {
        world.ca.script("n", [Act::NotYet(10 * Duration::from_millis(100))]);
    }
    world.run(async {
        let keeper = world.start(world.builder().at_once(3)).await;
        for at in 0..12 {
            keeper.ensure(spec(&format!("n{at}.example.com"))).await.unwrap();
        }
        world.wait(Duration::from_millis(1)).await;
        assert_eq!(world.ca.state().calls.len(), 3, "three at once, the others wait");
        for at in 0..12 {
            keeper.ready(&format!("n{at}.example.com")).await.unwrap();
        }
    });
    assert_eq!(world.ca.finalized(), 12);
}

#[test]
fn what_is_issued_but_cannot_be_stored_is_served_and_never_ordered_again() {
    let world = World::new();
    let store = Flaky::over(&world, Fails::ONCE_ISSUED);
    world.run(async {
        let dynamic = Arc::clone(&store) as Arc<dyn Store>;
        let keeper = world.start(world.builder_over(dynamic, &world.ca)).await;
        let mut events = keeper.events();
        keeper.ensure(spec("example.com")).await.unwrap();
        until(&mut events, |it| matches!(it, Happening::NotStored { .. })).await;
        assert!(world.shop.serial("example.com").is_some());
        world.wait(DAY).await;
        assert!(world.record("example.com").current().is_none());
        store.fails.store(Fails::NEVER, Ordering::Release);
        until(&mut events, |it| matches!(it, Happening::Issued { .. })).await;
        assert!(world.record("example.com").current().is_some());
    });
    assert_eq!(world.ca.finalized(), 1);
    assert_eq!(world.ca.state().orders.len(), 1);
}

#[test]
fn a_record_of_a_newer_release_is_left_alone_and_the_others_are_kept() {
    let world = World::new();
    let key = Spec::key_of("newer.example.com").unwrap();
    let bytes = br#"{"format":999,"record":{"of":"the future"}}"#.to_vec();
    world.run(async {
        world.store.put(&key, Secret::new(bytes.clone()), Expect::Absent).await.unwrap();
        let keeper = world.start(world.builder()).await;
        keeper.ensure(spec("example.com")).await.unwrap();
        keeper.ready("example.com").await.unwrap();
        for error in [
            keeper.status("newer.example.com").await.map(drop).unwrap_err(),
            keeper.ensure(spec("newer.example.com")).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains("newer release"), "{error}");
        }
        world.wait(DAY).await;
    });
    assert_eq!(world.store.bytes(&key).unwrap(), bytes);
}

#[test]
fn an_issuer_that_is_not_there_is_named_at_once() {
    let world = World::new();
    world.run(async {
        let keeper = world.start(world.builder()).await;
        let error = keeper.ensure(spec("example.com").with_issuer(IssuerId::new("other"))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("other") && error.to_string().contains("test"), "{error}");
    });
    assert!(world.store.keys().is_empty());
}

#[test]
fn a_store_that_fails_for_a_while_delays_and_spends_nothing() {
    let world = World::new();
    let store = Flaky::over(&world, Fails::NEVER);
    world.run(async {
        let dynamic = Arc::clone(&store) as Arc<dyn Store>;
        let keeper = world.start(world.builder_over(dynamic, &world.ca)).await;
        keeper.ensure(spec("example.com")).await.unwrap();
        store.fails.store(Fails::ALWAYS, Ordering::Release);
        world.wait(HOUR).await;
        store.fails.store(Fails::NEVER, Ordering::Release);
        keeper.ready("example.com").await.unwrap();
        assert_eq!(keeper.status("example.com").await.unwrap().failures, 0);
    });
    assert_eq!(world.ca.finalized(), 1);
}

fn pauses(world: &World) -> Vec<Duration> {
    let times: Vec<Timestamp> = world.ca.state().calls.iter().map(|(at, _)| *at).collect();
    times.windows(2).map(|pair| pair[1].since(pair[0])).collect()
}

/// A store whose writes fail when a test wants it.
struct Flaky {
    inner: DurableStore,
    ca: Ca,
    fails: AtomicU8,
}

struct Fails;

impl Fails {
    const NEVER: u8 = 0;
    const ALWAYS: u8 = 1;
    /// From the moment at which the certificate authority has issued.
    const ONCE_ISSUED: u8 = 2;
}

impl Flaky {
    fn over(world: &World, fails: u8) -> Arc<Self> {
        Arc::new(Self { inner: world.store.clone(), ca: world.ca.clone(), fails: AtomicU8::new(fails) })
    }

    fn check(&self) -> Result<(), Error> {
        let fails = match self.fails.load(Ordering::Acquire) {
            Fails::ALWAYS => true,
            Fails::ONCE_ISSUED => self.ca.finalized() > 0,
            _ => false,
        };
        if fails { Err(Error::new(ErrorKind::Unreachable, "the disk is on fire")) } else { Ok(()) }
    }
}

#[async_trait]
impl Store for Flaky {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, Error> {
        self.inner.get(key).await
    }

    async fn put(&self, key: &Key, value: Secret<Vec<u8>>, expect: Expect) -> Result<Version, Error> {
        self.check()?;
        self.inner.put(key, value, expect).await
    }

    async fn delete(&self, key: &Key, expect: Expect) -> Result<(), Error> {
        self.check()?;
        self.inner.delete(key, expect).await
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Key>) -> Result<Page, Error> {
        self.inner.list(prefix, after).await
    }
}
