//! Runs futures on virtual time: when all of them wait, time jumps to the earliest sleeper.

use std::collections::{BTreeMap, VecDeque};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use acme_core::Clock as _;

use crate::VirtualClock;
use crate::sync::lock;

/// Runs `main` to its end on `clock`, without threads and without real waiting.
///
/// # Panics
/// When `main` waits and nobody sleeps (a deadlock), or when it is polled a million times without time passing (a hot loop).
pub fn run<F: Future>(clock: &VirtualClock, main: F) -> F::Output {
    Runtime::new(clock).run(main)
}

/// A single-threaded, deterministic executor on virtual time.
///
/// Use [`run`] when one future is enough. Copies share their tasks, so a copy inside a future can [`spawn`](Self::spawn).
/// Dropping every copy drops every task, unfinished ones too.
#[derive(Clone)]
pub struct Runtime {
    clock: VirtualClock,
    tasks: Arc<Mutex<Tasks>>,
    ready: Arc<Ready>,
}

#[derive(Default)]
struct Tasks {
    waiting: BTreeMap<u64, Pin<Box<dyn Future<Output = ()> + Send>>>,
    next: u64,
}

#[derive(Default)]
struct Ready(Mutex<VecDeque<u64>>);

impl Runtime {
    /// An executor without tasks.
    pub fn new(clock: &VirtualClock) -> Self {
        Self { clock: clock.clone(), tasks: Arc::default(), ready: Arc::default() }
    }

    /// Starts `future` beside the main one; it runs whenever [`run`](Self::run) runs. Await the [`Task`] for its answer, or drop it to let it go on alone.
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let outcome = Arc::new(Mutex::new(Outcome { answer: None, waiter: None }));
        let shared = Arc::clone(&outcome);
        let id = {
            let mut tasks = lock(&self.tasks);
            tasks.next += 1;
            let id = tasks.next;
            tasks.waiting.insert(
                id,
                Box::pin(async move {
                    let answer = future.await;
                    let waiter = {
                        let mut outcome = lock(&shared);
                        outcome.answer = Some(answer);
                        outcome.waiter.take()
                    };
                    if let Some(waiter) = waiter {
                        waiter.wake();
                    }
                }),
            );
            id
        };
        lock(&self.ready.0).push_back(id);
        Task(outcome)
    }

    /// Runs `main` to its end, and the spawned tasks as far as they come meanwhile.
    ///
    /// # Panics
    /// As [`run`].
    pub fn run<F: Future>(&self, main: F) -> F::Output {
        match self.run_while(main, || true) {
            Some(answer) => answer,
            None => unreachable!("nothing ends it but its answer"),
        }
    }

    /// Runs `main` to its end, or until `alive` says no (asked after every poll); then it and every spawned task are dropped in the middle and the answer is `None`.
    ///
    /// # Panics
    /// As [`run`].
    pub fn run_while<F: Future>(&self, main: F, alive: impl Fn() -> bool) -> Option<F::Output> {
        let mut main = pin!(main);
        lock(&self.ready.0).push_back(MAIN);
        let mut polls = 0_u32;
        let mut since = self.clock.now();
        while alive() {
            let Some(id) = self.next_ready() else {
                assert!(
                    self.clock.advance_to_next_sleeper().is_some(),
                    "deadlock at {}: every task waits, nobody sleeps",
                    self.clock.now()
                );
                continue;
            };
            if since == self.clock.now() {
                polls += 1;
                assert!(polls < HOT_LOOP, "hot loop at {since}: {polls} polls without time passing");
            } else {
                since = self.clock.now();
                polls = 0;
            }
            if id == MAIN {
                let waker = self.waker(MAIN);
                if let Poll::Ready(answer) = main.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Some(answer);
                }
            } else {
                self.poll_task(id);
            }
        }
        let abandoned = std::mem::take(&mut lock(&self.tasks).waiting);
        drop(abandoned);
        None
    }

    /// How many spawned tasks have not finished.
    pub fn unfinished(&self) -> usize {
        lock(&self.tasks).waiting.len()
    }

    fn next_ready(&self) -> Option<u64> {
        lock(&self.ready.0).pop_front()
    }

    fn poll_task(&self, id: u64) {
        let Some(mut task) = lock(&self.tasks).waiting.remove(&id) else {
            return;
        };
        let waker = self.waker(id);
        if task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            lock(&self.tasks).waiting.insert(id, task);
        }
    }

    fn waker(&self, id: u64) -> Waker {
        Waker::from(Arc::new(TaskWaker { id, spent: AtomicBool::new(false), ready: Arc::clone(&self.ready) }))
    }
}

/// A spawned future's answer to come.
pub struct Task<T>(Arc<Mutex<Outcome<T>>>);

struct Outcome<T> {
    answer: Option<T>,
    waiter: Option<Waker>,
}

impl<T> Future for Task<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut outcome = lock(&self.0);
        match outcome.answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => {
                outcome.waiter = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<T> Task<T> {
    /// The answer, if the task has finished and nobody has taken it.
    pub fn take(&self) -> Option<T> {
        lock(&self.0).answer.take()
    }
}

struct TaskWaker {
    id: u64,
    spent: AtomicBool,
    ready: Arc<Ready>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.spent.swap(true, Ordering::AcqRel) {
            lock(&self.ready.0).push_back(self.id);
        }
    }
}

const MAIN: u64 = 0;
const HOT_LOOP: u32 = 1_000_000;
