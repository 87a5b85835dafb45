//! Virtual time, the scripted transport, the store, DNS as a table, and the kills.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acme_core::{Clock as _, ErrorKind, Expect, Key, Prefix, Secret, Store as _, Transport as _, limits};
use certwright_testkit::crash::{Effects, KillPoint, Moment, MortalStore, Replay, World};
use certwright_testkit::transport::Answer;
use certwright_testkit::{DnsRecord, DurableStore, Runtime, ScriptedTransport, SimDns, VirtualClock};
use futures_util::future::join;
use http::{Method, Request, StatusCode};

#[test]
fn time_jumps_from_sleeper_to_sleeper() {
    let clock = VirtualClock::new();
    let begin = clock.now();
    let hour = Duration::from_secs(3600);
    certwright_testkit::run(&clock, join(clock.sleep(3 * hour), clock.sleep(hour)));
    assert_eq!(clock.now(), begin + 3 * hour);
    assert_eq!(clock.next_sleeper(), None);
}

#[test]
fn spawned_tasks_run_beside_the_main_one() {
    let clock = VirtualClock::new();
    let runtime = Runtime::new(&clock);
    let log = Arc::new(Mutex::new(Vec::new()));
    let (inner, spawner, shared) = (clock.clone(), runtime.clone(), log.clone());
    let answer = runtime.run(async {
        let task = spawner.spawn(async move {
            for second in 0..3 {
                inner.sleep(Duration::from_secs(2)).await;
                shared.lock().unwrap().push(second);
            }
            "done"
        });
        clock.sleep(Duration::from_secs(3)).await;
        log.lock().unwrap().push(100);
        task.await
    });
    assert_eq!(answer, "done");
    assert_eq!(*log.lock().unwrap(), [0, 100, 1, 2]);
    assert_eq!(runtime.unfinished(), 0);
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_deadlock_is_a_panic() {
    certwright_testkit::run(&VirtualClock::new(), std::future::pending::<()>());
}

#[test]
#[should_panic(expected = "hot loop")]
fn a_hot_loop_is_a_panic() {
    let restless = std::future::poll_fn(|context| {
        context.waker().wake_by_ref();
        std::task::Poll::<()>::Pending
    });
    certwright_testkit::run(&VirtualClock::new(), restless);
}

#[test]
fn time_may_jump_back_and_sleepers_stay_asleep() {
    let clock = VirtualClock::new();
    let begin = clock.now();
    let runtime = Runtime::new(&clock);
    let inner = clock.clone();
    let task = runtime.spawn(async move { inner.sleep(Duration::from_secs(10)).await });
    let mover = clock.clone();
    runtime.run(async move {
        mover.sleep(Duration::from_secs(1)).await;
        mover.set(begin - Duration::from_secs(100));
    });
    assert!(task.take().is_none());
    runtime.run(clock.sleep(Duration::from_secs(105)));
    assert!(task.take().is_none());
    runtime.run(clock.sleep(Duration::from_secs(5)));
    assert!(task.take().is_some());
}

#[test]
fn a_script_answers_in_order_and_by_rule_and_remembers() {
    let script = ScriptedTransport::new();
    script.expect(Method::GET, "https://a.example/1", Answer::empty(StatusCode::OK)).expect(
        Method::GET,
        "https://a.example/2",
        Answer::Failure(ErrorKind::Unreachable),
    );
    script.whenever(|request| {
        (request.uri().path() == "/any")
            .then(|| Answer::json(429, &serde_json::json!({})).with_header("retry-after", "5"))
    });
    let clock = VirtualClock::new();
    let send = |url: &str| {
        let request = Request::get(url).body(bytes::Bytes::new()).unwrap();
        certwright_testkit::run(&clock, script.send(request))
    };
    assert_eq!(send("https://a.example/1").unwrap().status(), 200);
    assert_eq!(script.outstanding(), 1);
    let limited = send("https://a.example/any").unwrap();
    assert_eq!(limited.headers()["retry-after"], "5");
    let error = send("https://a.example/2").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    script.assert_finished();
    assert_eq!(script.sent().len(), 3);
}

#[test]
#[should_panic(expected = "unexpected request GET https://a.example/2")]
fn what_no_script_expects_is_a_panic() {
    let script = ScriptedTransport::new();
    let request = Request::get("https://a.example/2").body(bytes::Bytes::new());
    let _ = certwright_testkit::run(&VirtualClock::new(), script.send(request.unwrap()));
}

#[test]
fn the_store_compares_before_it_swaps() {
    let store = DurableStore::new();
    let key = Key::new("a/b").unwrap();
    let put = |text: &str, expect| {
        let value = Secret::new(text.as_bytes().to_vec());
        certwright_testkit::run(&VirtualClock::new(), store.put(&key, value, expect))
    };
    let first = put("one", Expect::Absent).unwrap();
    let lost = put("two", Expect::Absent).unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Conflict);
    let second = put("two", Expect::Version(first.clone())).unwrap();
    assert_ne!(first, second);
    let stale = put("three", Expect::Version(first)).unwrap_err();
    assert_eq!(stale.kind(), ErrorKind::Conflict);
    assert_eq!(store.bytes(&key).unwrap(), b"two");
    let long = put(&"x".repeat(limits::STORE_VALUE + 1), Expect::Anything).unwrap_err();
    assert_eq!(long.kind(), ErrorKind::Unsupported);
    let copy = store.snapshot();
    put("four", Expect::Anything).unwrap();
    assert_eq!(copy.bytes(&key).unwrap(), b"two");
    let clock = VirtualClock::new();
    certwright_testkit::run(&clock, store.delete(&key, Expect::Anything)).unwrap();
    certwright_testkit::run(&clock, store.delete(&key, Expect::Absent)).unwrap();
    assert!(certwright_testkit::run(&clock, store.get(&key)).unwrap().is_none());
}

#[test]
fn listings_are_walked_in_order() {
    let store = DurableStore::new();
    let clock = VirtualClock::new();
    certwright_testkit::run(&clock, async {
        for name in ["b/2", "b/10", "a/1", "b/1", "b/3", "b/4", "c/1", "b/5"] {
            let key = Key::new(name).unwrap();
            let value = Secret::new(Vec::new());
            store.put(&key, value, Expect::Absent).await.unwrap();
        }
        let prefix = Prefix::below("b").unwrap();
        let mut found = Vec::new();
        let mut pages = 0;
        loop {
            let page = store.list(&prefix, found.last()).await.unwrap();
            found.extend(page.keys);
            pages += 1;
            if !page.more {
                break;
            }
        }
        let names: Vec<&str> = found.iter().map(Key::as_str).collect();
        assert_eq!(names, ["b/1", "b/10", "b/2", "b/3", "b/4", "b/5"]);
        assert_eq!(pages, 2);
    });
}

#[test]
fn texts_are_added_and_removed_one_by_one() {
    let dns = SimDns::new();
    dns.add_zone("Example.com.", &["ns1.example.net."]);
    dns.add_zone("sub.example.com", &["ns2.example.net"]);
    assert_eq!(dns.zone_of("a.b.sub.example.com").unwrap(), "sub.example.com");
    assert_eq!(dns.zone_of("www.example.com.").unwrap(), "example.com");
    assert_eq!(dns.zone_of("example.org"), None);
    assert_eq!(dns.name_servers("example.com"), ["ns1.example.net"]);
    for value in ["apex", "wildcard", "apex"] {
        dns.add_txt("_acme-challenge.example.com", value);
    }
    dns.remove_txt("_ACME-challenge.example.com.", "apex");
    dns.remove_txt("_acme-challenge.example.com", "never there");
    assert_eq!(dns.lookup_txt("_acme-challenge.example.com").unwrap(), ["wildcard"]);
    assert_eq!(dns.records("_acme-challenge.example.com"), [DnsRecord::Txt("wildcard".to_owned())]);
    dns.add_cname("a.example.com", "b.example.com");
    dns.add_cname("b.example.com", "a.example.com");
    assert_eq!(dns.lookup_txt("a.example.com"), None);
    dns.remove_txt("_acme-challenge.example.com", "wildcard");
    assert!(dns.names_with_txt().is_empty());
}

#[test]
fn a_kill_before_an_effect_prevents_it_and_a_kill_after_it_does_not() {
    for (moment, happened) in [(Moment::Before, 1), (Moment::After, 2)] {
        let clock = VirtualClock::new();
        let effects = Effects::dying_at(KillPoint::new(1, moment));
        let count = Arc::new(AtomicUsize::new(0));
        let (inner, shared) = (effects.clone(), count.clone());
        let life = async move {
            for name in ["first", "second", "third"] {
                let effect = async { shared.fetch_add(1, Ordering::Relaxed) };
                inner.perform(name, effect).await;
            }
        };
        let ended = Runtime::new(&clock).run_while(life, || !effects.is_dead());
        assert_eq!(ended, None);
        assert_eq!(count.load(Ordering::Relaxed), happened);
        assert_eq!(effects.names(), ["first", "second"]);
    }
}

#[test]
fn replay_tells_every_story_once_and_lets_durable_bytes_live() {
    let summary = Replay::every_effect().and_every_pair().run(Shelf::new, count_to_three, |shelf, _| {
        assert_eq!(shelf.store.bytes(&counter()).unwrap(), [3]);
    });
    assert_eq!(summary.effects, 3);
    // 6 single kills; after a kill before effect n, 3 - n effects are left, after it one fewer.
    assert_eq!(summary.stories, 6 + 2 * (3 + 2 + 2 + 1 + 1));
}

#[test]
#[should_panic(expected = "killed after effect 0 (put counter), then after effect 0 (put counter)")]
fn a_failing_check_is_told_with_its_story() {
    Replay::every_effect().and_every_pair().run(Shelf::new, count_to_three, |_, story| {
        let after = |it: &&certwright_testkit::crash::Kill| it.point.moment == Moment::After;
        assert!(story.kills.iter().filter(after).count() < 2, "enough");
    });
}

struct Shelf {
    clock: VirtualClock,
    store: DurableStore,
}

impl World for Shelf {
    fn clock(&self) -> &VirtualClock {
        &self.clock
    }
}

impl Shelf {
    fn new() -> Self {
        Self { clock: VirtualClock::new(), store: DurableStore::new() }
    }
}

fn counter() -> Key {
    Key::new("counter").unwrap()
}

fn count_to_three(shelf: &Shelf, effects: Effects) -> impl Future<Output = ()> + use<> {
    let store = MortalStore::new(shelf.store.clone(), &effects);
    async move {
        loop {
            let entry = store.get(&counter()).await.unwrap();
            let count = entry.map_or(0, |it| it.value.expose()[0]);
            if count == 3 {
                return;
            }
            let value = Secret::new(vec![count + 1]);
            store.put(&counter(), value, Expect::Anything).await.unwrap();
        }
    }
}
