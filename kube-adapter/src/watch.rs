//! Streams of changes: one for each kind, begun again after whatever ended them.
//!
//! The lines of a watch are read here and not by kube's watcher, because there are many: each is decoded where it arrived, without the fields that nobody
//! here reads, and what arrived together is handed on together. A list is read in pages and not as a watch: a streamed list comes one object at a time,
//! and to be woken for each costs a cold start more than to read it.

mod line;
mod lines;
mod protobuf;
mod single;

use std::sync::Arc;
use std::time::Duration;

use acme_core::backoff::Backoff;
use acme_core::text;
use http::header::ACCEPT;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use issuers::Timer;
use k8s_openapi::api::core::v1::Service;
use kube::client::Body;
use kube::core::PartialObjectMeta;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::api::{Refusal, Resource, escape};
use crate::crd::{Certificate, CertificateRequest, Challenge, ClusterIssuer, Issuer, Order};
use crate::key::Version;
use crate::limits;
use crate::request;
use crate::world::News;

use line::Line;
use lines::Lines;

pub(crate) use protobuf::{Field, Malformed, Message};
pub(crate) use single::{Follow, Told, follow};

/// What a watch delivers.
pub(crate) trait Watched: DeserializeOwned + Send + 'static {
    /// The collection that is watched.
    const RESOURCE: Resource;

    /// Whether the API server is asked for the metadata alone.
    const METADATA_ONLY: bool = false;

    /// Reads the metadata of an object of a list in Protocol Buffers, where lists are asked for so: where there are many.
    const LISTED: Option<fn(Message<'_>) -> Result<Self, Malformed>> = None;

    /// What an object of a list is read as: less than all of it, where there are many and little of them is kept.
    type Listed: DeserializeOwned;

    /// The object, as far as a list has to tell of it; `None` has it read whole.
    fn listed(listed: Self::Listed) -> Option<Self>;

    /// The state of an object.
    fn version(&self) -> Option<&str>;
}

/// Whole objects are what the watches of these kinds deliver.
macro_rules! watched {
    ($($kind:ty, listed as $listed:ty, by $read:expr => $resource:ident,)+) => {$(
        impl Watched for $kind {
            const RESOURCE: Resource = Resource::$resource;

            type Listed = $listed;

            fn listed(listed: $listed) -> Option<Self> {
                $read(listed)
            }

            fn version(&self) -> Option<&str> {
                self.metadata.resource_version.as_deref()
            }
        }
    )+};
}

watched! {
    Certificate, listed as Certificate, by Some => CERTIFICATES,
    CertificateRequest, listed as request::Listed, by request::Listed::ended => REQUESTS,
    Issuer, listed as Issuer, by Some => ISSUERS,
    ClusterIssuer, listed as ClusterIssuer, by Some => CLUSTER_ISSUERS,
    Order, listed as Order, by Some => ORDERS,
    Challenge, listed as Challenge, by Some => CHALLENGES,
}

impl Watched for PartialObjectMeta<Service> {
    const RESOURCE: Resource = Resource::SERVICES;
    const METADATA_ONLY: bool = true;

    type Listed = Self;

    fn listed(listed: Self) -> Option<Self> {
        Some(listed)
    }

    fn version(&self) -> Option<&str> {
        self.metadata.resource_version.as_deref()
    }
}

/// A piece of news.
#[derive(Debug)]
pub(crate) enum Event<K> {
    /// The history went back, as after a restored backup: what is known of it may be newer than what is.
    Rewound,
    /// A list begins: what follows up to [`InitDone`](Self::InitDone) is all there is.
    Init,
    /// An object of the list.
    InitApply(K),
    /// The list is complete.
    InitDone,
    /// An object was made or changed.
    Apply(K),
    /// An object is gone.
    Delete(K),
}

/// Which objects of a collection are watched.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Selection {
    /// All of them.
    Everything,
    /// Those that a field selector takes.
    Fields(&'static str),
    /// Those that a label selector takes.
    Labels(&'static str),
}

impl Selection {
    /// What it adds to a query that has begun.
    fn query(self) -> String {
        match self {
            Self::Everything => String::new(),
            Self::Fields(selector) => format!("&fieldSelector={}", escape(selector)),
            Self::Labels(selector) => format!("&labelSelector={}", escape(selector)),
        }
    }
}

/// One collection, as it is followed.
pub(crate) struct Follower<T> {
    client: kube::Client,
    /// The namespace that it is about; `None` is the whole cluster.
    scope: Option<Arc<str>>,
    selection: Selection,
    /// What people call it.
    what: &'static str,
    changes: mpsc::Sender<Vec<T>>,
    timer: Arc<dyn Timer>,
    /// The state up to which everything was told; `None` before the first list and after a history was lost.
    version: Option<String>,
    /// The same of a history that was lost.
    lost: Option<String>,
    failures: u32,
}

/// Why a stream ended.
enum End {
    /// The server ended it, as it does every few minutes.
    Over,
    /// Nobody takes the changes any more.
    Unheard,
    /// Something went wrong.
    Broken(String),
    /// The server does not remember what came after the last state that was told.
    Forgotten(String),
}

impl<T: Send + 'static> Follower<T> {
    /// Follows what is selected, in one namespace or in all.
    pub(crate) fn new(
        client: kube::Client,
        scope: Option<Arc<str>>,
        selection: Selection,
        what: &'static str,
        changes: mpsc::Sender<Vec<T>>,
        timer: Arc<dyn Timer>,
    ) -> Self {
        Self { client, scope, selection, what, changes, timer, version: None, lost: None, failures: 0 }
    }

    /// Hands every change on, until nobody takes them any more. It begins with a list.
    pub(crate) async fn run<K: Watched>(mut self, wrap: fn(News<K>) -> T) {
        let changes = self.changes.clone();
        loop {
            let end = tokio::select! {
                biased;
                () = changes.closed() => return,
                end = self.follow(wrap) => end,
            };
            let why = match end {
                End::Unheard => return,
                End::Over => continue,
                End::Forgotten(why) => {
                    self.lost = self.version.take();
                    why
                }
                End::Broken(why) => why,
            };
            if self.failures == 0 {
                tracing::warn!(what = self.what, error = %why, "the watch broke off");
            }
            self.failures += 1;
            let pause = PAUSES.pause(self.failures, self.what);
            tokio::select! {
                () = changes.closed() => return,
                () = self.timer.sleep_until(self.timer.now() + pause) => {}
            }
        }
    }

    /// One list or one watch, as far as it goes.
    async fn follow<K: Watched>(&mut self, wrap: fn(News<K>) -> T) -> End {
        let done = match self.version.clone() {
            Some(version) => self.resume(&version, wrap).await,
            None => self.list(wrap).await,
        };
        match done {
            Ok(()) => End::Over,
            Err(end) => end,
        }
    }

    /// Watches on from a state, unless the server has not reached it: then its history went back, and it would be silent until it caught up.
    async fn resume<K: Watched>(&mut self, version: &str, wrap: fn(News<K>) -> T) -> Result<(), End> {
        let answer = self.ask::<K>("?limit=1", list_of::<K>()).await?.map_err(|(_, why)| End::Broken(why))?;
        let mut body = Vec::new();
        lines::read_whole(answer.into_body(), &mut body).await.map_err(End::Broken)?;
        let newest = line::page::<K>(&mut body).map_err(End::Broken)?.version;
        if Version::parse(&newest).is_older_than(&Version::parse(version)) {
            return Err(End::Forgotten(format!("the API server is at {newest} again, before {version}")));
        }
        self.watch(version, wrap).await
    }

    /// Reads a watch to its end, from a state on that everything was told of.
    async fn watch<K: Watched>(&mut self, version: &str, wrap: fn(News<K>) -> T) -> Result<(), End> {
        let accept = if K::METADATA_ONLY { METADATA } else { JSON };
        let query = format!("{WATCH}&resourceVersion={}", escape(version));
        let answer = match self.ask::<K>(&query, accept).await? {
            Ok(answer) => answer,
            Err((StatusCode::GONE, why)) => return Err(End::Forgotten(why)),
            Err((_, why)) => return Err(End::Broken(why)),
        };
        let mut lines = Lines::new(answer.into_body());
        loop {
            match tokio::time::timeout(LONGEST_SILENCE, lines.more()).await {
                // The connection is dead, or the server ended the stream.
                Err(_) | Ok(Ok(false)) => return Ok(()),
                Ok(Ok(true)) => {}
                Ok(Err(why)) => return Err(End::Broken(why)),
            }
            let mut events = Vec::new();
            while let Some(line) = lines.next() {
                match line::read::<K>(line) {
                    Ok(Line::Put(object)) => events.push(self.reached(Event::Apply(object))),
                    Ok(Line::Delete(object)) => events.push(self.reached(Event::Delete(object))),
                    Ok(Line::Bookmark { version }) => self.version = Some(version),
                    Ok(Line::Error { code, message }) => {
                        self.hand_on(events, wrap).await?;
                        return Err(if code == 410 { End::Forgotten(message) } else { End::Broken(message) });
                    }
                    // The next change of it is another chance; the others are not held up.
                    Err(place) => {
                        tracing::warn!(what = self.what, place, "an object cannot be read and is left out");
                    }
                }
                if events.len() == TOGETHER {
                    self.hand_on(std::mem::take(&mut events), wrap).await?;
                }
            }
            self.hand_on(events, wrap).await?;
        }
    }

    /// Reads everything page by page.
    async fn list<K: Watched>(&mut self, wrap: fn(News<K>) -> T) -> Result<(), End> {
        // One buffer for all pages: the system would have to clear a new one for each.
        let (mut body, mut more) = (Vec::new(), String::new());
        loop {
            let query = format!("?limit={PAGE}{more}");
            // Whatever is wrong, a state that is too old for the next page included, the list is begun again.
            let answer = self.ask::<K>(&query, list_of::<K>()).await?.map_err(|(_, why)| End::Broken(why))?;
            lines::read_whole(answer.into_body(), &mut body).await.map_err(End::Broken)?;
            let page = line::page::<K>(&mut body).map_err(End::Broken)?;
            if more.is_empty() {
                let lost = self.lost.take().map(|it| Version::parse(&it));
                let is_rewound = lost.is_some_and(|lost| Version::parse(&page.version).is_older_than(&lost));
                let begin = if is_rewound { vec![Event::Rewound, Event::Init] } else { vec![Event::Init] };
                self.hand_on(begin, wrap).await?;
            }
            if page.left_out > 0 {
                tracing::warn!(what = self.what, count = page.left_out, "objects cannot be read and are left out");
            }
            let mut objects = page.objects.into_iter().map(Event::InitApply).peekable();
            while objects.peek().is_some() {
                self.hand_on(objects.by_ref().take(TOGETHER).collect(), wrap).await?;
            }
            if page.next.is_empty() {
                self.hand_on(vec![Event::InitDone], wrap).await?;
                self.version = Some(page.version);
                return Ok(());
            }
            more = format!("&continue={}", escape(&page.next));
        }
    }

    /// Asks for the collection; a refusal is its code and its reason.
    async fn ask<K: Watched>(
        &self,
        query: &str,
        accept: &'static str,
    ) -> Result<Result<Response<Body>, (StatusCode, String)>, End> {
        let mut path = K::RESOURCE.collection(self.scope.as_deref().unwrap_or_default());
        path.push_str(query);
        path.push_str(&self.selection.query());
        let answer = ask(&self.client, &path, accept).await?;
        // It is never an object that is asked for.
        let hint = |status| if status == StatusCode::NOT_FOUND { UNDEFINED } else { "" };
        Ok(answer.map_err(|(status, why)| (status, format!("{why}{}", hint(status)))))
    }

    /// Everything up to this object was told.
    fn reached<K: Watched>(&mut self, event: Event<K>) -> Event<K> {
        let version = match &event {
            Event::Apply(object) | Event::Delete(object) => object.version(),
            Event::Rewound | Event::Init | Event::InitApply(_) | Event::InitDone => None,
        };
        if let Some(version) = version.filter(|it| !it.is_empty()) {
            let known = self.version.get_or_insert_default();
            known.clear();
            known.push_str(version);
        }
        event
    }

    async fn hand_on<K>(&mut self, events: Vec<Event<K>>, wrap: fn(News<K>) -> T) -> Result<(), End> {
        if events.is_empty() {
            return Ok(());
        }
        if self.failures > 0 {
            tracing::info!(what = self.what, "the watch is back");
            self.failures = 0;
        }
        let scope = &self.scope;
        let news = events.into_iter().map(|event| wrap(News { scope: scope.clone(), event })).collect();
        self.changes.send(news).await.map_err(|_| End::Unheard)
    }
}

/// Asks for what is at a path; a refusal is its code and its reason.
async fn ask(
    client: &kube::Client,
    path: &str,
    accept: &'static str,
) -> Result<Result<Response<Body>, (StatusCode, String)>, End> {
    let broken = |error: &dyn std::fmt::Display| End::Broken(printable(error));
    let request = Request::get(path).header(ACCEPT, accept).body(Body::empty()).map_err(|it| broken(&it))?;
    let answer = match tokio::time::timeout(PATIENCE, client.send(request)).await {
        Err(_) => return Err(End::Broken("the API server did not answer in time".to_owned())),
        Ok(answer) => answer.map_err(|it| broken(&it))?,
    };
    if answer.status().is_success() {
        return Ok(Ok(answer));
    }
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, LONGEST_REFUSAL).collect().await.map_err(|it| broken(&it))?.to_bytes();
    Ok(Err((head.status, Refusal::read(head.status, &head.headers, &body).to_string())))
}

/// What a list is asked for as.
fn list_of<K: Watched>() -> &'static str {
    match K::LISTED {
        Some(_) => PROTOBUF_LIST,
        None if K::METADATA_ONLY => METADATA_LIST,
        None => JSON,
    }
}

/// Text from outside, for the log.
fn printable(error: impl std::fmt::Display) -> String {
    text::printable(&error.to_string(), limits::TEXT)
}

const PAUSES: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));

/// What a person can do about a collection that is not there.
const UNDEFINED: &str =
    ": the API server does not know this kind, so install the definitions of the resources; they are waited for";

/// The server ends a watch after this time; a connection that is silent for longer is dead.
const WATCH: &str = "?watch=true&allowWatchBookmarks=true&timeoutSeconds=290";
const LONGEST_SILENCE: Duration = Duration::from_secs(295);

/// How long the beginning of an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Objects that are handed on together: what waits to be taken in is held whole.
const TOGETHER: usize = 64;

/// A page is in memory whole, and what was read from it. Half of it would save half a megabyte, and cost a start before 10,000 a tenth of its processor time.
const PAGE: usize = 250;

const LONGEST_REFUSAL: usize = 64 * 1024;

const JSON: &str = "application/json";
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const PROTOBUF_LIST: &str = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
