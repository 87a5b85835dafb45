//! The loop around an issuance: every ready action at once, one challenge action at a time for each authorization, and nothing
//! irreversible before the state that knows of it is durable.

use std::collections::HashSet;
use std::time::Duration;

use acme_core::flow::{Applied, ChallengeAction, Issuance, IssuanceAction, IssuanceOutcome, Next, Waiting};
use acme_core::protocol::Url;
use acme_core::{Clock, Error, ErrorKind, Retry, Timestamp};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};

use super::action::{Done, Hands, Job};
use crate::{Progress, ProgressError};

/// Where [`run`] begins.
pub(super) enum Start {
    /// With a flow that nothing durable knows of.
    Afresh(Issuance),
    /// With a flow as the record has it.
    Resumed(Issuance),
}

/// How far [`run`] came.
pub(super) enum Reached {
    /// The end.
    End(IssuanceOutcome),
    /// A wait; the state is saved.
    Wait { again: Timestamp, waiting: Waiting },
}

/// Runs `flow` as far as it goes without waiting for time to pass. Dropping the future at any point is as safe as a crash.
///
/// # Errors
/// What `progress` says; then nothing more was sent.
pub(super) async fn run(
    start: Start,
    hands: Hands<'_>,
    progress: &mut dyn Progress,
    clock: &dyn Clock,
) -> Result<Reached, Error> {
    let (flow, changed) = match start {
        Start::Afresh(flow) => (flow, true),
        Start::Resumed(flow) => (flow, false),
    };
    let mut saved = Saved { changed, order: flow.order().url().cloned() };
    match advance(flow, hands, progress, clock, &mut saved).await {
        Ok(reached) => Ok(reached),
        // Not durable, and perhaps only for now: what was saved before is still good to go on from.
        Err(ProgressError::Failed(error)) if error.retry() != Retry::Never => {
            let pause = match error.retry() {
                Retry::After(pause) => pause,
                Retry::Backoff | Retry::Never => UNSAVED,
            };
            tracing::warn!(%error, "the state of an issuance could not be saved");
            Ok(Reached::Wait {
                again: clock.now() + pause,
                waiting: Waiting::outside(format!("the state of the issuance could not be saved: {error}")),
            })
        }
        Err(error) => Err(error.into()),
    }
}

/// What is durable.
struct Saved {
    changed: bool,
    order: Option<Url>,
}

async fn advance(
    mut flow: Issuance,
    hands: Hands<'_>,
    progress: &mut dyn Progress,
    clock: &dyn Clock,
    saved: &mut Saved,
) -> Result<Reached, ProgressError> {
    let mut running: FuturesUnordered<BoxFuture<'_, Done>> = FuturesUnordered::new();
    let mut begun: HashSet<IssuanceAction> = HashSet::new();
    loop {
        let agenda = match flow.next(clock.now()) {
            Next::Done(outcome) => return Ok(Reached::End(outcome)),
            Next::Go(agenda) => agenda,
        };
        for action in agenda.ready {
            if begun.contains(&action) || is_in_the_way(&begun, &action) {
                continue;
            }
            if action.is_irreversible() {
                save(&flow.before(&action), progress).await?;
                saved.changed = true;
            } else if saved.changed && leaves_traces(&action) {
                save(&flow, progress).await?;
                saved.changed = false;
            }
            begun.insert(action.clone());
            running.push(Job::new(action, &flow).run(hands).boxed());
        }
        let Some(mut done) = running.next().await else {
            let Some(wake) = agenda.wake else {
                return Err(ProgressError::Failed(
                    Error::new(ErrorKind::Internal, "an issuance waits for nothing").with_retry(Retry::Never),
                ));
            };
            if saved.changed {
                save(&flow, progress).await?;
            }
            return Ok(Reached::Wait { again: wake.at, waiting: wake.waiting });
        };
        // Whatever else has finished by now is taken in before anything is saved.
        loop {
            begun.remove(&done.action);
            if flow.apply(done.event, clock.now()) == Applied::Changed {
                saved.changed = true;
            }
            match running.next().now_or_never().flatten() {
                Some(another) => done = another,
                None => break,
            }
        }
        // The order's URL is durable before anything follows from it.
        if flow.order().url() != saved.order.as_ref() {
            save(&flow, progress).await?;
            saved.changed = false;
            saved.order = flow.order().url().cloned();
        }
    }
}

async fn save(flow: &Issuance, progress: &mut dyn Progress) -> Result<(), ProgressError> {
    let bytes = flow.encode().map_err(|error| ProgressError::Failed(error.with_retry(Retry::Never)))?;
    progress.save(&bytes).await
}

/// Present, check and clean up of one challenge never overlap.
fn is_in_the_way(begun: &HashSet<IssuanceAction>, action: &IssuanceAction) -> bool {
    let IssuanceAction::Challenge(url, _) = action else {
        return false;
    };
    begun.iter().any(|it| matches!(it, IssuanceAction::Challenge(busy, _) if busy == url))
}

/// Does it put something into the world that another process must know of, to take it away again?
fn leaves_traces(action: &IssuanceAction) -> bool {
    matches!(action, IssuanceAction::Challenge(_, ChallengeAction::Present))
}

/// Until the next attempt to save.
const UNSAVED: Duration = Duration::from_secs(5);
