//! Streams of changes: one for each kind, begun again after whatever ended them.
//!
//! News are read here and not by kube's watcher, because there are many: each is decoded where it arrived, without the fields that nobody here reads, and what
//! arrived together is handed on together. A list is read in pages and not as a watch: a streamed list comes one object at a time, and to be woken for each
//! costs a cold start more than to read it.
//!
//! Where there are many, metadata are asked for as Protocol Buffers. Of most requests that is enough: this process made them, and knows what it wrote. The
//! API server writes each of its news as JSON for us alone, which costs it more than to read the few that others made; so that is what is done while this
//! process leads.

mod json;
mod members;
mod piece;
mod pieces;
mod protobuf;
mod single;

use std::future::ready;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use acme_core::backoff::Backoff;
use acme_core::text;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use issuers::Timer;
use k8s_openapi::api::core::v1::Service;
use kube::client::Body;
use kube::core::PartialObjectMeta;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::api::{Refusal, Resource, Written, escape};
use crate::crd::{Certificate, Challenge, ClusterIssuer, Issuer, Order};
use crate::key::{Identity, Name, Version};
use crate::leader::Leadership;
use crate::limits;
use crate::world::News;

use piece::{Page, Piece};
use pieces::{Cut, Pieces};

pub(crate) use members::{Members, Text};
pub(crate) use protobuf::{Field, Malformed, Message};
pub(crate) use single::{Follow, Told, follow};

/// What a watch delivers.
pub(crate) trait Watched: DeserializeOwned + Send + 'static {
    /// The collection that is watched.
    const RESOURCE: Resource;

    /// Whether the API server is asked for the metadata alone.
    const METADATA_ONLY: bool = false;

    /// Reads metadata in Protocol Buffers, where they may be asked for so: where there are many. Of an object that is watched whole it is what names it.
    const METADATA: Option<fn(Message<'_>) -> Result<Self, Malformed>> = None;

    /// What an object of a list is read as: less than all of it, where there are many and little of them is kept.
    type Listed<'a>: Deserialize<'a>;

    /// The object, as far as a list has to tell of it; `None` has it read whole.
    fn listed(listed: Self::Listed<'_>) -> Option<Self>;

    /// The state of an object.
    fn version(&self) -> Option<&str>;

    /// Which object it is, and in which state, where its kind may be told of by metadata alone and read for the rest: see [`Follower::sparing`].
    fn head(&self) -> Option<(Name, Identity)> {
        None
    }
}

/// Whole objects are what the watches of these kinds deliver.
macro_rules! watched {
    ($($kind:ty => $resource:ident,)+) => {$(
        impl Watched for $kind {
            const RESOURCE: Resource = Resource::$resource;

            type Listed<'a> = Self;

            fn listed(listed: Self) -> Option<Self> {
                Some(listed)
            }

            fn version(&self) -> Option<&str> {
                self.metadata.resource_version.as_deref()
            }
        }
    )+};
}

watched! {
    Certificate => CERTIFICATES,
    Issuer => ISSUERS,
    ClusterIssuer => CLUSTER_ISSUERS,
    Order => ORDERS,
    Challenge => CHALLENGES,
}

impl Watched for PartialObjectMeta<Service> {
    const RESOURCE: Resource = Resource::SERVICES;
    const METADATA_ONLY: bool = true;

    type Listed<'a> = Self;

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
    /// The list is complete, and shows this state: what became known of later ones is not judged by it.
    InitDone(Version),
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
    sparing: Option<Sparing>,
    changes: mpsc::Sender<Vec<T>>,
    timer: Arc<dyn Timer>,
    /// The state up to which everything was told; `None` before the first list and after a history was lost.
    version: Option<String>,
    /// The same of a history that was lost.
    lost: Option<String>,
    failures: u32,
}

/// What spares a watch most of its news.
struct Sparing {
    written: Written,
    leadership: Leadership,
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
        Self { client, scope, selection, what, sparing: None, changes, timer, version: None, lost: None, failures: 0 }
    }

    /// While this process leads, most news are of what it wrote. Then metadata are watched, news of what is in `written` are passed over, and what others wrote
    /// is read. A process that waits would read everything, and watches whole objects.
    pub(crate) fn sparing(mut self, written: &Written, leadership: &Leadership) -> Self {
        self.sparing = Some(Sparing { written: written.clone(), leadership: leadership.clone() });
        self
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
        pieces::read_whole(answer.into_body(), &mut body).await.map_err(End::Broken)?;
        let newest = Page::<K>::read(&mut body).map_err(End::Broken)?.version;
        if Version::parse(&newest).is_older_than(&Version::parse(version)) {
            return Err(End::Forgotten(format!("the API server is at {newest} again, before {version}")));
        }
        self.watch(version, wrap).await
    }

    /// Reads a watch to its end, from a state on that everything was told of.
    async fn watch<K: Watched>(&mut self, version: &str, wrap: fn(News<K>) -> T) -> Result<(), End> {
        let spares = self.sparing.as_ref().is_some_and(|it| it.leadership.leads());
        let accept = match K::METADATA {
            Some(_) if spares || K::METADATA_ONLY => PROTOBUF,
            None if K::METADATA_ONLY => METADATA,
            Some(_) | None => JSON,
        };
        let query = format!("{WATCH}&resourceVersion={}", escape(version));
        let answer = match self.ask::<K>(&query, accept).await? {
            Ok(answer) => answer,
            Err((StatusCode::GONE, why)) => return Err(End::Forgotten(why)),
            Err((_, why)) => return Err(End::Broken(why)),
        };
        let turned = self.sparing.as_ref().map(|it| it.leadership.clone());
        let mut turned = pin!(turns(turned, spares));
        let cut = cut(&answer);
        let mut pieces = Pieces::new(answer.into_body(), cut);
        loop {
            let more = tokio::select! {
                biased;
                // It is asked in another way from now on.
                () = &mut turned => return Ok(()),
                more = tokio::time::timeout(LONGEST_SILENCE, pieces.more()) => more,
            };
            match more {
                // The connection is dead, or the server ended the stream.
                Err(_) | Ok(Ok(false)) => return Ok(()),
                Ok(Ok(true)) => {}
                Ok(Err(why)) => return Err(End::Broken(why)),
            }
            let mut events = Vec::new();
            while let Some(piece) = pieces.next() {
                match Piece::<K>::read(piece, cut) {
                    Ok(Piece::Put(object)) => events.push(Event::Apply(object)),
                    Ok(Piece::Delete(object)) => events.push(Event::Delete(object)),
                    Ok(Piece::Bookmark { version }) => {
                        self.tell(std::mem::take(&mut events), spares, wrap).await?;
                        self.version = Some(version);
                    }
                    Ok(Piece::Error { code, message }) => {
                        self.tell(events, spares, wrap).await?;
                        return Err(if code == 410 { End::Forgotten(message) } else { End::Broken(message) });
                    }
                    // The next change of it is another chance; the others are not held up.
                    Err(place) => {
                        tracing::warn!(what = self.what, place, "an object cannot be read and is left out");
                    }
                }
                if events.len() == TOGETHER {
                    self.tell(std::mem::take(&mut events), spares, wrap).await?;
                }
            }
            self.tell(events, spares, wrap).await?;
        }
    }

    /// Hands on what a watch told. Only then everything up to it was told: what cannot be read now is told again.
    async fn tell<K: Watched>(
        &mut self,
        events: Vec<Event<K>>,
        spares: bool,
        wrap: fn(News<K>) -> T,
    ) -> Result<(), End> {
        if events.is_empty() {
            return Ok(());
        }
        let reached = events.iter().rev().find_map(|event| match event {
            Event::Apply(object) | Event::Delete(object) => object.version().filter(|it| !it.is_empty()),
            Event::Rewound | Event::Init | Event::InitApply(_) | Event::InitDone(_) => None,
        });
        let reached = reached.map(str::to_owned);
        let events = match &self.sparing {
            Some(Sparing { written, .. }) if spares => self.read_others(written, events).await?,
            Some(_) | None => events,
        };
        // Not before: what cannot be read is asked for ever more rarely.
        self.is_back();
        self.hand_on(events, wrap).await?;
        self.version = reached.or(self.version.take());
        Ok(())
    }

    /// Something was told.
    fn is_back(&mut self) {
        if self.failures > 0 {
            tracing::info!(what = self.what, "the watch is back");
            self.failures = 0;
        }
    }

    /// Leaves out what this process wrote, and reads what others wrote.
    async fn read_others<K: Watched>(&self, written: &Written, events: Vec<Event<K>>) -> Result<Vec<Event<K>>, End> {
        let events = stream::iter(events).map(|event| async move {
            let Event::Apply(head) = event else { return Ok(Some(event)) };
            Ok(self.read_other(written, head).await?.map(Event::Apply))
        });
        events.buffered(READS).try_filter_map(|it| ready(Ok(it))).try_collect().await
    }

    /// The object that this names, if others wrote it. Of one that is gone the watch tells next.
    async fn read_other<K: Watched>(&self, written: &Written, head: K) -> Result<Option<K>, End> {
        let Some((name, identity)) = head.head() else { return Ok(None) };
        if written.knows(&name, &identity).await {
            return Ok(None);
        }
        // As it was told or newer: what a server remembers of its own watches will do, and the store is not asked.
        let version = escape(&identity.version.to_string());
        let path = format!("{}?resourceVersion={version}", K::RESOURCE.object(&name));
        let answer = match ask(&self.client, &path, JSON).await? {
            Ok(answer) => answer,
            Err((StatusCode::NOT_FOUND, _)) => return Ok(None),
            Err((_, why)) => return Err(End::Broken(why)),
        };
        let mut body = Vec::new();
        pieces::read_whole(answer.into_body(), &mut body).await.map_err(End::Broken)?;
        match serde_json::from_slice(&body) {
            Ok(object) => Ok(Some(object)),
            Err(error) => {
                // The next change of it is another chance; the others are not held up.
                let place = json::place(&error);
                tracing::warn!(what = self.what, %name, place, "an object cannot be read and is left out");
                Ok(None)
            }
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
            pieces::read_whole(answer.into_body(), &mut body).await.map_err(End::Broken)?;
            let page = Page::<K>::read(&mut body).map_err(End::Broken)?;
            if more.is_empty() {
                let lost = self.lost.take().map(|it| Version::parse(&it));
                let is_rewound = lost.is_some_and(|lost| Version::parse(&page.version).is_older_than(&lost));
                let begin = if is_rewound { vec![Event::Rewound, Event::Init] } else { vec![Event::Init] };
                if let Some(Sparing { written, .. }) = self.sparing.as_ref().filter(|_| is_rewound) {
                    written.forget();
                }
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
                self.hand_on(vec![Event::InitDone(Version::parse(&page.version))], wrap).await?;
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

    async fn hand_on<K>(&mut self, events: Vec<Event<K>>, wrap: fn(News<K>) -> T) -> Result<(), End> {
        if events.is_empty() {
            return Ok(());
        }
        self.is_back();
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
    match K::METADATA {
        _ if !K::METADATA_ONLY => JSON,
        Some(_) => PROTOBUF_LIST,
        None => METADATA_LIST,
    }
}

/// How the news of an answer are cut: the API server may answer in JSON all the same.
fn cut(answer: &Response<Body>) -> Cut {
    let content = answer.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    if content.is_some_and(|it| it.starts_with(PROTOBUF_CONTENT)) { Cut::Lengths } else { Cut::Lines }
}

/// Waits until this process leads, where it did not, or leads no more, where it did; for ever where that makes no difference.
async fn turns(leadership: Option<Leadership>, led: bool) {
    let Some(mut leadership) = leadership else { return std::future::pending().await };
    while leadership.leads() == led {
        leadership.changed().await;
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

/// Objects that are read at once, of what others wrote.
const READS: usize = 8;

/// Objects that are handed on together: what waits to be taken in is held whole.
const TOGETHER: usize = 64;

/// A page is in memory whole, and what was read from it. Half of it would save half a megabyte, and cost a start before 10,000 a tenth of its processor time.
const PAGE: usize = 250;

const LONGEST_REFUSAL: usize = 64 * 1024;

const JSON: &str = "application/json";
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const PROTOBUF_CONTENT: &str = "application/vnd.kubernetes.protobuf";
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const PROTOBUF_LIST: &str = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
