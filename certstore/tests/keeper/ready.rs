//! Who waits until a certificate is ready finds it served.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acme_core::{Entry, Error, ErrorKind, Expect, Identifier, Key, Page, Prefix, Retry, Secret, Store, Version};
use async_trait::async_trait;
use certwright_certstore::keeper::{Happening, Opened};
use certwright_certstore::{Credential, Keeper, Serve, Spec};
use issuers::Issuer;
use testkit::{DurableStore, VirtualClock};

use crate::ca::{Act, TestTimer};
use crate::world::{DAY, HOUR, MINUTE, Shop, World, spec, until};

#[test]
fn who_waits_for_a_stored_certificate_waits_until_it_was_taken() {
    let world = World::new();
    let store = Arc::new(Gaps::over(&world));
    world.run(async {
        let keeper = world.start(world.builder_over(store, &world.ca)).await;
        keeper.ensure(spec("example.com")).await.unwrap();
        while world.record("example.com").current().is_none() {
            world.wait(Duration::from_millis(100)).await;
        }
        assert_eq!(world.shop.serial("example.com"), None, "it is stored, and about to be handed over");

        keeper.ready("example.com").await.unwrap();

        assert_eq!(world.shop.serial("example.com"), Some(stored(&world)));
    });
}

#[test]
fn what_is_stored_is_ready_before_the_work_runs() {
    let world = World::new();
    issued_before(&world);
    world.run(async {
        let Opened { keeper, .. } = world.builder().serve(shop()).open().await.unwrap();

        keeper.ready("example.com").await.unwrap();
    });
}

#[test]
fn what_a_restart_could_not_read_is_ready_once_it_is_taken() {
    let world = World::new();
    issued_before(&world);
    let store = Arc::new(Gaps::over(&world));
    let shop = Arc::new(Shop::default());
    world.run(async {
        store.blind.store(true, Ordering::Release);
        let builder = world.builder_over(Arc::clone(&store) as _, &world.ca).serve(Arc::clone(&shop) as _);
        let Opened { keeper, work, .. } = builder.open().await.unwrap();
        store.blind.store(false, Ordering::Release);
        let waiting = world.runtime.spawn({
            let (keeper, shop) = (keeper.clone(), Arc::clone(&shop));
            async move {
                keeper.ready("example.com").await.unwrap();
                shop.serial("example.com")
            }
        });
        world.wait(MINUTE).await;
        assert_eq!(world.runtime.unfinished(), 1, "nobody has handed it over yet");

        world.runtime.spawn(work.run());

        assert_eq!(waiting.await, Some(stored(&world)));
    });
    assert_eq!(world.ca.finalized(), 1);
}

#[test]
fn what_another_keeper_issued_is_ready_once_it_is_taken_here() {
    let world = World::new();
    world.run(async {
        let first = world.start(world.builder().node("first")).await;
        let shop = Arc::new(Shop::default());
        let second = world.start(world.builder().node("second").serve(Arc::clone(&shop) as _)).await;
        first.ensure(spec("example.com")).await.unwrap();
        first.ready("example.com").await.unwrap();
        let began = world.now();

        // The second has not heard of it at all.
        second.ready("example.com").await.unwrap();
        assert_eq!(shop.serial("example.com"), Some(stored(&world)));

        let mut events = first.events();
        first.renew_now("example.com").await.unwrap();
        until(&mut events, |it| matches!(it, Happening::Serving { .. })).await;
        second.ready("example.com").await.unwrap();
        assert_eq!(shop.serial("example.com"), Some(stored(&world)));
        assert!(world.now().since(began) < Duration::from_secs(1), "who asks is not kept waiting for a claim's end");
    });
    assert_eq!(world.ca.finalized(), 2);
}

#[test]
fn who_asks_while_another_keeper_issues_waits_until_it_is_taken_here() {
    let world = World::new();
    world.ca.script("example.com", [Act::NotYet(3 * MINUTE)]);
    world.run(async {
        let first = world.start(world.builder().node("first")).await;
        let shop = Arc::new(Shop::default());
        let second = world.start(world.builder().node("second").serve(Arc::clone(&shop) as _)).await;
        first.ensure(spec("example.com")).await.unwrap();
        world.wait(MINUTE).await;

        second.ready("example.com").await.unwrap();

        assert_eq!(shop.serial("example.com"), Some(stored(&world)));
    });
    assert_eq!(world.ca.state().calls.len(), 2, "waiting asks the issuer nothing");
}

#[test]
fn who_waits_makes_nobody_ask_the_issuer_sooner() {
    let world = World::new();
    world.ca.script("example.com", [Act::NotYet(3 * MINUTE)]);
    world.run(async {
        let keeper = world.start(world.builder()).await;
        let began = world.now();
        keeper.ensure(spec("example.com")).await.unwrap();

        futures_util::future::join_all((0..3).map(|_| keeper.ready("example.com"))).await;

        assert_eq!(world.now().since(began), 3 * MINUTE);
    });
    assert_eq!(world.ca.state().calls.len(), 2);
}

#[test]
fn what_cannot_be_served_is_said_to_who_waits_and_tried_again_by_the_next_who_asks() {
    let world = World::new();
    let picky = Arc::new(Picky::default());
    world.run(async {
        picky.refuse(ErrorKind::Malformed, 3);
        let keeper = world.start(world.builder().serve(Arc::clone(&picky) as _)).await;
        let mut events = keeper.events();
        keeper.ensure(spec("example.com")).await.unwrap();

        let error = keeper.ready("example.com").await.unwrap_err();

        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Malformed, "the key is of no use here"));
        let told = until(&mut events, |it| matches!(it, Happening::NotServed { .. })).await;
        let Happening::NotServed { fault } = told.event.what else { unreachable!() };
        assert_eq!(fault.what, error.to_string());
        world.wait(HOUR).await;
        keeper.ready("example.com").await.unwrap_err();
        keeper.ready("example.com").await.unwrap();
        assert_eq!(picky.taken.serial("example.com"), Some(stored(&world)));
    });
    assert_eq!(world.ca.finalized(), 1, "it is not ordered again");
    assert!(picky.refusals.lock().unwrap().is_empty());
}

#[test]
fn a_renewal_that_cannot_be_served_is_not_ready_and_the_former_certificate_stays() {
    let world = World::new();
    let picky = Arc::new(Picky::default());
    world.run(async {
        let keeper = world.start(world.builder().serve(Arc::clone(&picky) as _)).await;
        keeper.ensure(spec("example.com")).await.unwrap();
        keeper.ready("example.com").await.unwrap();
        let former = picky.taken.serial("example.com");
        let mut events = keeper.events();
        picky.refuse(ErrorKind::Malformed, 9);
        keeper.renew_now("example.com").await.unwrap();
        until(&mut events, |it| matches!(it, Happening::NotServed { .. })).await;

        keeper.ready("example.com").await.unwrap_err();

        assert_eq!(picky.taken.serial("example.com"), former);
    });
}

#[test]
fn what_only_a_human_can_mend_is_said_to_who_waits_until_somebody_acts() {
    let world = World::new();
    world.ca.script("example.com", [Act::Fail(ErrorKind::Unreachable, Retry::Backoff)]);
    world.ca.script("example.com", [Act::Fail(ErrorKind::Refused, Retry::Never)]);
    world.run(async {
        let keeper = world.start(world.builder().node("first")).await;
        let second = world.start(world.builder().node("second")).await;
        keeper.ensure(spec("example.com")).await.unwrap();

        let error = keeper.ready("example.com").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "the first failure was waited out: {error}");
        keeper.ready("example.com").await.unwrap_err();
        second.ready("example.com").await.unwrap_err();
        assert_eq!(world.ca.state().calls.len(), 2, "asking tries nothing");

        keeper.renew_now("example.com").await.unwrap();
        keeper.ready("example.com").await.unwrap();
    });
}

#[test]
fn where_nobody_serves_what_is_stored_is_ready() {
    let world = World::new();
    world.run(async {
        let issuer: Arc<dyn Issuer> = Arc::new(world.ca.clone());
        let timer = Arc::new(TestTimer(world.clock.clone()));
        let keeper = world.start(Keeper::builder(Arc::new(world.store.clone()), [issuer], timer)).await;
        keeper.ensure(spec("example.com")).await.unwrap();

        keeper.ready("example.com").await.unwrap();

        assert!(world.record("example.com").current().is_some());
    });
}

#[test]
fn a_shut_down_ends_the_wait_for_what_is_stored_and_not_taken() {
    let world = World::new();
    let store = Arc::new(Gaps::over(&world));
    issued_before(&world);
    world.run(async {
        store.blind.store(true, Ordering::Release);
        let builder = world.builder_over(Arc::clone(&store) as _, &world.ca).serve(shop());
        let Opened { keeper, work, .. } = builder.open().await.unwrap();
        store.blind.store(false, Ordering::Release);
        let waiting = world.runtime.spawn({
            let keeper = keeper.clone();
            async move { keeper.ready("example.com").await }
        });
        world.wait(MINUTE).await;
        store.blind.store(true, Ordering::Release);
        world.runtime.spawn(work.run());
        keeper.shutdown(Duration::ZERO).await;

        assert_eq!(waiting.await.unwrap_err().kind(), ErrorKind::Internal);
    });
}

#[test]
fn what_was_forgotten_is_not_ready_and_comes_anew() {
    let world = World::new();
    world.run(async {
        let keeper = world.start(world.builder()).await;
        keeper.ensure(spec("example.com")).await.unwrap();
        keeper.ready("example.com").await.unwrap();
        let key = Spec::key_of("example.com").unwrap();
        let former = world.store.bytes(&key).unwrap();
        keeper.forget("example.com").await.unwrap();
        let error = keeper.ready("example.com").await.unwrap_err();
        assert_eq!((error.kind(), world.shop.serial("example.com")), (ErrorKind::NotFound, None));

        // Somebody puts the same record back.
        world.store.put(&key, former.into(), Expect::Absent).await.unwrap();
        keeper.ready("example.com").await.unwrap();

        assert_eq!(world.shop.serial("example.com"), Some(stored(&world)));
        world.wait(DAY).await;
    });
    assert_eq!(world.ca.finalized(), 1);
}

/// Another life got the certificate, and served it from elsewhere.
fn issued_before(world: &World) {
    world.run(async {
        let keeper = world.start(world.builder()).await;
        keeper.ensure(spec("example.com")).await.unwrap();
        keeper.ready("example.com").await.unwrap();
        keeper.shutdown(MINUTE).await;
    });
}

/// The serial number of what is stored.
fn stored(world: &World) -> String {
    world.record("example.com").current().unwrap().leaf().unwrap().serial
}

fn shop() -> Arc<dyn Serve> {
    Arc::new(Shop::default())
}

/// A store that others see change a second before the writer hears of it; and that cannot be read while a test wants it so.
struct Gaps {
    inner: DurableStore,
    clock: VirtualClock,
    blind: AtomicBool,
}

impl Gaps {
    fn over(world: &World) -> Self {
        Self { inner: world.store.clone(), clock: world.clock.clone(), blind: AtomicBool::new(false) }
    }
}

#[async_trait]
impl Store for Gaps {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, Error> {
        if self.blind.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Unreachable, "the disk is away"));
        }
        self.inner.get(key).await
    }

    async fn put(&self, key: &Key, value: Secret<Vec<u8>>, expect: Expect) -> Result<Version, Error> {
        let version = self.inner.put(key, value, expect).await;
        self.clock.sleep(Duration::from_secs(1)).await;
        version
    }

    async fn delete(&self, key: &Key, expect: Expect) -> Result<(), Error> {
        self.inner.delete(key, expect).await
    }

    async fn list(&self, prefix: &Prefix, after: Option<&Key>) -> Result<Page, Error> {
        self.inner.list(prefix, after).await
    }
}

/// Refuses as often as a test wants, and then takes everything.
#[derive(Default)]
struct Picky {
    taken: Shop,
    refusals: Mutex<VecDeque<ErrorKind>>,
}

impl Picky {
    fn refuse(&self, kind: ErrorKind, times: usize) {
        self.refusals.lock().unwrap().extend(vec![kind; times]);
    }
}

impl Serve for Picky {
    fn install(&self, certificate: &str, names: &[Identifier], credential: &Credential) -> Result<(), Error> {
        match self.refusals.lock().unwrap().pop_front() {
            Some(kind) => Err(Error::new(kind, "the key is of no use here")),
            None => self.taken.install(certificate, names, credential),
        }
    }

    fn withdraw(&self, certificate: &str) {
        self.taken.withdraw(certificate);
    }
}
