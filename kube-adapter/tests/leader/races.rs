//! Whole candidates on virtual time: who leads when, and who never does at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use acme_core::{Clock, Timestamp};
use async_trait::async_trait;
use certwright_kube_adapter::leader::{Elector, Leadership, Record, Standing, Timing};
use issuers::Timer;
use testkit::{Runtime, Task, VirtualClock};
use tokio::sync::oneshot;

use crate::memory_lease::MemoryLease;

#[test]
fn a_candidate_alone_leads_and_writes_once_in_ten_seconds() {
    let world = World::new();
    let us = world.candidate("us", Timing::STEADY);
    world.run(seconds(105));
    assert!(us.leads.good_for(Duration::from_secs(10)));
    assert_eq!(world.lease.writes(), 10 + 1, "the first, and one in ten seconds");
    let record = world.lease.record().unwrap();
    assert_eq!((record.holder.as_deref(), record.duration, record.transitions), (Some("us"), seconds(30), 0));
}

#[test]
fn a_leader_may_always_begin_what_is_no_longer_than_its_mode_allows() {
    for timing in [Timing::STEADY, Timing::FAST] {
        let world = World::new();
        let us = world.candidate("us", timing);
        world.run(Duration::from_millis(100));
        for _ in 0..2_000 {
            world.run(Duration::from_millis(100));
            assert!(us.leads.good_for(timing.longest_act()));
        }
    }
}

#[test]
fn a_lease_that_is_given_back_moves_in_less_than_a_second() {
    let world = World::new();
    let old = world.candidate("old", Timing::STEADY);
    world.run(seconds(5));
    let new = world.candidate("new", Timing::STEADY);
    world.run(seconds(5));
    assert!(old.leads.leads() && !new.leads.leads());
    assert_eq!(new.leads.standing(), Standing::Waiting { holder: Some("old".to_owned()) });

    old.stop();
    let waited = world.until(&new);
    assert!(waited < seconds(1), "{waited:?}");
    assert!(!old.leads.leads());
}

#[test]
fn a_killed_leader_is_followed_within_the_times_of_its_mode() {
    for (timing, within) in [(Timing::STEADY, seconds(31)), (Timing::FAST, seconds(5))] {
        let world = World::new();
        let old = world.candidate("old", timing);
        world.run(seconds(20));
        let new = world.candidate("new", timing);
        world.run(seconds(20));
        old.kill();
        let waited = world.until(&new);
        assert!(waited <= within, "{waited:?}");
        assert!(!old.leads.leads());
        assert_eq!(world.lease.record().unwrap().transitions, 1);
    }
}

#[test]
fn a_killed_container_of_the_same_pod_leads_again_at_once() {
    let world = World::new();
    let first = world.candidate("pod", Timing::STEADY);
    world.run(seconds(12));
    first.kill();
    let second = world.candidate("pod", Timing::STEADY);
    assert_eq!(world.until(&second), Duration::ZERO);
    assert_eq!(world.lease.record().unwrap().transitions, 0);
}

#[test]
fn a_frozen_leader_is_silent_when_it_thaws() {
    for frozen_at_millis in (0..12_000).step_by(97) {
        let world = World::new();
        let old = world.candidate("old", Timing::STEADY);
        world.run(Duration::from_millis(frozen_at_millis));
        let new = world.candidate("new", Timing::STEADY);
        world.run(seconds(1));
        old.freeze();
        world.run(seconds(60));
        assert!(new.leads.leads(), "frozen at {frozen_at_millis} ms");
        assert!(!old.leads.leads(), "its own clock went on");
        old.thaw();
        world.run(seconds(60));
        assert!(new.leads.leads() && !old.leads.leads());
        assert_eq!(world.lease.record().unwrap().holder.as_deref(), Some("new"));
    }
}

#[test]
fn never_do_two_lead() {
    let world = World::new();
    let pair = [world.candidate("a", Timing::FAST), world.candidate("b", Timing::FAST)];
    let mut changes = 0;
    let mut last = None;
    for round in 0..400_u32 {
        let one = &pair[usize::from(round % 2 == 0)];
        match round % 7 {
            0 => one.freeze(),
            2 => pair.iter().for_each(Candidate::thaw),
            3 => world.lease.lose_next_answer(),
            4 => world.lease.go_away(),
            6 => world.lease.come_back(),
            _ => {}
        }
        for _ in 0..40 {
            world.run(Duration::from_millis(50));
            let leading: Vec<_> = pair.iter().filter(|it| it.leads.leads()).map(|it| it.name).collect();
            assert!(leading.len() < 2, "round {round}: {leading:?}");
            if !leading.is_empty() && leading != *last.get_or_insert_with(Vec::new) {
                changes += 1;
                last = Some(leading);
            }
        }
    }
    assert!(changes > 20, "the test is worth something only where leadership moves: {changes}");
}

#[test]
fn cert_managers_own_lease_is_respected_for_its_minute() {
    let world = World::new();
    let theirs = |renewed| Record {
        holder: Some("cert-manager-7d5f_3c0e".to_owned()),
        duration: seconds(60),
        acquired: Some(Timestamp::EPOCH),
        renewed: Some(renewed),
        transitions: 12,
    };
    world.lease.put(theirs(Timestamp::EPOCH));
    let us = world.candidate("us", Timing::STEADY);
    for _ in 0..20 {
        world.run(seconds(15));
        assert!(!us.leads.leads());
        world.lease.put(theirs(world.clock.now()));
    }
    let waited = world.until(&us);
    assert!(waited >= seconds(60) && waited < seconds(62), "{waited:?}");
    assert_eq!(world.lease.record().unwrap().transitions, 13);
}

#[test]
fn leadership_ends_before_anybody_may_follow_and_comes_back_by_itself() {
    let world = World::new();
    let us = world.candidate("us", Timing::STEADY);
    world.run(seconds(15));
    world.lease.go_away();
    world.run(seconds(20));
    assert!(us.leads.leads());
    assert!(!us.leads.good_for(seconds(10)), "a call that may take longer than the lease lasts is not begun");
    world.run(seconds(10));
    assert!(!us.leads.leads());
    assert_eq!(us.leads.standing(), Standing::Waiting { holder: Some("us".to_owned()) });
    world.lease.come_back();
    let waited = world.until(&us);
    assert!(waited <= Timing::STEADY.retry + Timing::STEADY.call, "{waited:?}");
}

#[test]
fn a_renewal_whose_answer_is_lost_costs_nothing() {
    let world = World::new();
    let us = world.candidate("us", Timing::STEADY);
    world.run(seconds(5));
    world.lease.lose_next_answer();
    for _ in 0..60 {
        world.run(seconds(1));
        assert!(us.leads.leads());
    }
}

#[test]
fn a_lease_that_somebody_deleted_is_made_again() {
    let world = World::new();
    let us = world.candidate("us", Timing::STEADY);
    world.run(seconds(5));
    world.lease.delete();
    world.run(seconds(10));
    assert!(us.leads.leads());
}

#[test]
fn resigning_from_a_silent_server_ends_all_the_same() {
    let world = World::new();
    let us = world.candidate("us", Timing::STEADY);
    world.run(seconds(5));
    world.lease.go_away();
    us.stop();
    world.run(seconds(30));
    assert!(us.task.take().is_some(), "the elector is still running");
}

/// Virtual time, one Lease, and who stands for it.
struct World {
    clock: VirtualClock,
    runtime: Runtime,
    lease: MemoryLease,
}

struct Candidate {
    name: &'static str,
    leads: Leadership,
    /// While set, its timer does not wake it: a process that the system stopped.
    frozen: Arc<AtomicBool>,
    stop: std::cell::Cell<Option<oneshot::Sender<()>>>,
    task: Task<()>,
}

impl World {
    fn new() -> Self {
        let clock = VirtualClock::new();
        Self { runtime: Runtime::new(&clock), lease: MemoryLease::absent(&clock), clock }
    }

    fn candidate(&self, name: &'static str, timing: Timing) -> Candidate {
        let frozen = Arc::new(AtomicBool::new(false));
        let timer = FreezableTimer { clock: self.clock.clone(), frozen: Arc::clone(&frozen) };
        let (elector, leads) = Elector::new(name, timing, Arc::new(self.lease.clone()), Arc::new(timer));
        let (stop, stopped) = oneshot::channel();
        let task = self.runtime.spawn(elector.run(async { _ = stopped.await }));
        Candidate { name, leads, frozen, stop: std::cell::Cell::new(Some(stop)), task }
    }

    fn run(&self, span: Duration) {
        self.runtime.run(self.clock.sleep(span));
    }

    /// How long until it leads.
    fn until(&self, candidate: &Candidate) -> Duration {
        let start = self.clock.now();
        let mut leads = candidate.leads.clone();
        self.runtime.run(async move { leads.led().await });
        self.clock.now().since(start)
    }
}

impl Candidate {
    fn stop(&self) {
        drop(self.stop.take());
    }

    fn freeze(&self) {
        self.frozen.store(true, Ordering::SeqCst);
    }

    fn thaw(&self) {
        self.frozen.store(false, Ordering::SeqCst);
    }

    /// It never runs again, and nothing is given back.
    fn kill(&self) {
        self.freeze();
    }
}

/// Tells virtual time; while it is frozen, nobody who sleeps on it wakes up.
struct FreezableTimer {
    clock: VirtualClock,
    frozen: Arc<AtomicBool>,
}

impl Clock for FreezableTimer {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

#[async_trait]
impl Timer for FreezableTimer {
    async fn sleep_until(&self, at: Timestamp) {
        self.clock.sleep_until(at).await;
        while self.frozen.load(Ordering::SeqCst) {
            self.clock.sleep(Duration::from_millis(10)).await;
        }
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
