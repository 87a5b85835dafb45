//! Pauses that a certificate authority asked for.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acme_core::client::{Call, Client, Reply};
use acme_core::protocol::{CertificateId, NewOrder, Problem, ProblemType, Url};
use acme_core::{Clock as _, Error, ErrorKind, Identifier, Retry, Store};
use async_trait::async_trait;
use certwright_issuers::acme::pace::{Allowance, Made, Scope, Sending};
use certwright_issuers::acme::{Pace, Paced, directories, registered_domain};
use testkit::{DurableStore, VirtualClock, run};

const MINUTE: Duration = Duration::from_secs(60);
const HOURS: Duration = Duration::from_secs(3 * 3600);

#[test]
fn nothing_is_sent_inside_a_pause_and_again_after_it() {
    let world = World::new();
    world.ca.answer(rate_limited("too many new orders (300) from this account"), HOURS);

    let first = world.order(&["a.example"]).unwrap_err();
    world.clock.advance(HOURS - Duration::from_secs(1));
    let second = world.order(&["b.example"]).unwrap_err();

    assert_eq!(world.ca.calls(), 1);
    assert_eq!(first.retry(), Retry::After(HOURS));
    assert_eq!(second.kind(), ErrorKind::Busy);
    assert!(matches!(second.retry(), Retry::After(left) if left <= Duration::from_secs(2)), "{second:?}");
    assert!(second.to_string().contains("too many new orders"), "{second}");
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(world.order(&["a.example"]).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(world.ca.calls(), 2);
}

#[test]
fn a_pause_outlives_the_process_and_reaches_others() {
    let world = World::new();
    let other = world.restarted();
    assert!(run(&world.clock, other.pace.permit(Sending::Directory)).is_ok());
    world.ca.answer(Error::new(ErrorKind::Busy, "503").with_retry(Retry::After(HOURS)), HOURS);
    let _ = world.order(&["a.example"]);

    let restarted = world.restarted();

    for sending in [Sending::Directory, Sending::Registration, Sending::RenewalInfo, Sending::Revocation] {
        let refused = run(&world.clock, restarted.pace.permit(sending)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Busy, "{sending:?}");
    }
    assert_eq!(restarted.order(&["b.example"]).unwrap_err().kind(), ErrorKind::Busy);
    world.clock.advance(Duration::from_secs(11));
    assert!(
        run(&world.clock, other.pace.permit(Sending::Directory)).is_err(),
        "a process that read before must look again"
    );
    assert_eq!(world.ca.calls(), 1);
}

#[test]
fn who_says_so_stores_longer_pauses_alone() {
    let (clock, store) = (VirtualClock::new(), Arc::new(DurableStore::new()));
    let open = || {
        let store: Arc<dyn Store> = Arc::<DurableStore>::clone(&store);
        Pace::kept_in(store, "pauses", &account(), Arc::new(clock.clone())).unwrap().storing_from(2 * MINUTE)
    };
    for (pause, outlives) in [(MINUTE, false), (2 * MINUTE, true)] {
        let pace = open();
        let error = Error::new(ErrorKind::Busy, "503").with_retry(Retry::After(pause));
        run(&clock, pace.note(Sending::Directory, &error));
        assert!(run(&clock, pace.permit(Sending::Directory)).is_err(), "this process keeps to it");
        assert_eq!(run(&clock, open().permit(Sending::Directory)).is_err(), outlives, "{pause:?}");
        clock.advance(pause + MINUTE);
    }
}

#[test]
fn an_account_makes_as_many_orders_as_it_is_allowed_and_then_one_at_a_time() {
    let world = World::new();
    let allowance = Allowance { orders: 300, within: HOURS };
    let made = (0..100).map(|_| Made { account: account(), at: world.clock.now() });
    let directory = Url::parse(directories::LETS_ENCRYPT.url).unwrap();
    let pace = Pace::in_memory(Arc::new(world.clock.clone())).knowing(&directory);
    pace.spent(made);
    let (account, other) = (account(), Url::parse("https://ca.test/acct/2").unwrap());
    let call = Call::NewOrder(order(&["a.example"]));
    let ordering = |account: &Url| run(&world.clock, pace.guard(Sending::Call(account, &call), async { Ok(()) }));

    for _ in 100..300 {
        ordering(&account).unwrap();
    }
    let refused = ordering(&account).unwrap_err();
    assert_eq!((refused.kind(), refused.retry()), (ErrorKind::Busy, Retry::After(Duration::from_secs(36))));
    assert!(refused.to_string().contains("300 new orders in 180 minutes"), "{refused}");
    ordering(&other).unwrap();

    let mut renewal = order(&["a.example"]);
    renewal.replaces = Some(CertificateId::from_parts(&[1], &[2]));
    let renewal = Call::NewOrder(renewal);
    for exempt in [Sending::Call(&account, &renewal), Sending::Directory, Sending::RenewalInfo] {
        run(&world.clock, pace.permit(exempt)).unwrap();
    }

    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(36));
        ordering(&account).unwrap();
        assert!(ordering(&account).is_err());
    }
    world.clock.advance(HOURS);
    assert_eq!((0..1000).take_while(|_| ordering(&account).is_ok()).count(), 300, "the bucket is full again");
    assert_eq!(allowance.share(7).orders, 42);
    assert_eq!(allowance.share(0), allowance);
    assert_eq!(allowance.share(1000).orders, 1);
}

#[test]
fn a_pause_concerns_whom_the_server_means() {
    let account = account();
    let order = Call::NewOrder(order(&["a.example.com", "b.example.org"]));
    let renewal = {
        let mut renewal = self::order(&["a.example.com"]);
        renewal.replaces = Some(CertificateId::from_parts(&[1], &[2]));
        Call::NewOrder(renewal)
    };
    let read = Call::ReadOrder(account.clone());
    let blame = |call: &Call, said: &str| Sending::Call(&account, call).blame(&pausing(rate_limited(said), HOURS));
    let name = |name: &str| Scope::Name { account: account.clone(), name: name.parse().unwrap() };

    assert_eq!(
        blame(&order, "too many new orders (300) from this account in the last 3h0m0s"),
        [Scope::Orders(account.clone())]
    );
    assert_eq!(
        blame(&order, "too many certificates (50) already issued for \"example.org\" in the last 168h0m0s"),
        [Scope::Domain("example.org".to_owned())]
    );
    assert_eq!(
        blame(&order, "too many failed authorizations (5) for \"a.example.com\" in the last 1h0m0s"),
        [name("a.example.com")]
    );
    assert_eq!(blame(&order, "too many failed authorizations"), [name("a.example.com"), name("b.example.org")]);
    assert!(matches!(
        blame(&order, "too many certificates (5) already issued for this exact set of identifiers")[..],
        [Scope::Set(_)]
    ));
    assert_eq!(blame(&renewal, "whatever"), [Scope::Renewals(account.clone())]);
    assert_eq!(blame(&read, "whatever"), [Scope::Account(account.clone())]);
    let by_gateway = pausing(Error::new(ErrorKind::Busy, "429 with a page"), HOURS);
    assert_eq!(Sending::Call(&account, &read).blame(&by_gateway), [Scope::Address]);
    assert_eq!(Sending::Registration.blame(&pausing(rate_limited("x"), HOURS)), [Scope::Registrations]);
    assert_eq!(Sending::Directory.blame(&rate_limited("no time")), []);
    assert_eq!(Sending::Directory.blame(&Error::new(ErrorKind::Refused, "no").with_retry(Retry::After(HOURS))), []);
}

#[test]
fn what_a_pause_does_not_concern_goes_on() {
    let world = World::new();
    let said = "too many certificates (50) already issued for \"example.org\"";
    world.ca.answer(rate_limited(said), HOURS);
    let _ = world.order(&["a.example.org"]);

    assert_eq!(world.order(&["*.b.example.org"]).unwrap_err().kind(), ErrorKind::Busy);
    assert_eq!(world.ca.calls(), 1);
    assert_eq!(world.order(&["a.example.com"]).unwrap_err().kind(), ErrorKind::NotFound);
    let read = run(&world.clock, world.client().call(&Call::ReadOrder(account())));
    assert_eq!(read.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(world.ca.calls(), 3);
}

#[test]
fn ended_pauses_are_dropped_and_there_is_a_most() {
    let world = World::new();
    let note = |name: &str, pause| {
        let call = Call::NewOrder(order(&[name]));
        let error = pausing(rate_limited("too many failed authorizations"), pause);
        run(&world.clock, world.pace.note(Sending::Call(&account(), &call), &error));
    };
    for number in 0..440_u64 {
        note(&format!("n{number}.example"), HOURS + Duration::from_secs(number));
    }

    let kept = world.pace.embargoes();
    let stored = world.store.bytes(&world.store.keys()[0]).unwrap().len();

    assert_eq!(kept.len(), 400);
    assert!(kept.iter().all(|it| it.until >= world.clock.now() + HOURS + Duration::from_secs(40)));
    assert!(stored < acme_core::limits::STORE_VALUE / 2, "{stored}");
    world.clock.advance(HOURS * 2);
    note("last.example", HOURS);
    assert_eq!(world.restarted().store.keys().len(), 1);
    assert_eq!(world.pace.embargoes().len(), 1);
}

#[test]
fn many_processes_lose_no_pause() {
    let world = World::new();
    let runtime = testkit::Runtime::new(&world.clock);
    let tasks: Vec<_> = (0..12_u64)
        .map(|number| {
            let pace = world.restarted().pace;
            runtime.spawn(async move {
                let call = Call::NewOrder(order(&[&format!("n{number}.example")]));
                let error = pausing(rate_limited("too many failed authorizations"), HOURS);
                pace.note(Sending::Call(&account(), &call), &error).await;
            })
        })
        .collect();
    runtime.run(async {
        for task in tasks {
            task.await;
        }
    });

    let restarted = world.restarted();

    run(&world.clock, restarted.pace.permit(Sending::Directory)).unwrap();
    assert_eq!(restarted.pace.embargoes().len(), 12);
}

#[test]
fn registered_domains_follow_the_public_suffix_list() {
    for (name, domain) in [
        ("*.shop.example.co.uk", "example.co.uk"),
        ("example.com", "example.com"),
        ("a.b.github.io", "b.github.io"),
        ("com", "com"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
    ] {
        let identifier: Identifier = name.parse().unwrap();
        assert_eq!(registered_domain(&identifier), domain);
    }
}

struct World {
    clock: VirtualClock,
    store: DurableStore,
    pace: Arc<Pace>,
    ca: Arc<Ca>,
}

impl World {
    fn new() -> Self {
        Self::with(VirtualClock::new(), DurableStore::new(), Arc::default())
    }

    fn with(clock: VirtualClock, store: DurableStore, ca: Arc<Ca>) -> Self {
        let kept: Arc<dyn Store> = Arc::new(store.clone());
        let directory = Url::parse("https://ca.example/dir").unwrap();
        let pace = Pace::kept_in(kept, "acme/pauses", &directory, Arc::new(clock.clone())).unwrap();
        Self { clock, store, pace: Arc::new(pace), ca }
    }

    /// Another process with the same store.
    fn restarted(&self) -> Self {
        Self::with(self.clock.clone(), self.store.clone(), Arc::clone(&self.ca))
    }

    fn client(&self) -> Paced<Account> {
        Paced::new(Account(account(), Arc::clone(&self.ca)), Arc::clone(&self.pace))
    }

    fn order(&self, names: &[&str]) -> Result<Reply, Error> {
        run(&self.clock, self.client().call(&Call::NewOrder(order(names))))
    }
}

fn order(names: &[&str]) -> NewOrder {
    NewOrder::new(names.iter().map(|name| name.parse().unwrap()))
}

fn account() -> Url {
    Url::parse("https://ca.example/account/1").unwrap()
}

fn rate_limited(said: &str) -> Error {
    Error::new(ErrorKind::Busy, "making an order")
        .with_problem(Problem::new(ProblemType::RateLimited, said).with_status(429))
}

fn pausing(error: Error, pause: Duration) -> Error {
    error.with_retry(Retry::After(pause))
}

/// Counts the calls that arrive; answers the next one as told, others with 404.
#[derive(Default)]
struct Ca {
    calls: AtomicUsize,
    next: Mutex<Option<Error>>,
}

impl Ca {
    fn answer(&self, error: Error, pause: Duration) {
        *self.next.lock().unwrap() = Some(pausing(error, pause));
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

struct Account(Url, Arc<Ca>);

#[async_trait]
impl Client for Account {
    async fn call(&self, _: &Call) -> Result<Reply, Error> {
        self.1.calls.fetch_add(1, Ordering::SeqCst);
        let told = self.1.next.lock().unwrap().take();
        Err(told.unwrap_or_else(|| Error::new(ErrorKind::NotFound, "no such thing")))
    }

    fn account(&self) -> &Url {
        &self.0
    }

    fn thumbprint(&self) -> &str {
        "thumbprint"
    }
}
