//! Events: best effort, few, and never in the way of anything.

mod backlog;

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use acme_core::Timestamp;
use issuers::Timer;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::api::{Api, Manager, RefusalKind, Resource, Room};
use crate::key::{Name, Uid};
use crate::metrics::Metrics;
use crate::status::text::lines;

use backlog::Backlog;

/// An Event that is worth a write.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Event {
    /// What it is about.
    pub(crate) regarding: Regarding,
    /// Normal or Warning.
    pub(crate) severity: Severity,
    /// One word, as cert-manager has it.
    pub(crate) reason: Cow<'static, str>,
    /// The text; bounded and printable already.
    pub(crate) note: String,
    /// The controller of cert-manager that would have written it: `cert-manager-<controller name>` is the component.
    pub(crate) controller: &'static str,
}

/// What an Event is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Regarding {
    pub(crate) api_version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) name: Name,
    pub(crate) uid: Uid,
}

/// Normal or Warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Severity {
    Normal,
    Warning,
}

impl Severity {
    /// The `type` of such Events.
    fn name(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// Where Events are handed in. Nothing waits for an Event: where too many wait to be written, some are dropped.
#[derive(Clone)]
pub(crate) struct Events(Arc<Line>);

struct Line {
    timer: Arc<dyn Timer>,
    backlog: Mutex<Backlog>,
    news: Notify,
    /// Whether this process ends: nothing waits any more.
    is_closing: AtomicBool,
    metrics: Metrics,
}

impl Events {
    /// Where nothing was handed in yet. What is dropped is counted in `metrics`.
    pub(crate) fn new(timer: Arc<dyn Timer>, metrics: &Metrics) -> Self {
        Self(Arc::new(Line {
            timer,
            backlog: Mutex::default(),
            news: Notify::new(),
            is_closing: AtomicBool::new(false),
            metrics: metrics.clone(),
        }))
    }

    /// Hands in an Event.
    pub(crate) fn publish(&self, event: Event) {
        let dropped = self.backlog().push(event, self.0.timer.now());
        if let Some(dropped) = dropped {
            self.dropped(&dropped);
        }
        self.0.news.notify_one();
    }

    /// Has everything written that waits, what asks somebody to act first, and [`write`] come to its end then.
    pub(crate) fn close(&self) {
        self.0.is_closing.store(true, Ordering::Relaxed);
        self.0.news.notify_one();
    }

    /// Takes out the next one, where one waits.
    #[cfg(test)]
    pub(crate) fn take(&self) -> Option<Event> {
        self.backlog().pop()
    }

    /// Waits for the next one; `None` is the end. While there is more to write than there is room for, what asks nobody to act waits, but not for ever.
    async fn next(&self, room: &Room) -> Option<Event> {
        let timer = &self.0.timer;
        let mut patience = None;
        loop {
            let now = timer.now();
            self.expire(now);
            if self.is_closing() {
                let mut backlog = self.backlog();
                return backlog.pop_urgent().or_else(|| backlog.pop());
            }
            if self.backlog().is_empty() {
                patience = None;
                self.0.news.notified().await;
                continue;
            }
            let until = *patience.get_or_insert(now + LONGEST_WAIT);
            let may_go = !room.is_crowded() || until.is_due(now);
            let event = if may_go { self.backlog().pop() } else { self.backlog().pop_urgent() };
            if event.is_some() {
                return event;
            }
            tokio::select! {
                () = timer.sleep_until(now + LOOK_AGAIN) => {}
                () = self.0.news.notified() => {}
            }
        }
    }

    /// Drops what is no news any more.
    fn expire(&self, now: Timestamp) {
        loop {
            let Some(old) = self.backlog().pop_old(now) else { break };
            self.dropped(&old);
        }
    }

    /// What is not written is in the log all the same, and counted.
    fn dropped(&self, event: &Event) {
        log(event);
        self.0.metrics.event_dropped(event.severity.name());
        tracing::debug!(object = %event.regarding.name, reason = %event.reason, "its Event is dropped: too many wait to be written");
    }

    fn is_closing(&self) -> bool {
        self.0.is_closing.load(Ordering::Relaxed)
    }

    fn backlog(&self) -> MutexGuard<'_, Backlog> {
        self.0.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what is handed in, one after the other, until [`Events::close`]. The same about one object is written once an hour.
pub(crate) async fn write(api: Api, events: Events) {
    let timer = Arc::clone(&events.0.timer);
    let mut written: HashMap<u64, Timestamp> = HashMap::new();
    while let Some(event) = events.next(api.room()).await {
        let now = timer.now();
        written.retain(|_, at| now.since(*at) < REPEATED_AFTER);
        let print = fingerprint(&event);
        if written.contains_key(&print) {
            continue;
        }
        log(&event);
        let name = name(&event, print, now);
        match api.create(Resource::EVENTS, &name, &object(&event, &name, now), Manager::EVENTS, "event").await {
            Ok(_) => {
                written.insert(print, now);
            }
            Err(refusal) => {
                tracing::debug!(object = %event.regarding.name, reason = %event.reason, error = %refusal, "an Event could not be written");
                // Nobody waits at the end for a server that is not there.
                if events.is_closing() && refusal.kind() == RefusalKind::Lost {
                    break;
                }
            }
        }
    }
}

/// The log says what Events say: object and certificate are fields of the line.
fn log(Event { regarding, severity, reason, note, .. }: &Event) {
    let Regarding { kind, name, .. } = regarding;
    let certificate = (*kind == "Certificate").then(|| tracing::field::display(name));
    match severity {
        Severity::Normal => tracing::info!(kind, object = %name, certificate, %reason, "{note}"),
        Severity::Warning => tracing::warn!(kind, object = %name, certificate, %reason, "{note}"),
    }
}

/// The name of an Event holds what it says and when, so that a repeat after a lost answer meets itself.
fn name(Event { regarding, .. }: &Event, print: u64, now: Timestamp) -> Name {
    let namespace = match regarding.name.namespace() {
        "" => "default",
        namespace => namespace,
    };
    let mut named = regarding.name.object().to_owned();
    named.truncate(LONGEST_NAME);
    Name::new(namespace, format!("{named}.{:016x}", print ^ now.unix_millis().unsigned_abs()))
}

/// The Event as the API takes it.
fn object(event: &Event, name: &Name, now: Timestamp) -> Value {
    let Event { regarding, severity, reason, note, controller } = event;
    let kind = severity.name();
    let mut object = json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event",
        "metadata": { "name": name.object(), "namespace": name.namespace() },
        "eventTime": micro(now), "type": kind, "reason": reason, "action": reason, "note": lines(note, LONGEST_NOTE),
        "reportingController": format!("cert-manager-{controller}"), "reportingInstance": format!("cert-manager-{controller}"),
        "regarding": {
            "apiVersion": regarding.api_version, "kind": regarding.kind, "name": regarding.name.object(), "uid": regarding.uid.to_string(),
        },
    });
    if !regarding.name.namespace().is_empty() {
        object["regarding"]["namespace"] = regarding.name.namespace().into();
    }
    object
}

/// A time to the microsecond, as this one field of the API wants it.
fn micro(now: Timestamp) -> String {
    let seconds = Timestamp::from_unix_seconds(now.unix_seconds()).to_string();
    let micros = (now.unix_millis() % 1000) * 1000;
    format!("{}.{micros:06}Z", seconds.trim_end_matches('Z').split('.').next().unwrap_or_default())
}

fn fingerprint(event: &Event) -> u64 {
    let mut hasher = DefaultHasher::new();
    event.hash(&mut hasher);
    hasher.finish()
}

/// An Event waits while certificates do, but not for ever.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The same Event is written again after this time.
const REPEATED_AFTER: Duration = Duration::from_secs(3600);

/// The API takes notes of 1024 bytes and names of 253.
const LONGEST_NOTE: usize = 1000;
const LONGEST_NAME: usize = 230;
