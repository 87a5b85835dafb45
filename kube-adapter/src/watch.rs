//! Streams of changes: one for each kind, begun again after whatever ended them.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use acme_core::backoff::Backoff;
use futures_util::TryStreamExt;
use futures_util::future::{self, Either};
use issuers::Timer;
use kube::runtime::watcher::{self, Config, InitialListStrategy};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::world::News;

/// Follows one collection and hands every change on, until nobody takes them any more. It asks for a streamed list first, and remembers a server that has none.
pub(crate) async fn follow<K, T>(
    api: Api<K>,
    scope: Option<Arc<str>>,
    selection: Config,
    what: &'static str,
    changes: mpsc::Sender<T>,
    wrap: fn(News<K>) -> T,
    timer: Arc<dyn Timer>,
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    T: Send + 'static,
{
    let mut strategy = InitialListStrategy::StreamingList;
    let mut failures = 0;
    loop {
        let config = Config { initial_list_strategy: strategy.clone(), ..selection.clone() };
        let mut stream = Box::pin(kube::runtime::watcher(api.clone(), config));
        loop {
            match future::select(stream.try_next(), Box::pin(changes.closed())).await {
                Either::Left((Ok(Some(event)), _)) => {
                    if failures > 0 {
                        tracing::info!(what, "the watch is back");
                        failures = 0;
                    }
                    if changes.send(wrap(News { scope: scope.clone(), event })).await.is_err() {
                        return;
                    }
                }
                Either::Left((Ok(None), _)) => break,
                Either::Left((Err(error), _)) => {
                    if matches!(strategy, InitialListStrategy::StreamingList) && refuses_streamed_lists(&error) {
                        tracing::info!(what, "the API server streams no lists: pages are read instead");
                        strategy = InitialListStrategy::ListWatch;
                        break;
                    }
                    if failures == 0 {
                        tracing::warn!(what, error = %error, "the watch broke off");
                    }
                    failures += 1;
                    let pause = PAUSES.pause(failures, what);
                    let pause = Box::pin(timer.sleep_until(timer.now() + pause));
                    if let Either::Right(_) = future::select(pause, Box::pin(changes.closed())).await {
                        return;
                    }
                }
                Either::Right(_) => return,
            }
        }
    }
}

/// Does the server not know streamed lists? It answers that the parameters are not valid.
fn refuses_streamed_lists(error: &watcher::Error) -> bool {
    let status = match error {
        watcher::Error::WatchStartFailed(kube::Error::Api(status)) | watcher::Error::WatchError(status) => status,
        watcher::Error::WatchStartFailed(_)
        | watcher::Error::InitialListFailed(_)
        | watcher::Error::WatchFailed(_)
        | watcher::Error::NoResourceVersion => return false,
    };
    matches!(status.code, 400 | 405 | 422)
}

const PAUSES: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
