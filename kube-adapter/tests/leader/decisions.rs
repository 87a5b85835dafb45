//! What an election decides, from what was seen and the time alone.

use std::time::Duration;

use acme_core::Timestamp;
use certwright_kube_adapter::leader::{Action, Change, Election, Event, Lease, Next, Record, Timing};

const START: Timestamp = Timestamp::from_unix_seconds(1_000);
const THEM: &str = "cert-manager-7d5f_3c0e";

#[test]
fn an_absent_lease_is_made() {
    let mut us = candidate();
    assert_eq!(us.next(START), Next::Go(Action::Read));
    us.apply(Event::Read(None), START);
    assert_eq!(us.next(START), Next::Go(Action::Create(take(0))));
    us.apply(Event::Written { lease: lease("1", Some("us"), 30), asked: START }, START);
    assert_eq!(us.held_until(), Some(START + Timing::STEADY.deadline));
    assert_eq!(us.next(START), Next::Wait(START + Timing::STEADY.renew));
}

#[test]
fn what_is_held_is_renewed_in_time_and_says_since_when_no_more() {
    let mut us = leader();
    let due = START + Timing::STEADY.renew;
    assert_eq!(us.next(due), Next::Go(Action::Patch { version: "1".to_owned(), change: renew() }));
    us.apply(Event::Written { lease: lease("2", Some("us"), 30), asked: due }, due + Duration::from_secs(1));
    assert_eq!(us.held_until(), Some(due + Timing::STEADY.deadline), "it counts from when the call began");
}

#[test]
fn anothers_lease_counts_for_the_duration_it_names_from_when_we_saw_it() {
    let mut us = candidate();
    us.apply(Event::Read(Some(lease("1", Some(THEM), 60))), START);
    let mut now = START;
    while now < START + Duration::from_secs(60) {
        match us.next(now) {
            Next::Wait(at) => now = at,
            Next::Go(Action::Read) => us.apply(Event::Read(Some(lease("1", Some(THEM), 60))), now),
            other @ (Next::Go(_) | Next::Done) => panic!("{other:?} at {now}"),
        }
    }
    assert_eq!(now, START + Duration::from_secs(60));
    assert_eq!(us.next(now), Next::Go(Action::Patch { version: "1".to_owned(), change: take(4) }));
}

#[test]
fn a_label_is_no_sign_of_life_and_a_renewal_is() {
    let mut us = candidate();
    us.apply(Event::Read(Some(lease("1", Some(THEM), 60))), START);
    let later = START + Duration::from_secs(59);
    us.apply(Event::Read(Some(lease("2", Some(THEM), 60))), later);
    let end = START + Duration::from_secs(60);
    assert_eq!(us.next(end), Next::Go(Action::Patch { version: "2".to_owned(), change: take(4) }));

    let mut renewed = lease("3", Some(THEM), 60);
    renewed.record.renewed = Some(Timestamp::EPOCH);
    us.apply(Event::Read(Some(renewed)), later);
    assert_eq!(us.next(end), Next::Go(Action::Read), "the clock of the other is not asked, that it moved is enough");
}

#[test]
fn a_failed_look_does_not_start_the_waiting_anew() {
    let mut us = candidate();
    us.apply(Event::Read(Some(lease("1", Some(THEM), 60))), START);
    let later = START + Duration::from_secs(59);
    us.apply(Event::Failed, later);
    let end = later + Timing::STEADY.retry;
    assert_eq!(us.next(end), Next::Go(Action::Read));
    us.apply(Event::Read(Some(lease("1", Some(THEM), 60))), end);
    assert_eq!(us.next(end), Next::Go(Action::Patch { version: "1".to_owned(), change: take(4) }));
}

#[test]
fn a_lease_that_was_given_back_is_taken_at_once() {
    let mut us = candidate();
    us.apply(Event::Read(Some(lease("9", None, 1))), START);
    assert_eq!(us.next(START), Next::Go(Action::Patch { version: "9".to_owned(), change: take(4) }));
}

#[test]
fn a_crashed_container_takes_up_what_its_earlier_life_held() {
    let mut us = candidate();
    us.apply(Event::Read(Some(lease("9", Some("us"), 30))), START);
    assert_eq!(us.held_until(), None, "not before it was confirmed");
    assert_eq!(us.next(START), Next::Go(Action::Patch { version: "9".to_owned(), change: renew() }));
}

#[test]
fn a_lost_answer_is_no_loss_of_the_lease() {
    let mut us = leader();
    let due = START + Timing::STEADY.renew;
    us.apply(Event::Failed, due);
    assert_eq!(us.held_until(), Some(START + Timing::STEADY.deadline));
    let again = due + Timing::STEADY.retry;
    assert_eq!(us.next(due), Next::Wait(again));
    assert_eq!(us.next(again), Next::Go(Action::Read), "the write may have happened, so its version is unknown");
    us.apply(Event::Read(Some(lease("2", Some("us"), 30))), again);
    assert_eq!(us.next(again), Next::Go(Action::Patch { version: "2".to_owned(), change: renew() }));
}

#[test]
fn who_sees_another_holder_leads_no_more() {
    let mut us = leader();
    let late = START + Duration::from_secs(60);
    us.apply(Event::Conflict, late);
    let Next::Wait(again) = us.next(late) else { panic!("a conflict is not asked about in the same moment") };
    assert_eq!(us.next(again), Next::Go(Action::Read));
    us.apply(Event::Read(Some(lease("5", Some(THEM), 60))), again);
    assert_eq!(us.held_until(), None);
    assert_eq!(us.holder(), Some(THEM));
}

#[test]
fn a_deleted_lease_is_made_again() {
    let mut us = leader();
    us.apply(Event::Conflict, START);
    us.apply(Event::Read(None), START + Duration::from_secs(1));
    assert_eq!(us.held_until(), None);
    assert_eq!(us.next(START + Duration::from_secs(1)), Next::Go(Action::Create(take(0))));
}

#[test]
fn resigning_gives_back_what_is_held_and_nothing_else() {
    let mut us = leader();
    us.resign(START);
    assert_eq!(us.held_until(), None);
    assert_eq!(us.next(START), Next::Go(Action::Patch { version: "1".to_owned(), change: Change::GiveBack }));
    us.apply(Event::Written { lease: lease("2", None, 1), asked: START }, START);
    assert_eq!(us.next(START), Next::Done);

    let mut standby = candidate();
    standby.apply(Event::Read(Some(lease("1", Some(THEM), 60))), START);
    standby.resign(START);
    assert_eq!(standby.next(START), Next::Done);
}

#[test]
fn resigning_ends_even_where_nobody_answers() {
    let mut us = leader();
    us.resign(START);
    let mut now = START;
    for _ in 0..100 {
        match us.next(now) {
            Next::Go(_) => {
                now = now + Timing::STEADY.call;
                us.apply(Event::Failed, now);
            }
            Next::Wait(at) => now = at,
            Next::Done => return,
        }
    }
    panic!("still not done at {now}");
}

fn candidate() -> Election {
    Election::new("us", Timing::STEADY)
}

fn leader() -> Election {
    let mut us = candidate();
    us.apply(Event::Read(None), START);
    us.apply(Event::Written { lease: lease("1", Some("us"), 30), asked: START }, START);
    us
}

fn lease(version: &str, holder: Option<&str>, seconds: u64) -> Lease {
    let record = Record {
        holder: holder.map(str::to_owned),
        duration: Duration::from_secs(seconds),
        acquired: Some(START),
        renewed: Some(START),
        transitions: 3,
    };
    Lease { version: version.to_owned(), record }
}

fn take(transitions: u32) -> Change {
    Change::Take { holder: "us".to_owned(), duration: Timing::STEADY.duration, transitions }
}

fn renew() -> Change {
    Change::Renew { holder: "us".to_owned(), duration: Timing::STEADY.duration }
}
