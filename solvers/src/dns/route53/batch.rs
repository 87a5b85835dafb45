//! Changes of one zone share requests: the first goes at once, what comes while it is on the way goes together after it. No timer.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use acme_core::{Error, ErrorKind};
use async_trait::async_trait;
use futures_util::lock::Mutex as Turn;

use super::wire::Change;
use crate::credentials::aws::Fault;
use crate::limits;

/// Sends what was collected.
#[async_trait]
pub(super) trait Carrier: Sync {
    /// One outcome for each change, in their order. No two changes are of one value at one name.
    async fn carry(&self, zone: &str, changes: &[Change]) -> Vec<Result<(), Error>>;
}

/// What waits, by zone.
#[derive(Default)]
pub(super) struct Batches(Mutex<HashMap<String, Arc<Lane>>>);

#[derive(Default)]
struct Lane {
    /// Held by who sends.
    turn: Turn<()>,
    waiting: Mutex<VecDeque<Arc<Seat>>>,
}

struct Seat {
    change: Change,
    outcome: Mutex<Option<Result<(), Error>>>,
}

impl Batches {
    /// Sends `change` with whatever else waits for this zone.
    pub(super) async fn submit(&self, zone: &str, change: Change, through: &impl Carrier) -> Result<(), Error> {
        let lane = self.lane(zone);
        let seat = Arc::new(Seat { change, outcome: Mutex::default() });
        held(&lane.waiting).push_back(Arc::clone(&seat));
        // Who gives up before it was sent wants nothing sent.
        let _place = Place { lane: &lane, seat: &seat };
        let _turn = lane.turn.lock().await;
        loop {
            if let Some(outcome) = held(&seat.outcome).take() {
                return outcome;
            }
            let taken = Taken { lane: &lane, seats: lane.take() };
            if taken.seats.is_empty() {
                return Err(Error::new(ErrorKind::Internal, "a change of Route 53 got lost on its way"));
            }
            let changes = taken.distinct();
            let mut outcomes = through.carry(zone, &changes).await.into_iter();
            let outcomes: Vec<(Change, Option<Result<(), Error>>)> =
                changes.into_iter().map(|change| (change, outcomes.next())).collect();
            taken.tell(&outcomes);
        }
    }

    fn lane(&self, zone: &str) -> Arc<Lane> {
        let mut lanes = held(&self.0);
        if lanes.len() >= limits::ZONE_CACHE {
            // One that somebody waits in is held elsewhere, too.
            lanes.retain(|_, lane| Arc::strong_count(lane) > 1);
        }
        Arc::clone(lanes.entry(zone.to_owned()).or_default())
    }
}

impl Lane {
    /// What waits, up to a batch; a change that contradicts an earlier one of the same value stays for the next.
    fn take(&self) -> Vec<Arc<Seat>> {
        let mut taken: Vec<Arc<Seat>> = Vec::new();
        let mut waiting = held(&self.waiting);
        let mut stays = VecDeque::new();
        while let Some(seat) = waiting.pop_front() {
            let contradicts = |it: &Arc<Seat>| it.change.is_about_same(&seat.change) && it.change != seat.change;
            if taken.len() >= limits::ROUTE53_BATCH || taken.iter().chain(&stays).any(contradicts) {
                stays.push_back(seat);
            } else {
                taken.push(seat);
            }
        }
        *waiting = stays;
        taken
    }
}

/// Seats on the way. Those without an outcome go back in line: whoever sent them gave up.
struct Taken<'a> {
    lane: &'a Lane,
    seats: Vec<Arc<Seat>>,
}

impl Taken<'_> {
    fn distinct(&self) -> Vec<Change> {
        let mut out: Vec<Change> = Vec::new();
        for seat in &self.seats {
            if !out.contains(&seat.change) {
                out.push(seat.change.clone());
            }
        }
        out
    }

    fn tell(mut self, outcomes: &[(Change, Option<Result<(), Error>>)]) {
        for seat in std::mem::take(&mut self.seats) {
            let outcome = outcomes.iter().find(|(change, _)| *change == seat.change);
            *held(&seat.outcome) = Some(match outcome {
                Some((_, Some(Ok(())))) => Ok(()),
                Some((_, Some(Err(error)))) => Err(copy_of(error)),
                Some((_, None)) | None => Err(Error::new(ErrorKind::Internal, "a change of Route 53 has no outcome")),
            });
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut waiting = held(&self.lane.waiting);
        for seat in self.seats.drain(..).rev() {
            // Its owner may be gone: then nobody holds it but this list.
            if Arc::strong_count(&seat) > 1 {
                waiting.push_front(seat);
            }
        }
    }
}

/// A place in line, given up when its owner is.
struct Place<'a> {
    lane: &'a Lane,
    seat: &'a Arc<Seat>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        held(&self.lane.waiting).retain(|it| !Arc::ptr_eq(it, self.seat));
    }
}

/// The same error for somebody else.
pub(super) fn copy_of(error: &Error) -> Error {
    let copy = Error::new(error.kind(), error.what().to_owned()).with_retry(error.retry());
    match Fault::of(error) {
        Some(fault) => copy.with_source(fault.clone()),
        None => copy,
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use acme_core::DnsName;

    use super::super::wire::Action;
    use super::*;
    use crate::dns01::TxtRecord;

    /// Takes everything.
    struct Willing;

    #[async_trait]
    impl Carrier for Willing {
        async fn carry(&self, _: &str, changes: &[Change]) -> Vec<Result<(), Error>> {
            changes.iter().map(|_| Ok(())).collect()
        }
    }

    #[tokio::test]
    async fn lanes_in_which_nobody_waits_are_bounded_in_number() {
        let batches = Batches::default();
        let waited_in = batches.lane("Z0");
        let name = DnsName::parse("_acme-challenge.example.org").unwrap();
        let change = Change::new(&TxtRecord::new(name.clone(), "v", name), Action::Upsert);
        for number in 1..=2 * limits::ZONE_CACHE {
            batches.submit(&format!("Z{number}"), change.clone(), &Willing).await.unwrap();
        }
        assert!(held(&batches.0).len() <= limits::ZONE_CACHE);
        assert!(Arc::ptr_eq(&batches.lane("Z0"), &waited_in), "somebody waits in this one");
    }
}
