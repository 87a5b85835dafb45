//! The one loop: take in what changed, ask who is next, start what they want, fold in the answers. Nothing else waits.

mod guard;
mod timers;
mod under_way;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use acme_core::Timestamp;
use acme_core::flow::Next;
use futures_util::FutureExt as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::certificate::{self, Certificates};
use crate::context::Context;
use crate::http01::sweep::Sweeps;
use crate::issuer::Issuers;
use crate::key::{Key, Kind};
use crate::leader::Leadership;
use crate::metrics::{Inspected, Survey};
use crate::order::Orders;
use crate::queue::Queue;
use crate::request::Requests;
use crate::subject::Subject;
use crate::world::{Change, World};

use guard::Guard;
use timers::Timers;
use under_way::UnderWay;

/// The loop and all that it remembers.
pub(crate) struct Reconcile {
    world: World,
    context: Arc<Context>,
    changes: mpsc::Receiver<Vec<Change>>,
    /// Whether we lead: only then anything is planned.
    leadership: Leadership,
    queue: Queue,
    timers: Timers,
    under_way: UnderWay,
    tasks: JoinSet<Finished>,
    guard: Guard,
    opening: Opening,
    inspected: Inspected,
}

/// An action that ended: whose it was, and how its answer is folded in, where it came to one.
struct Finished {
    key: Key,
    task: u64,
    fold: Option<Fold>,
}

/// Puts an answer into the world.
#[expect(clippy::type_complexity, reason = "this is the name for it")]
struct Fold(Box<dyn FnOnce(&mut World, Timestamp) + Send>);

impl Reconcile {
    pub(crate) fn new(
        mut world: World,
        context: Arc<Context>,
        changes: mpsc::Receiver<Vec<Change>>,
        inspected: Inspected,
    ) -> Self {
        let leadership = context.leadership.clone();
        world.metrics = inspected.metrics.clone();
        Self {
            world,
            context,
            changes,
            leadership,
            queue: Queue::default(),
            timers: Timers::default(),
            under_way: UnderWay::default(),
            tasks: JoinSet::new(),
            guard: Guard::default(),
            opening: Opening::Not,
            inspected,
        }
    }

    /// Runs until the streams of changes end or `stop` says so; then what is owed is written, and what runs is awaited.
    pub(crate) async fn run(&mut self, mut stop: watch::Receiver<bool>) {
        loop {
            self.step_all();
            let timer = Arc::clone(&self.context.timer);
            let wake = self.wake_at();
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                Some(finished) = self.tasks.join_next(), if !self.tasks.is_empty() => self.finish(finished),
                changes = self.changes.recv() => match changes {
                    Some(changes) => self.take(changes),
                    None => break,
                },
                () = self.leadership.changed() => {}
                ask = self.inspected.asked() => {
                    let survey = Survey { world: &self.world, queue: &self.queue, leads: self.leadership.leads() };
                    let text = self.inspected.metrics.render(&survey, ask.series, self.context.now());
                    // Whoever asked may have gone.
                    _ = ask.answer.send(text);
                }
                () = timer.sleep_until(wake.unwrap_or(Timestamp::MAX)), if wake.is_some() => self.ring(),
            }
            self.take_waiting();
        }
        self.close().await;
    }

    /// What ended and what changed meanwhile, as far as it is there already: planned once for all of it.
    fn take_waiting(&mut self) {
        for _ in 0..BATCH {
            match self.changes.try_recv() {
                Ok(changes) => self.take(changes),
                Err(_) => break,
            }
        }
        while let Some(finished) = self.tasks.try_join_next() {
            self.finish(finished);
        }
        self.ring();
    }

    fn take(&mut self, changes: Vec<Change>) {
        let now = self.context.now();
        for change in changes {
            self.world.take(change, now);
        }
        let is_complete = self.world.is_complete();
        self.inspected.set_complete(is_complete);
        // Before that nobody is asked: whoever is woken again and again by the lists is put in line once.
        if is_complete {
            self.enqueue_woken();
        }
    }

    fn finish(&mut self, finished: Result<Finished, tokio::task::JoinError>) {
        match finished {
            Ok(Finished { key, task, fold: Some(fold) }) => {
                self.under_way.end(&key, task);
                fold.0(&mut self.world, self.context.now());
                self.world.wake(key);
                self.enqueue_woken();
            }
            // It is not started again: the key rests until this process ends, and the panic is in the log.
            Ok(Finished { key, task, fold: None }) => {
                self.under_way.break_off(&key, task);
                self.inspected.metrics.sync_failed(controller(key.kind));
                tracing::error!(%key, "an action broke off: its object is left alone until a restart");
            }
            // Nobody ends a task from outside, and what breaks off in one is caught there.
            Err(error) => tracing::error!(error = %error, "a task ended without a word"),
        }
    }

    fn ring(&mut self) {
        for key in self.timers.due(self.context.now()) {
            self.enqueue(key);
        }
    }

    fn enqueue_woken(&mut self) {
        for key in self.world.take_woken() {
            self.enqueue(key);
        }
    }

    fn enqueue(&mut self, key: Key) {
        let now = self.context.now();
        let class = match key.kind {
            Kind::Certificate => Certificates::class(&self.world, &key.name, now),
            Kind::CertificateRequest => Requests::class(&self.world, &key.name, now),
            Kind::Issuer | Kind::ClusterIssuer => Issuers::class(&self.world, &key.name, now),
            Kind::Order => Orders::class(&self.world, &key.name, now),
            Kind::SolverService => Sweeps::class(&self.world, &key.name, now),
        };
        self.queue.push(key, class);
    }

    /// Plans for whoever is next, as long as there is room for what they may want.
    fn step_all(&mut self) {
        if !self.leadership.leads() || !self.world.is_complete() {
            self.world.planning_since = None;
            return;
        }
        if self.world.planning_since.is_none() {
            self.world.planning_since = Some(self.context.now());
        }
        if !self.is_open() {
            return;
        }
        while self.under_way.writes() < self.context.api.room().limit(self.context.now()) {
            let Some(key) = self.queue.pop() else { break };
            if self.awaits_write(&key) {
                continue;
            }
            self.inspected.metrics.synced(controller(key.kind));
            match key.kind {
                Kind::Certificate => self.step::<Certificates>(key),
                Kind::CertificateRequest => self.step::<Requests>(key),
                Kind::Issuer | Kind::ClusterIssuer => self.step::<Issuers>(key),
                Kind::Order => self.step::<Orders>(key),
                Kind::SolverService => self.step::<Sweeps>(key),
            }
            self.enqueue_woken();
        }
        self.context.queued(self.queue.len());
        if self.queue.len() == 0 {
            self.queue.shrink();
            self.world.certificate_index.shrink();
        }
    }

    /// Is a Certificate's one write under way? It is planned when that ends, and what is heard before, of its last write as a rule, changes nothing. A key may
    /// take so long to make that people are told.
    fn awaits_write(&self, key: &Key) -> bool {
        match self.under_way.of(key) {
            [running] if key.kind == Kind::Certificate => {
                running.holds_key() && !running.is(&certificate::Action::MakeKey)
            }
            _ => false,
        }
    }

    /// Was every issuer tried once, or long enough? Before that nothing else is begun: what takes four writes with an issuer that is ready takes seven without.
    fn is_open(&mut self) -> bool {
        let now = self.context.now();
        let end = match self.opening {
            Opening::Done => return true,
            Opening::Not => now + self.context.settings.visible_after,
            Opening::Until(end) => end,
        };
        let untried = crate::issuer::untried(&self.world);
        if untried.is_empty() || end.is_due(now) {
            self.opening = Opening::Done;
            return true;
        }
        self.opening = Opening::Until(end);
        for key in untried {
            self.step::<Issuers>(key);
        }
        false
    }

    fn step<S: Subject>(&mut self, key: Key) {
        let now = self.context.now();
        let agenda = match S::next(&self.world, &key.name, now) {
            Next::Done(()) => return self.timers.clear(&key),
            Next::Go(agenda) => agenda,
        };
        self.timers.set(&key, agenda.wake.map(|wake| wake.at));
        if let Some(until) = self.guard.holds(&key, agenda.ready.len(), now) {
            return self.timers.set(&key, Some(until));
        }
        for action in agenda.ready {
            let runs = self.under_way.of(&key).iter().any(|it| it.is(&action));
            if !runs {
                self.start::<S>(&key, action, now);
            }
        }
    }

    fn start<S: Subject>(&mut self, key: &Key, action: S::Action, now: Timestamp) {
        let lane = S::lane(&action);
        tracing::trace!(%key, ?action, "start");
        let future = S::start(&mut self.world, &self.context, &key.name, &action, now);
        let task = self.under_way.begin(key, lane, action.clone());
        let key = key.clone();
        self.tasks.spawn(async move {
            // What it had in hand is dropped with it, and the world is not reached from there.
            let answer = AssertUnwindSafe(future).catch_unwind().await.ok();
            let name = key.name.clone();
            let fold = answer.map(|answer| {
                Fold(Box::new(move |world: &mut World, now| S::fold(world, &name, &action, answer, now)))
            });
            Finished { key, task, fold }
        });
    }

    /// When the loop must look again at the latest.
    fn wake_at(&self) -> Option<Timestamp> {
        let opens = (self.queue.len() > 0)
            .then(|| self.context.api.room().opens_at())
            .filter(|at| !at.is_due(self.context.now()));
        let opening = match self.opening {
            Opening::Until(end) => Some(end),
            Opening::Not | Opening::Done => None,
        };
        self.timers.first().into_iter().chain(opens).chain(opening).min()
    }

    /// Shows what is owed to people, and waits for what runs.
    async fn close(&mut self) {
        self.world.flush();
        self.enqueue_woken();
        let end = self.context.now() + LONGEST_CLOSING;
        loop {
            self.step_all();
            if self.tasks.is_empty() || end.is_due(self.context.now()) {
                break;
            }
            let timer = Arc::clone(&self.context.timer);
            tokio::select! {
                Some(finished) = self.tasks.join_next() => self.finish(finished),
                () = timer.sleep_until(end) => {}
            }
        }
    }
}

/// Whether the issuers that were there at the start were tried.
#[derive(Debug, Clone, Copy)]
enum Opening {
    Not,
    Until(Timestamp),
    Done,
}

/// The controller of cert-manager that looks after a kind, for the metrics.
fn controller(kind: Kind) -> &'static str {
    match kind {
        Kind::Certificate => "certificates-issuing",
        Kind::CertificateRequest => "certificaterequests",
        Kind::Issuer => "issuers",
        Kind::ClusterIssuer => "clusterissuers",
        Kind::Order => "orders",
        Kind::SolverService => "challenges",
    }
}

/// Bundles of changes taken in before planning goes on.
const BATCH: usize = 16;

/// How long what is owed may take at the end.
const LONGEST_CLOSING: Duration = Duration::from_secs(20);
