//! How a request's actions went, taken in.

use std::sync::Arc;
use std::time::Duration;

use acme_core::backoff::Backoff;
use acme_core::{Error, Retry, Timestamp};

use super::act::Keyed;
use super::record::{Failure, KeyRead, Memory};
use super::signing::{Answered, Outcome as Signed};
use super::write::signing_for;
use super::{Answer, SHORTEST_PAUSE, changed, right_told};
use crate::crd::certificate_request::CertificateRequest;
use crate::engine::Remote;
use crate::key::{Key, Kind, Name};
use crate::secret::named::{self, Access};
use crate::world::World;

/// Takes in how it went.
pub(super) fn fold(world: &mut World, name: &Name, answer: Answer, now: Timestamp) {
    match answer {
        Answer::Right(asked) => right_told(world, asked, now),
        Answer::Key(keyed) => {
            let access = named::access_of(world, &Key::new(Kind::CertificateRequest, name.clone()));
            let Some(record) = world.requests.get_mut(name) else { return };
            let memory = record.memory_mut();
            match keyed {
                // The Secret changed while it was read.
                _ if memory.key_is_news => {}
                Keyed::Read(signer) => memory.signer = Some(signer),
                Keyed::Waiting(text, again) => memory.key = waits(text, again, access, now),
                Keyed::Failed(failure) => memory.failure = Some(failure),
            }
        }
        Answer::Unsigned(outcome) => unsigned(world, name, outcome, now),
        Answer::Answered(remote, answered) => answered_by(world, name, &remote, answered, now),
        Answer::Unaskable(failure) => {
            if let Some(record) = world.requests.get_mut(name) {
                record.memory_mut().failure = Some(failure);
            }
        }
        Answer::Noted(pickup, Ok(identity)) => {
            world.requests.touch(name, identity);
            if let Some(record) = world.requests.get_mut(name) {
                record.noted(pickup);
            }
        }
        Answer::Seen(object) => seen(world, name, *object, now),
        Answer::Ordered(Ok(ordered)) => {
            let (order, identity, record) = *ordered;
            world.orders.learn(order.clone(), identity, record);
            world.wake(Key::new(Kind::Order, order));
        }
        Answer::Dropped(order, Ok(())) => {
            world.orders.forget(&order);
            if let Some(record) = world.requests.get_mut(name) {
                record.memory_mut().order_is_unfit = false;
            }
        }
        Answer::Announced => {
            if let Some(record) = world.requests.get_mut(name) {
                record.memory_mut().wait_is_said = true;
            }
        }
        Answer::Unfit => {
            if let Some(record) = world.requests.get_mut(name) {
                record.memory_mut().order_is_unfit = true;
            }
        }
        Answer::Wrote(Ok((identity, status))) => {
            world.requests.touch(name, identity);
            let Some(record) = world.requests.get_mut(name) else { return };
            let (object, has_ended) = (record.wrote(status), record.ended().is_some());
            if let Some(object) = object {
                world.requests.measure(name, &object);
            }
            if has_ended {
                world.request_index.settle(name);
                super::look_for_none(world, name);
            }
        }
        Answer::Wrote(Err(refusal))
        | Answer::Noted(_, Err(refusal))
        | Answer::Ordered(Err(refusal))
        | Answer::Dropped(_, Err(refusal)) => {
            tracing::debug!(request = %name, error = %refusal, "a write for a request was refused");
            if let Some(record) = world.requests.get_mut(name) {
                pause(record.memory_mut(), name, refusal.after(), now);
            }
        }
        Answer::Gone => {}
    }
}

/// There is no key yet. Where nobody will tell of its Secret, that is said, and it is looked for from time to time.
fn waits(text: String, again: Option<Timestamp>, access: Access, now: Timestamp) -> KeyRead {
    match access {
        Access::Closed(closed) => {
            let text = format!("{text}. {}", closed.message);
            KeyRead::Waiting { text, again: again.or(Some(now + UNTOLD)) }
        }
        Access::Open | Access::Awaited => KeyRead::Waiting { text, again },
    }
}

/// Takes in that the issuer gave no certificate. Only what is classified ends the request; the rest is tried again until its time is up.
fn unsigned(world: &mut World, name: &Name, outcome: Signed, now: Timestamp) {
    let deadline = world.settings.attempt_deadline;
    let Some(record) = world.requests.get_mut(name) else { return };
    let memory = record.memory_mut();
    let (error, prefix) = match outcome {
        Signed::Obtained(_) => return,
        Signed::NotYet(again, said) => {
            // The key was another one: what its Secret holds next is looked at.
            memory.signer = None;
            if !memory.key_is_news {
                memory.key = KeyRead::Waiting { text: said, again: Some(again) };
            }
            return;
        }
        Signed::Unreadable(error) => (error.with_retry(Retry::Never), "Error generating certificate template"),
        Signed::Failed(error) => (error, "Error signing certificate"),
    };
    tried(memory, name, "SigningError", prefix, &error, deadline, now);
}

/// Takes in what somebody else answered.
fn answered_by(world: &mut World, name: &Name, remote: &Remote, answered: Answered, now: Timestamp) {
    let deadline = world.settings.attempt_deadline;
    if let Signed::Failed(_) = &answered.outcome {
        world.metrics.sync_failed(signing_for(remote).controller());
    }
    let Some(record) = world.requests.get_mut(name) else { return };
    let memory = record.memory_mut();
    memory.progress = answered.state;
    memory.pickup = answered.pickup;
    let (reason, prefix) = match (remote, &memory.pickup) {
        (Remote::Vault(_), _) => ("SigningError", "Vault failed to sign certificate"),
        (Remote::Venafi(_), None) => ("RequestError", "Failed to request Certificate Manager certificate"),
        (Remote::Venafi(_), Some(_)) => ("RetrieveError", "Failed to obtain Certificate Manager certificate"),
    };
    let error = match answered.outcome {
        Signed::Obtained(obtained) => {
            memory.obtained = Some(Arc::new(obtained));
            return;
        }
        Signed::NotYet(again, said) => {
            memory.tries.again = Some(again);
            memory.tries.said = match memory.pickup {
                Some(_) => format!("{STILL_PENDING}: {said}"),
                None => said,
            };
            return;
        }
        Signed::Unreadable(error) => error.with_retry(Retry::Never),
        Signed::Failed(error) => error,
    };
    // An error ends the question: what was remembered of it is void.
    memory.progress = None;
    memory.pickup = None;
    memory.pickup_is_void = true;
    tried(memory, name, reason, prefix, &error, deadline, now);
}

/// Takes in what a request is now, after a write of it that may have been made or not. Once is a coincidence; after that it waits a moment.
fn seen(world: &mut World, name: &Name, object: CertificateRequest, now: Timestamp) {
    if let Some(change) = world.requests.look(object) {
        changed(world, change, now);
    }
    if let Some(record) = world.requests.get_mut(name) {
        let memory = record.memory_mut();
        match memory.refusals {
            0 => memory.refusals = 1,
            _ => pause(memory, name, None, now),
        }
    }
}

/// No write before some time is over.
fn pause(memory: &mut Memory, name: &Name, after: Option<Duration>, now: Timestamp) {
    memory.refusals += 1;
    let pause = WRITE_PAUSES.pause(memory.refusals, &name.to_string());
    memory.quiet_until = Some(now + after.unwrap_or(pause));
}

/// A failure ends the request when it is final, or when the request's time is up; otherwise it is tried again after a pause.
fn tried(
    memory: &mut Memory,
    name: &Name,
    reason: &'static str,
    prefix: &str,
    error: &Error,
    deadline: Duration,
    now: Timestamp,
) {
    let since = *memory.tries.since.get_or_insert(now);
    let said = format!("{prefix}: {error}");
    let ends = match error.retry() {
        Retry::Never => true,
        Retry::Backoff | Retry::After(_) => now.since(since) >= deadline,
    };
    if ends {
        memory.failure = Some(Failure { reason, message: said });
        return;
    }
    memory.tries.failures += 1;
    memory.tries.again = Some(match error.retry() {
        // Who names a time is not asked before it, and asked once more then, though the request's own time may be up.
        Retry::After(pause) => now + pause.clamp(SHORTEST_PAUSE, LONGEST_PAUSE),
        Retry::Backoff | Retry::Never => {
            (now + PAUSES.pause(memory.tries.failures, &name.to_string())).min(since + deadline)
        }
    });
    memory.tries.said = said;
}

/// What people are told while a certificate that was requested is not there.
const STILL_PENDING: &str = "certificate still in a pending state, the request will be retried";

/// Between two looks at a Secret that nobody tells of.
const UNTOLD: Duration = Duration::from_secs(10);

/// Between two questions to an issuer that failed.
const PAUSES: Backoff = Backoff::new(Duration::from_secs(5), Duration::from_secs(300));

/// Between two writes that were refused.
const WRITE_PAUSES: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));

/// The longest pause that an issuer is granted.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);

#[cfg(test)]
mod tests {
    use acme_core::ErrorKind;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn fails(memory: &mut Memory, retry: Retry, now: Timestamp) {
        let error = Error::new(ErrorKind::Busy, "vault is sealed").with_retry(retry);
        let name = Name::new("shop", "web-1");
        tried(memory, &name, "SigningError", "Vault failed to sign certificate", &error, HOUR, now);
    }

    #[test]
    fn an_issuer_is_not_asked_before_the_time_that_it_named() {
        let mut memory = Memory::default();
        fails(&mut memory, Retry::After(3 * HOUR), NOW);
        assert_eq!((memory.tries.again, &memory.failure), (Some(NOW + 3 * HOUR), &None));
        fails(&mut memory, Retry::After(3 * HOUR), NOW + 3 * HOUR);
        let failure = memory.failure.expect("its time is up");
        assert_eq!(failure.message, "Vault failed to sign certificate: vault is sealed");
    }

    #[test]
    fn a_back_off_of_ours_ends_with_the_attempt() {
        let mut memory = Memory::default();
        fails(&mut memory, Retry::Backoff, NOW);
        let last = NOW + HOUR - Duration::from_secs(1);
        fails(&mut memory, Retry::Backoff, last);
        assert_eq!((memory.tries.again, &memory.failure), (Some(NOW + HOUR), &None));
        fails(&mut memory, Retry::Backoff, NOW + HOUR);
        assert!(memory.failure.is_some());
    }
}
