//! Credentials that end, are renewed, and are refused.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acme_core::{Clock as _, Timestamp};
use async_trait::async_trait;
use certwright_solvers::credentials::{CredentialSource, Fetch, Fetched, Fixed, Refreshing};
use certwright_solvers::{Error, ErrorKind};
use futures_util::future::join_all;
use testkit::{Runtime, VirtualClock, run};

#[test]
fn what_was_fetched_is_kept_until_three_quarters_of_its_life_are_over() {
    let world = World::new([lasting("first", 1000), lasting("second", 1000)]);

    assert_eq!(world.after(0), Ok("first"));
    assert_eq!(world.after(749), Ok("first"));
    assert_eq!(world.fetches(), 1);
    assert_eq!(world.after(1), Ok("second"));
    assert_eq!(world.fetches(), 2);
}

#[test]
fn a_long_lived_one_is_renewed_ten_minutes_before_its_end() {
    let world = World::new([lasting("first", 21_600), lasting("second", 21_600)]);

    assert_eq!(world.after(0), Ok("first"));
    assert_eq!(world.after(20_999), Ok("first"));
    assert_eq!(world.after(1), Ok("second"));
}

#[test]
fn the_old_one_is_used_while_the_renewal_fails() {
    let world = World::new([lasting("first", 1000), failing(), failing(), lasting("second", 1000)]);

    assert_eq!(world.after(0), Ok("first"));
    assert_eq!(world.after(750), Ok("first"));
    assert_eq!(world.after(30), Ok("first"));
    assert_eq!(world.fetches(), 2, "a failed renewal is tried once a minute");
    assert_eq!(world.after(31), Ok("first"));
    assert_eq!(world.fetches(), 3);
    assert_eq!(world.after(61), Ok("second"));
}

#[test]
fn what_has_ended_is_an_error_and_never_an_answer() {
    let world = World::new([lasting("first", 1000), failing(), lasting("second", 1000)]);

    assert_eq!(world.after(0), Ok("first"));
    assert_eq!(world.after(1000), Err(ErrorKind::Unreachable));
    assert_eq!(world.after(2), Ok("second"));
}

#[test]
fn one_that_has_ended_when_it_comes_is_refused() {
    let world = World::new([lasting("stale", 0)]);

    assert_eq!(world.after(0), Err(ErrorKind::Unauthorized));
}

#[test]
fn one_that_was_rejected_is_fetched_anew_even_when_that_fails() {
    let world = World::new([endless("first"), failing(), endless("second")]);

    assert_eq!(world.after(0), Ok("first"));
    world.source.rejected();
    assert_eq!(world.after(0), Err(ErrorKind::Unreachable));
    assert_eq!(world.after(2), Ok("second"));
    assert_eq!(world.after(100_000_000), Ok("second"));
    assert_eq!(world.fetches(), 3);
}

#[test]
fn callers_at_the_same_time_share_one_fetch() {
    for outcome in [endless("shared"), failing()] {
        let world = World::new([outcome]);
        let callers = (0..50).map(|_| world.source.credential(world.clock.now()));

        let answers = run(&world.clock, join_all(callers));

        assert_eq!(answers.len(), 50);
        assert!(answers.iter().all(|it| it.is_ok() == answers[0].is_ok()));
        assert_eq!(world.fetches(), 1);
    }
}

#[test]
fn a_caller_that_gives_up_leaves_the_fetch_to_the_next() {
    let world = World::new([endless("lost"), endless("second")]);
    let runtime = Runtime::new(&world.clock);
    let (source, now) = (Arc::clone(&world.source), world.clock.now());

    let answer = runtime.run(async {
        let given_up = source.credential(now);
        let impatient = futures_util::future::select(given_up, Box::pin(world.clock.sleep(Duration::from_millis(1))));
        drop(impatient.await);
        source.credential(now).await.unwrap()
    });

    assert_eq!(*answer, "second");
}

#[test]
fn while_it_is_renewed_the_old_one_is_answered_at_once() {
    let world = World::new([lasting("first", 1000), lasting("second", 1000)]);
    assert_eq!(world.after(0), Ok("first"));
    world.clock.advance(Duration::from_secs(800));
    let now = world.clock.now();

    let answers = run(&world.clock, join_all([world.source.credential(now), world.source.credential(now)]));

    let answers: Vec<_> = answers.into_iter().map(|it| *it.unwrap()).collect();
    assert_eq!(answers, ["second", "first"]);
}

#[test]
fn a_fixed_one_is_answered_until_another_is_set() {
    let clock = VirtualClock::new();
    let fixed = Fixed::new("first");
    let copy = fixed.clone();

    assert_eq!(*run(&clock, fixed.credential(clock.now())).unwrap(), "first");
    copy.set("second");
    fixed.rejected();
    assert_eq!(*run(&clock, fixed.credential(clock.now())).unwrap(), "second");
    assert_eq!(format!("{fixed:?}"), "Fixed(..)");
}

struct World {
    clock: VirtualClock,
    source: Arc<Refreshing<&'static str, Script>>,
}

/// What each fetch answers, in order; each takes ten milliseconds.
struct Script {
    clock: VirtualClock,
    left: Mutex<VecDeque<Outcome>>,
    begun: Mutex<usize>,
}

type Outcome = Result<(&'static str, Option<u64>), ErrorKind>;

fn lasting(name: &'static str, seconds: u64) -> Outcome {
    Ok((name, Some(seconds)))
}

fn endless(name: &'static str) -> Outcome {
    Ok((name, None))
}

fn failing() -> Outcome {
    Err(ErrorKind::Unreachable)
}

impl World {
    fn new(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let clock = VirtualClock::new();
        let left = Mutex::new(outcomes.into_iter().collect());
        let script = Script { clock: clock.clone(), left, begun: Mutex::new(0) };
        Self { clock, source: Arc::new(Refreshing::new(script)) }
    }

    /// What is answered when so many seconds have passed.
    fn after(&self, seconds: u64) -> Result<&'static str, ErrorKind> {
        self.clock.advance(Duration::from_secs(seconds));
        let now = self.clock.now();
        let answer = run(&self.clock, self.source.credential(now));
        self.clock.set(now);
        answer.map(|it| *it).map_err(|error| error.kind())
    }

    fn fetches(&self) -> usize {
        *self.source.source().begun.lock().unwrap()
    }
}

#[async_trait]
impl Fetch<&'static str> for Script {
    async fn fetch(&self, now: Timestamp) -> Result<Fetched<&'static str>, Error> {
        *self.begun.lock().unwrap() += 1;
        let outcome = self.left.lock().unwrap().pop_front().unwrap();
        self.clock.sleep(Duration::from_millis(10)).await;
        let (credential, lasts) = outcome.map_err(|kind| Error::new(kind, "the script says no"))?;
        Ok(Fetched::new(credential, lasts.map(|it| now + Duration::from_secs(it))))
    }
}
