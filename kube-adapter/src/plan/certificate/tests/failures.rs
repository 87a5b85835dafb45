//! Attempts that fail: told once, tried again in time.

use super::*;
use crate::status::{Failures, Field};

#[test]
fn a_failure_is_told_with_what_follows_from_it() {
    let case = Case::new().key(Place::Memory).request(Request::failed(1, at(-1)));
    let report = case.report();
    assert_eq!(report.failures, Field::Set(Failures { attempts: 1, at: at(0) }));
    let Field::Set(issuing) = report.issuing else { panic!("it is told") };
    assert_eq!((issuing.is_true, issuing.reason.as_str()), (false, "Failed"));
    assert_eq!(
        issuing.message,
        format!(
            "The certificate request has failed to complete and will be retried: no such zone (attempt 1; next not before {}; cmctl renew tries now)",
            hours(1)
        )
    );
    assert!(report.event.is_some_and(|it| it.reason == "Failed" && it.text == issuing.message));
}

#[test]
fn the_next_attempt_waits_an_hour_and_twice_as_long_each_time_up_to_32() {
    for (attempts, pause) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 32), (7, 32), (0, 1)] {
        let case = Case::new().status(&failed(attempts, at(-60))).request(Request::failed(1, at(-60)));
        case.rests_until(hours(pause) - Duration::from_secs(60));
    }
}

#[test]
fn the_failed_request_goes_when_the_next_attempt_begins() {
    let case = Case::new().status(&failed(1, hours(-1))).request(Request::failed(1, hours(-1)));
    assert_eq!(case.action(), drop_request("web-1"));
    let case = Case::new().status(&failed(1, hours(-1)));
    assert_eq!(case.action(), Action::MakeKey);
}

#[test]
fn the_key_of_a_failed_attempt_goes_at_once() {
    let case = Case::new().status(&failed(1, at(-60))).request(Request::failed(1, at(-60))).stored("web-abcde");
    assert_eq!(case.action(), Action::DropKey("web-abcde".into()));
}

#[test]
fn another_specification_lifts_the_pause_and_says_so_before_the_request_goes() {
    let request = || Request::failed(1, at(-60)).unlike("spec.dnsNames");
    let told = Case::new().status(&failed(3, at(-60))).request(request()).report();
    let Field::Set(issuing) = told.issuing else { panic!("it is told") };
    assert!(issuing.is_true);
    // As it stands in the status then.
    let case = Case::new().status(&renewed_by_hand(failed(3, at(-60)), at(0)));
    assert_eq!(case.clone_with(request()).action(), drop_request("web-1"));
    assert_eq!(case.action(), Action::MakeKey);
}

#[test]
fn a_renewal_by_hand_lifts_the_pause() {
    let case = Case::new().status(&renewed_by_hand(failed(3, at(-60)), at(-5)));
    assert_eq!(case.clone_with(Request::failed(1, at(-60))).action(), drop_request("web-1"));
    assert_eq!(case.action(), Action::MakeKey);
}

#[test]
fn a_failure_after_a_renewal_by_hand_counts() {
    let case = Case::new().status(&renewed_by_hand(failed(3, at(-60)), at(-5)));
    let report = case.clone_with(Request::failed(1, at(-1))).report();
    assert_eq!(report.failures, Field::Set(Failures { attempts: 4, at: at(0) }));
}

#[test]
fn a_certificate_in_use_stays_ready_while_its_renewal_fails() {
    let case = Case::issued().status(&renewed_by_hand(settled(), at(-10))).request(Request::failed(2, at(-1)));
    let report = case.report();
    assert!(report.ready.is_some_and(|it| it.is_true));
    assert!(matches!(report.failures, Field::Set(Failures { attempts: 1, .. })));
}

#[test]
fn what_was_of_no_use_is_not_stored_twice() {
    let issued = Request { created: at(-61), ..Request::issued(1, KEY, LEAF) };
    let case = Case::new().status(&failed(1, at(-60))).key(Place::Memory).request(issued);
    case.rests_until(hours(1) - Duration::from_secs(60));
}

impl Case {
    fn clone_with(&self, request: Request) -> Self {
        let mut case = Self::new().prospect(self.prospect).request(request);
        case.object = self.object.clone();
        case
    }
}

#[test]
fn a_secret_that_the_server_refuses_is_said_and_not_tried_for_ever() {
    let mut undressed = holding(KEY, LEAF);
    undressed.proof = Proof::default();
    let failure = Failure { reason: "SecretRefused".to_owned(), message: "too large".to_owned() };
    let case = Case::issued().target(Target::There(Arc::new(undressed)));
    assert_eq!(case.action(), Action::Refresh);
    let refused = Case { failure: Some(failure), ..case };
    let Action::Announce(note) = refused.action() else { panic!("it is said") };
    assert_eq!((&*note.reason, &*note.text), ("SecretRefused", "too large"));
    Case { announced: vec![note], ..refused }.rests_until(hours(30 * 24));
}

#[test]
fn a_secret_that_nobody_asked_for_waits_its_turn_and_one_that_was_asked_for_does_not() {
    let mut undressed = holding(KEY, LEAF);
    undressed.proof = Proof::default();
    let case = Case::issued().target(Target::There(Arc::new(undressed)));
    let mut crowded = Case { fix_up_at: at(30), ..case };
    crowded.rests_until(at(30));
    crowded.object.metadata.generation = Some(3);
    assert_eq!(crowded.action(), Action::Refresh);
}

#[test]
fn what_the_issuer_lacks_stands_behind_the_old_words_as_long_as_it_lacks_it() {
    let hint = "Referenced \"Issuer\" not found: issuer.cert-manager.io \"ca\" not found. A ClusterIssuer \"ca\" exists: set spec.issuerRef.kind: ClusterIssuer";
    let case = Case { hint: Some(hint.to_owned()), begun: Some(at(-5)), ..Case::new() };
    let waiting = case.prospect(Prospect::Waiting).stored("web-abcde").key(Place::Stored("web-abcde".into()));
    let waiting = waiting.request(Request::going(1, KEY));
    let Field::Set(told) = &reports(waiting.actions())[0].issuing else { panic!("it is told") };
    assert_eq!(told.message, format!("Issuing certificate as Secret does not exist. It waits: {hint}"));
    let object = {
        let report = reports(waiting.actions()).remove(0);
        let mut object = waiting.object.clone();
        object.status = Some(report.applied(&object, at(0)));
        object
    };
    let known = Case { object, ..waiting };
    assert_eq!(reports(known.actions()), [], "it is told once");
    let mended = Case { hint: None, ..known };
    let Field::Set(told) = &reports(mended.actions())[0].issuing else { panic!("it is taken back") };
    assert_eq!((told.is_true, &*told.message), (true, "Issuing certificate as Secret does not exist"));
}

#[test]
fn a_name_that_somebody_else_took_is_said_and_tried_again() {
    let case = Case { obstacle: Some("web-1"), ..Case::new().key(Place::Memory) };
    let actions = case.actions();
    let [Action::Announce(note), Action::Request(1)] = actions.as_slice() else { panic!("{actions:?}") };
    assert_eq!(note.reason, "RequestNameTaken");
    assert!(note.text.starts_with("CertificateRequest \"web-1\" exists and does not belong to this Certificate"));
}

#[test]
fn who_wants_to_hear_everything_hears_why_a_certificate_is_issued() {
    let case = Case { says_all: true, ..Case::new().key(Place::Memory) };
    let actions = case.actions();
    let [Action::Announce(note), Action::Request(1)] = actions.as_slice() else { panic!("{actions:?}") };
    assert_eq!((&*note.reason, &*note.text), ("Issuing", "Issuing certificate as Secret does not exist"));
    // Once, though the cause is another by now: a temporary certificate, for one.
    let said = Note { text: "another cause".to_owned(), ..note.clone() };
    assert_eq!(Case { announced: vec![said], ..case }.actions(), [Action::Request(1)]);
}

#[test]
fn who_wants_to_hear_everything_hears_why_the_next_key_goes() {
    let stored = || Place::Stored("web-abcde".into());
    let case = Case { says_all: true, key: Some(rsa(stored())), ..Case::new().stored("web-abcde") };
    let actions = case.actions();
    let [Action::Announce(note), Action::DropKey(_)] = actions.as_slice() else { panic!("{actions:?}") };
    let told = "Regenerating private key due to change in fields: [spec.privateKey.algorithm]";
    assert_eq!((&*note.reason, &*note.text), ("Deleted", told));
}
