//! The one loop of a keeper: one timer, one ordered index, no task per certificate.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use acme_core::{Error, Key, Prefix, Retry, Timestamp};
use futures_util::future::{BoxFuture, FutureExt as _, join_all};
use futures_util::stream::{self, FuturesUnordered, StreamExt as _};

use super::attend::{Active, Attended, Next, attend, give_back, look};
use super::events::Happening;
use super::plan::Plan;
use super::roster::index;
use super::schedule::Schedule;
use super::shared::{Command, Shared};
use crate::policy::after_failure;
use crate::spec::FOLDER;

/// The work of a keeper.
pub(super) struct Runner {
    shared: Arc<Shared>,
    schedule: Schedule,
    /// By the numbers of the roster.
    kept: Vec<Option<Kept>>,
    running: FuturesUnordered<BoxFuture<'static, Finished>>,
    /// Due, and waiting for room.
    due: VecDeque<u32>,
    /// What takes room, and until when at the longest: one that hangs or waits long keeps nobody else from going on.
    busy: HashMap<u32, Timestamp>,
    at_once: usize,
    stop: Option<Timestamp>,
}

/// What is remembered of one certificate; the rest is in its record, and in the roster what is served of it.
struct Kept {
    key: Key,
    place: Place,
    panics: u32,
}

/// Where a certificate is.
enum Place {
    /// In the schedule, or in the queue of those due; with the issuance under way, if there is one.
    Scheduled(Option<Box<Active>>),
    /// Worked on.
    Running {
        /// Its record changed meanwhile.
        again: bool,
    },
    /// Waiting for issuing to begin.
    Parked,
}

struct Finished {
    number: u32,
    attended: Option<Attended>,
}

impl Runner {
    /// Reads the store: serves what is in it, and knows what is to be done when.
    pub(super) async fn open(shared: Arc<Shared>, at_once: usize) -> Result<Self, Error> {
        let mut runner = Self {
            shared,
            schedule: Schedule::new(),
            kept: Vec::new(),
            running: FuturesUnordered::new(),
            due: VecDeque::new(),
            busy: HashMap::new(),
            at_once: at_once.max(1),
            stop: None,
        };
        let keys = runner.list().await?;
        let shared = Arc::clone(&runner.shared);
        let mut looks = stream::iter(keys)
            .map(|key| {
                let shared = Arc::clone(&shared);
                let number = shared.roster.enter(&key);
                async move {
                    let looked = look(&shared, &key, number).await;
                    (key, number, looked)
                }
            })
            .buffer_unordered(LOADS);
        while let Some((key, number, looked)) = looks.next().await {
            let at = match looked {
                Ok(Some(looked)) => match looked.plan {
                    Plan::Rest { at, .. } => at,
                    Plan::Issue(_) | Plan::Ask(_) => shared.ground.now(),
                },
                Ok(None) => {
                    shared.roster.leave(&key);
                    continue;
                }
                // The work will say so, and look again.
                Err(_) => shared.ground.now(),
            };
            runner.keep(number, key);
            runner.schedule.set(number, at);
        }
        drop(looks);
        Ok(runner)
    }

    /// Works until it is told to stop.
    pub(super) async fn run(mut self) {
        loop {
            let now = self.shared.ground.now();
            if self.stop.is_none() {
                self.start(now);
            } else if self.running.is_empty() || self.stop.is_some_and(|at| at.is_due(now)) {
                break;
            }
            let wake = self.wake();
            let shared = Arc::clone(&self.shared);
            let timer = Arc::clone(&shared.ground.timer);
            let sleep = async move {
                match wake {
                    Some(at) => timer.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            futures_util::select_biased! {
                command = Box::pin(shared.inbox.receive()).fuse() => self.obey(command),
                finished = self.running.select_next_some() => self.finish(finished),
                () = Box::pin(sleep).fuse() => {}
            }
        }
        self.end().await;
    }

    async fn list(&self) -> Result<Vec<Key>, Error> {
        let below = Prefix::below(FOLDER)?;
        let mut keys: Vec<Key> = Vec::new();
        loop {
            let after = keys.last();
            let page = self.shared.ground.store.list(&below, after).await?;
            let done = !page.more || page.keys.is_empty();
            keys.extend(page.keys);
            if done {
                return Ok(keys);
            }
        }
    }

    /// Starts what is due, as far as there is room. What is under way already needs none.
    fn start(&mut self, now: Timestamp) {
        while let Some(number) = self.schedule.pop_due(now) {
            self.due.push_back(number);
        }
        self.busy.retain(|_, until| !until.is_due(now));
        let mut waiting = VecDeque::new();
        while let Some(number) = self.due.pop_front() {
            let Some(kept) = self.kept.get(index(number)).and_then(Option::as_ref) else {
                continue;
            };
            match &kept.place {
                Place::Scheduled(Some(_)) => self.launch(number),
                Place::Scheduled(None) if self.busy.len() < self.at_once => {
                    self.busy.insert(number, now + PATIENCE);
                    self.launch(number);
                }
                Place::Scheduled(None) => waiting.push_back(number),
                Place::Running { .. } | Place::Parked => {}
            }
        }
        self.due = waiting;
    }

    fn launch(&mut self, number: u32) {
        let shared = Arc::clone(&self.shared);
        let Some(kept) = self.kept_mut(number) else {
            return;
        };
        let Place::Scheduled(active) = std::mem::replace(&mut kept.place, Place::Running { again: false }) else {
            return;
        };
        let key = kept.key.clone();
        let work = async move { attend(&shared, &key, number, active).await };
        let work =
            AssertUnwindSafe(work).catch_unwind().map(move |outcome| Finished { number, attended: outcome.ok() });
        self.running.push(work.boxed());
    }

    fn finish(&mut self, finished: Finished) {
        let now = self.shared.ground.now();
        let number = finished.number;
        let shared = Arc::clone(&self.shared);
        let Some(kept) = self.kept_mut(number) else {
            return;
        };
        let Place::Running { again } = kept.place else {
            return;
        };
        let key = kept.key.clone();
        let Some(Attended { next, active }) = finished.attended else {
            kept.panics = kept.panics.saturating_add(1);
            kept.place = Place::Scheduled(None);
            let text = key.as_str();
            let pause = after_failure::pause(kept.panics - 1, Retry::Backoff, None, text, now);
            self.busy.remove(&number);
            self.schedule.set(number, pause.until);
            shared.clear_waiting(&key);
            shared.outlet.tell(text, Happening::Panicked);
            return;
        };
        kept.panics = 0;
        let under_way = active.is_some();
        kept.place = match next {
            Next::Parked if !again && shared.is_held_back() => Place::Parked,
            Next::At(_) | Next::Gone | Next::Parked => Place::Scheduled(active),
        };
        if !under_way {
            self.busy.remove(&number);
            shared.clear_waiting(&key);
        }
        match next {
            Next::At(at) => self.schedule.set(number, if again { now } else { at }),
            Next::Parked if again || !shared.is_held_back() => self.schedule.set(number, now),
            Next::Parked => {}
            Next::Gone if again => self.schedule.set(number, now),
            Next::Gone => self.forget(number),
        }
    }

    fn obey(&mut self, command: Command) {
        let now = self.shared.ground.now();
        match command {
            Command::Look(key) => {
                let number = self.shared.roster.enter(&key);
                self.keep(number, key);
                self.hurry(number, now);
            }
            Command::Nudge => {
                self.hurry_all(now, |place| matches!(place, Place::Scheduled(Some(_)) | Place::Running { .. }))
            }
            Command::Begin => self.hurry_all(now, |place| matches!(place, Place::Parked)),
            Command::Stop { deadline } => self.stop = Some(deadline),
        }
    }

    fn hurry_all(&mut self, now: Timestamp, which: impl Fn(&Place) -> bool) {
        let chosen: Vec<u32> = (0..)
            .zip(&self.kept)
            .filter(|(_, kept)| kept.as_ref().is_some_and(|kept| which(&kept.place)))
            .map(|(number, _)| number)
            .collect();
        for number in chosen {
            self.hurry(number, now);
        }
    }

    fn hurry(&mut self, number: u32, now: Timestamp) {
        let Some(kept) = self.kept_mut(number) else {
            return;
        };
        match &mut kept.place {
            Place::Running { again } => *again = true,
            Place::Parked => {
                kept.place = Place::Scheduled(None);
                self.schedule.set(number, now);
            }
            // One that is in the queue of those due gets a second place in it; the later one finds it running, or looks once more.
            Place::Scheduled(_) => self.schedule.set(number, now),
        }
    }

    /// Remembers the certificate with this number, unless it does.
    fn keep(&mut self, number: u32, key: Key) {
        let place = index(number);
        if self.kept.len() <= place {
            self.kept.resize_with(place + 1, || None);
        }
        self.kept[place].get_or_insert_with(|| Kept { key, place: Place::Scheduled(None), panics: 0 });
    }

    fn forget(&mut self, number: u32) {
        self.schedule.clear(number);
        if let Some(kept) = self.kept.get_mut(index(number)).and_then(Option::take) {
            self.shared.roster.leave(&kept.key);
        }
    }

    fn kept_mut(&mut self, number: u32) -> Option<&mut Kept> {
        self.kept.get_mut(index(number))?.as_mut()
    }

    /// When the loop must turn again by itself.
    fn wake(&self) -> Option<Timestamp> {
        if self.stop.is_some() {
            return self.stop;
        }
        let room = (!self.due.is_empty()).then(|| self.busy.values().min().copied()).flatten();
        match (self.schedule.next(), room) {
            (Some(next), Some(room)) => Some(next.min(room)),
            (next, room) => next.or(room),
        }
    }

    /// Drops what is not done, and gives back what is claimed: everything can be resumed, here or elsewhere.
    async fn end(mut self) {
        self.running.clear();
        let actives = self.kept.drain(..).flatten().filter_map(|kept| match kept.place {
            Place::Scheduled(active) => active,
            Place::Running { .. } | Place::Parked => None,
        });
        let timer = Arc::clone(&self.shared.ground.timer);
        let end = timer.now() + GIVING_BACK;
        let late = async {
            while !end.is_due(timer.now()) {
                timer.sleep_until(end).await;
            }
        };
        let given_back = join_all(actives.map(give_back));
        futures_util::future::select(Box::pin(given_back), Box::pin(late)).await;
        self.shared.outlet.close();
        self.shared.ended.open();
    }
}

/// Records read side by side at the start.
const LOADS: usize = 64;
/// How long one issuance takes room at most.
const PATIENCE: Duration = Duration::from_secs(60);
/// For giving claims back at the end; they end by themselves otherwise.
const GIVING_BACK: Duration = Duration::from_secs(2);
