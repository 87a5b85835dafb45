use std::time::Duration;

use acme_core::Timestamp;

use super::{APPROVED, Action, DENIED, INVALID, Observed, READY, Standing, approved, plan, with_ready};
use crate::crd::condition::{Condition, ConditionStatus, Conditions};
use crate::issuer::View;
use crate::key::Name;
use crate::request::{Failure, Memory, Right, order};

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_800_000_000)
}

fn said(kind: &str, reason: &str, message: &str) -> Conditions {
    [Condition::new(kind, ConditionStatus::True, reason, message)].into_iter().collect()
}

/// How a request with these conditions stands at `seconds` after it was seen.
fn stands(conditions: &Conditions, issuer: View<'_>, right: Right, seconds: u64) -> Standing {
    let memory = Memory { seen: Some(now()), ..Memory::default() };
    let observed = Observed {
        conditions,
        failed_at: None,
        issuer,
        missing: &|| "Referenced \"Issuer\" not found: it".to_owned(),
        right,
        key_secret: None,
        pickup: None,
        memory: &memory,
        visible_after: Duration::from_secs(2),
        order: None,
        says_all: false,
        closing: false,
    };
    plan(&observed, now() + Duration::from_secs(seconds))
}

fn actions(standing: Standing) -> Vec<Action> {
    match standing {
        Standing::Going(agenda) => agenda.ready,
        Standing::Issued | Standing::Ended(_) => panic!("it goes on: {standing:?}"),
    }
}

#[test]
fn nobody_is_told_of_a_short_wait_and_everybody_of_a_long_one() {
    let nothing = Conditions::default();
    assert_eq!(actions(stands(&nothing, View::Missing, Right::Allowed, 1)), []);
    let told = Action::Show("Referenced \"Issuer\" not found: it".to_owned());
    assert_eq!(actions(stands(&nothing, View::Missing, Right::Allowed, 2)), [told]);
    let shown = with_ready(
        approved(&nothing, now()),
        ConditionStatus::False,
        "Pending",
        "Referenced \"Issuer\" not found: it",
        now(),
    );
    assert_eq!(actions(stands(&shown, View::Missing, Right::Allowed, 60)), [], "the same word is not said twice");
}

#[test]
fn what_may_not_be_approved_is_not_signed() {
    let nothing = Conditions::default();
    assert_eq!(actions(stands(&nothing, View::Missing, Right::Unknown, 9)), [Action::AskRight]);
    for right in [Right::Off, Right::Asked] {
        assert_eq!(actions(stands(&nothing, View::Missing, right, 9)), []);
    }
    let until = now() + Duration::from_secs(60);
    let told = actions(stands(&nothing, View::Missing, Right::Refused(until), 9));
    assert!(matches!(told.as_slice(), [Action::Show(text)] if text.ends_with("approveSignerNames)")), "{told:?}");
}

#[test]
fn who_wants_to_hear_everything_hears_once_that_an_approval_is_waited_for() {
    let nothing = Conditions::default();
    let step = |memory: &Memory, right: Right, issuer: View<'_>| {
        let observed = Observed {
            conditions: &nothing,
            failed_at: None,
            issuer,
            missing: &String::new,
            right,
            key_secret: None,
            pickup: None,
            memory,
            visible_after: Duration::from_secs(2),
            order: None,
            says_all: true,
            closing: false,
        };
        actions(plan(&observed, now()))
    };
    let before = Memory { seen: Some(now()), ..Memory::default() };
    assert_eq!(step(&before, Right::Off, View::Missing), [Action::Announce]);
    assert_eq!(step(&before, Right::Off, View::Foreign), [], "of that its own controller tells");
    let after = Memory { seen: Some(now()), wait_is_said: true, ..Memory::default() };
    assert_eq!(step(&after, Right::Off, View::Missing), []);
}

#[test]
fn another_controllers_request_is_approved_and_left_alone() {
    let nothing = Conditions::default();
    assert_eq!(actions(stands(&nothing, View::Foreign, Right::Allowed, 9)), [Action::Approve]);
    assert_eq!(actions(stands(&approved(&nothing, now()), View::Foreign, Right::Allowed, 9)), []);
}

#[test]
fn a_denial_is_obeyed_whatever_else_is_true() {
    let denied = said(DENIED, "policy", "no");
    assert_eq!(actions(stands(&denied, View::Missing, Right::Allowed, 0)), [Action::Deny]);
    assert_eq!(approved(&denied, now()), denied, "what was denied is never approved");
    let told = with_ready(denied, ConditionStatus::False, DENIED, "it was denied", now());
    let Standing::Ended(ended) = stands(&told, View::Missing, Right::Allowed, 0) else { panic!("it ended") };
    assert_eq!((ended.reason.as_str(), ended.message.as_str()), (DENIED, "it was denied"));
}

#[test]
fn what_others_wrote_ends_a_request() {
    let issued = with_ready(Conditions::default(), ConditionStatus::True, "Issued", "", now());
    assert_eq!(stands(&issued, View::Foreign, Right::Allowed, 0), Standing::Issued);
    let invalid = said(INVALID, "Odd", "of no use");
    assert!(
        matches!(stands(&invalid, View::Foreign, Right::Allowed, 0), Standing::Ended(ended) if ended.reason == INVALID)
    );
}

#[test]
fn a_write_that_was_refused_is_not_made_again_at_once() {
    let conditions = said(DENIED, "policy", "no");
    let later = now() + Duration::from_secs(5);
    let memory = Memory { quiet_until: Some(later), ..Memory::default() };
    let observed = Observed {
        conditions: &conditions,
        failed_at: None,
        issuer: View::Missing,
        missing: &String::new,
        right: Right::Allowed,
        key_secret: None,
        pickup: None,
        memory: &memory,
        visible_after: Duration::from_secs(2),
        order: None,
        says_all: false,
        closing: false,
    };
    let Standing::Going(agenda) = plan(&observed, now()) else { panic!("it goes on") };
    assert_eq!((agenda.ready.len(), agenda.wake.map(|wake| wake.at)), (0, Some(later)));
    assert_eq!(actions(plan(&observed, later)), [Action::Deny]);
}

#[test]
fn an_order_is_made_after_the_approval_that_names_it() {
    let name = Name::new("shop", "web-1-123");
    let memory = Memory { seen: Some(now()), ..Memory::default() };
    let step = |conditions: &Conditions, view: order::View| {
        let observed = Observed {
            conditions,
            failed_at: None,
            issuer: View::Missing,
            missing: &String::new,
            right: Right::Allowed,
            key_secret: None,
            pickup: None,
            memory: &memory,
            visible_after: Duration::from_secs(2),
            order: Some(view),
            says_all: false,
            closing: false,
        };
        actions(observed.order(now()))
    };
    let nothing = Conditions::default();
    let text = "Waiting on certificate issuance from order shop/web-1-123: \"pending\"";
    assert_eq!(step(&nothing, order::View::Unmade(name.clone())), [Action::Show(text.to_owned())]);
    let told = with_ready(approved(&nothing, now()), ConditionStatus::False, "Pending", text, now());
    assert_eq!(told.get(APPROVED).map(|it| it.reason.as_str()), Some("cert-manager.io"));
    assert_eq!(told.get(READY).map(|it| it.reason.as_str()), Some("Pending"));
    assert_eq!(step(&told, order::View::Unmade(name.clone())), [Action::MakeOrder]);
    assert_eq!(step(&told, order::View::Pending(name.clone())), []);
    assert_eq!(step(&told, order::View::Unfit(name.clone())), [Action::DropOrder(name.clone())]);
    assert_eq!(step(&told, order::View::Issued(name.clone())), [Action::TakeOrder(name.clone())]);
    let message = "Failed to wait for order resource \"web-1-123\" to become ready: order is in \"errored\" state: no";
    assert_eq!(
        step(&told, order::View::Failed(name, "errored".to_owned(), "no".to_owned())),
        [Action::Fail(Failure::new("OrderFailed", message.to_owned()))]
    );
}

#[test]
fn what_was_handed_in_is_written_down_before_anything_is_waited_for() {
    let told = with_ready(approved(&Conditions::default(), now()), ConditionStatus::False, "Pending", "it", now());
    let step = |memory: &Memory, pickup: Option<&str>, seconds: u64| {
        let observed = Observed {
            conditions: &told,
            failed_at: None,
            issuer: View::Missing,
            missing: &String::new,
            right: Right::Allowed,
            key_secret: None,
            pickup,
            memory,
            visible_after: Duration::from_secs(60),
            order: None,
            says_all: false,
            closing: false,
        };
        actions(observed.ask_remote(now() + Duration::from_secs(seconds)))
    };
    let nothing = Memory { seen: Some(now()), ..Memory::default() };
    assert_eq!(step(&nothing, None, 0), [Action::Ask]);
    assert_eq!(step(&nothing, Some("17"), 0), [Action::Ask], "what another process handed in is looked for");
    let mut memory = Memory { seen: Some(now()), pickup: Some("17".to_owned()), ..Memory::default() };
    memory.tries.again = Some(now() + Duration::from_secs(2));
    assert_eq!(step(&memory, None, 0), [Action::NotePickup]);
    assert_eq!(step(&memory, Some("16"), 9), [Action::NotePickup], "an older one is void");
    assert_eq!(step(&memory, Some("17"), 0), []);
    assert_eq!(step(&memory, Some("17"), 2), [Action::Ask]);
}
