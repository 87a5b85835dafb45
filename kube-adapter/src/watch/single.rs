//! Objects that are followed by their names, each by a stream of its own: where a Role names them, nothing else may be watched, and nothing listed.
//!
//! A stream begins with the watch, and then the object is read: whatever happens after the reading is told by the watch. So it needs no state to begin
//! from, and no history that a server might have forgotten.

use std::collections::HashMap;
use std::sync::Arc;

use http::StatusCode;
use issuers::Timer;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::json;
use super::piece::Piece;
use super::pieces::{self, Cut, Pieces};
use super::{End, LONGEST_SILENCE, METADATA, PAUSES, WATCH, Watched, ask};
use crate::api::escape;
use crate::key::{Name, Version};

/// What the stream of one object tells.
#[derive(Debug)]
pub(crate) enum Told<K> {
    /// The stream began: the object as it is, where there is one.
    First {
        found: Option<K>,
        /// The history went back, as after a restored backup: what is known may be newer than what is.
        is_rewound: bool,
    },
    /// The object was made or changed.
    Put(K),
    /// The object is gone.
    Deleted(K),
    /// The API server does not allow it, in its words. It is asked again.
    Refused(Box<str>),
}

/// Which streams begin and end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Follow {
    /// That of this object begins.
    Begin(Name),
    /// It ends.
    End(Name),
}

/// Follows objects as it is ordered, until nobody orders or takes changes any more.
pub(crate) async fn follow<K: Watched, T: Send + 'static>(
    client: kube::Client,
    changes: mpsc::Sender<Vec<T>>,
    timer: Arc<dyn Timer>,
    mut orders: mpsc::UnboundedReceiver<Follow>,
    wrap: fn(Name, Told<K>) -> T,
) {
    let (mut streams, mut handles) = (JoinSet::new(), HashMap::<Name, AbortHandle>::new());
    loop {
        let order = tokio::select! {
            order = orders.recv() => order,
            // One that was left, or whose changes nobody takes.
            Some(_) = streams.join_next() => continue,
        };
        match order {
            None => return,
            Some(Follow::Begin(name)) => {
                let stream = Single {
                    client: client.clone(),
                    name: name.clone(),
                    changes: changes.clone(),
                    timer: Arc::clone(&timer),
                    newest: Version::OLDEST,
                    is_rewound: false,
                    failures: 0,
                };
                handles.insert(name, streams.spawn(stream.run(wrap)));
            }
            Some(Follow::End(name)) => {
                if let Some(handle) = handles.remove(&name) {
                    handle.abort();
                }
            }
        }
    }
}

/// One object, as it is followed.
struct Single<T> {
    client: kube::Client,
    name: Name,
    changes: mpsc::Sender<Vec<T>>,
    timer: Arc<dyn Timer>,
    /// The newest state of the cluster that was told.
    newest: Version,
    is_rewound: bool,
    failures: u32,
}

impl<T: Send + 'static> Single<T> {
    /// Hands on how the object is and every change of it, until nobody takes them any more.
    async fn run<K: Watched>(mut self, wrap: fn(Name, Told<K>) -> T) {
        let changes = self.changes.clone();
        loop {
            let end = tokio::select! {
                biased;
                () = changes.closed() => return,
                end = self.watch(wrap) => end,
            };
            let why = match end {
                Ok(()) | Err(End::Over) => continue,
                Err(End::Unheard) => return,
                Err(End::Forgotten(why)) => {
                    self.is_rewound = true;
                    self.newest = Version::OLDEST;
                    why
                }
                Err(End::Broken(why)) => why,
            };
            if self.failures == 0 {
                tracing::warn!(what = K::RESOURCE.plural(), name = %self.name, error = %why, "the watch broke off");
            }
            self.failures += 1;
            let pause = PAUSES.pause(self.failures, &self.name.to_string());
            tokio::select! {
                () = changes.closed() => return,
                () = self.timer.sleep_until(self.timer.now() + pause) => {}
            }
        }
    }

    /// One watch to its end, and the object as it was when that began.
    async fn watch<K: Watched>(&mut self, wrap: fn(Name, Told<K>) -> T) -> Result<(), End> {
        let selector = escape(&format!("metadata.name={}", self.name.object()));
        let path = format!("{}{WATCH}&fieldSelector={selector}", K::RESOURCE.collection(self.name.namespace()));
        let answer = match ask(&self.client, &path, METADATA).await? {
            Ok(answer) => answer,
            Err(refused) => return Err(self.refused(refused, wrap).await),
        };
        let read = match ask(&self.client, &K::RESOURCE.object(&self.name), METADATA).await? {
            Ok(answer) => answer,
            Err((StatusCode::NOT_FOUND, _)) => return self.go_on(answer.into_body(), None, wrap).await,
            Err(refused) => return Err(self.refused(refused, wrap).await),
        };
        let mut body = Vec::new();
        pieces::read_whole(read.into_body(), &mut body).await.map_err(End::Broken)?;
        let found = serde_json::from_slice::<K>(&body).map_err(|error| End::Broken(json::place(&error)))?;
        self.go_on(answer.into_body(), Some(found), wrap).await
    }

    /// Tells how the object is, and then what a watch that began before says of what came later.
    async fn go_on<K: Watched>(
        &mut self,
        body: kube::client::Body,
        found: Option<K>,
        wrap: fn(Name, Told<K>) -> T,
    ) -> Result<(), End> {
        let since = version(found.as_ref());
        let is_rewound = std::mem::take(&mut self.is_rewound);
        self.hand_on(vec![Told::First { found, is_rewound }], wrap).await?;
        if self.failures > 0 {
            tracing::info!(what = K::RESOURCE.plural(), name = %self.name, "the watch is back");
            self.failures = 0;
        }
        let mut pieces = Pieces::new(body, Cut::Lines);
        loop {
            match tokio::time::timeout(LONGEST_SILENCE, pieces.more()).await {
                // The connection is dead, or the server ended the stream.
                Err(_) | Ok(Ok(false)) => return Ok(()),
                Ok(Ok(true)) => {}
                Ok(Err(why)) => return Err(End::Broken(why)),
            }
            let mut told = Vec::new();
            while let Some(piece) = pieces.next() {
                match json::read::<K>(piece) {
                    Ok(Piece::Put(object)) if self.is_later(&object, &since) => told.push(Told::Put(object)),
                    Ok(Piece::Delete(object)) if self.is_later(&object, &since) => told.push(Told::Deleted(object)),
                    // The watch began before the object was read.
                    Ok(Piece::Put(_) | Piece::Delete(_)) => {}
                    Ok(Piece::Bookmark { version }) => {
                        let version = Version::parse(&version);
                        if version.is_older_than(&self.newest) {
                            return Err(End::Forgotten(format!("the API server is at {version} again")));
                        }
                        self.newest = version;
                    }
                    Ok(Piece::Error { message, .. }) => {
                        self.hand_on(told, wrap).await?;
                        return Err(End::Broken(message));
                    }
                    // The next change of it is another chance.
                    Err(place) => {
                        tracing::warn!(what = K::RESOURCE.plural(), name = %self.name, place, "it cannot be read");
                    }
                }
            }
            self.hand_on(told, wrap).await?;
        }
    }

    /// Whether a change came after the state that was read.
    fn is_later<K: Watched>(&mut self, object: &K, since: &Version) -> bool {
        let version = version(Some(object));
        if self.newest.is_older_than(&version) {
            self.newest = version.clone();
        }
        version != *since && !version.is_older_than(since)
    }

    /// Tells that it is not allowed, where that is why.
    async fn refused<K: Watched>(&self, (status, why): (StatusCode, String), wrap: fn(Name, Told<K>) -> T) -> End {
        if status == StatusCode::FORBIDDEN
            && let Err(end) = self.hand_on(vec![Told::Refused(why.as_str().into())], wrap).await
        {
            return end;
        }
        End::Broken(why)
    }

    async fn hand_on<K>(&self, told: Vec<Told<K>>, wrap: fn(Name, Told<K>) -> T) -> Result<(), End> {
        if told.is_empty() {
            return Ok(());
        }
        let changes = told.into_iter().map(|told| wrap(self.name.clone(), told)).collect();
        self.changes.send(changes).await.map_err(|_| End::Unheard)
    }
}

/// The state of an object; older than all where there is none.
fn version<K: Watched>(object: Option<&K>) -> Version {
    object.and_then(K::version).map_or(Version::OLDEST, Version::parse)
}
