//! The paths of the ledger, write by write.

use super::*;
use crate::status::Field;

#[test]
fn a_first_certificate_is_looked_for_before_a_key_is_made() {
    assert_eq!(Case::new().target(Target::Unread).action(), Action::ReadTarget);
    assert_eq!(Case::new().action(), Action::MakeKey);
}

#[test]
fn one_pass_is_request_certificate_secret_and_status() {
    let case = Case::new().key(Place::Memory);
    assert_eq!(case.action(), Action::Request(1));
    let case = case.request(Request::going(1, KEY));
    assert_eq!(case.action(), step("web-1"));
    let case = Case::new().key(Place::Memory).request(Request::issued(1, KEY, LEAF));
    assert_eq!(case.action(), Action::Store("web-1".into()));
    let report = case.target(Target::There(Arc::new(holding(KEY, LEAF)))).report();
    assert_eq!((report.why, report.revision, report.issuing), ("issued", Some(1), Field::Cleared));
    assert_eq!((report.validity, report.renewal), (Field::Set(validity()), Field::Set(hours(30 * 24))));
    assert!(report.ready.is_some_and(|it| it.is_true));
    assert_eq!(
        report.event.map(|it| it.text).as_deref(),
        Some(
            "The certificate has been successfully issued (revision 1, by Issuer/ca, until 2027-03-16; issued for the first time)"
        )
    );
}

#[test]
fn a_key_is_stored_first_where_anybody_else_sees_its_request() {
    let case = Case::new().key(Place::Memory).prospect(Prospect::Waiting);
    assert_eq!(case.action(), Action::StoreKey);
    let case = Case::new().key(Place::Stored("web-abcde".into())).stored("web-abcde").prospect(Prospect::Waiting);
    assert_eq!(case.action(), Action::Request(1));
}

#[test]
fn an_issuer_that_is_being_looked_at_is_waited_for_a_moment() {
    let mut case = Case::new().key(Place::Memory).prospect(Prospect::Unclear);
    case.begun = Some(at(-1));
    assert_eq!(case.actions(), []);
    case.begun = Some(at(-2));
    assert_eq!(case.actions()[0], Action::StoreKey, "it may never come");
    case.begun = None;
    assert_eq!(case.action(), Action::StoreKey);
    let case = Case::new().key(Place::Stored("web-abcde".into())).stored("web-abcde").prospect(Prospect::Unclear);
    assert_eq!(case.action(), Action::Request(1), "what is stored can wait");
}

#[test]
fn a_wait_that_is_certain_is_told_at_once() {
    let case = Case::new().key(Place::Memory).prospect(Prospect::LongWait);
    assert_eq!(case.actions()[0], Action::StoreKey);
    let report = case.report();
    let Field::Set(issuing) = report.issuing else { panic!("it is told") };
    assert_eq!((issuing.is_true, issuing.reason.as_str()), (true, "DoesNotExist"));
    assert_eq!(issuing.message, "Issuing certificate as Secret does not exist");
    assert!(report.ready.is_some_and(|it| !it.is_true && it.reason == "DoesNotExist"));
    assert_eq!(report.next_key, Field::Set("web-abcde".to_owned()), "the key has its name before it is stored");
}

#[test]
fn a_wait_that_is_not_certain_is_told_when_it_lasts() {
    let mut case = Case::new().key(Place::Stored("web-abcde".into())).stored("web-abcde").prospect(Prospect::Waiting);
    case = case.request(Request::going(1, KEY));
    case.begun = Some(at(-1));
    assert_eq!(case.action(), step("web-1"));
    case.begun = Some(at(-2));
    assert_eq!(case.report().next_key, Field::Set("web-abcde".to_owned()));
}

#[test]
fn what_is_owed_is_told_when_the_process_ends_and_nothing_is_begun() {
    let mut case = Case::new();
    case.is_closing = true;
    assert_eq!(case.actions().len(), 1);
    assert_eq!(case.report().why, "issuing");
}

#[test]
fn a_settled_certificate_rests_until_its_renewal() {
    Case::issued().rests_until(hours(30 * 24));
}

#[test]
fn a_renewal_that_is_due_begins() {
    let case = Case::issued();
    let Next::Go(agenda) = case.next_at(hours(30 * 24)) else { panic!("it goes on") };
    assert_eq!(agenda.ready, [Action::MakeKey]);
}

#[test]
fn a_renewal_that_nobody_wants_is_the_end_that_is_told() {
    let mut case = Case::issued_with(&json!({ "renewal": { "policy": "Disabled" } }));
    assert_eq!(case.report().renewal, Field::Cleared);
    let mut status = settled();
    status["renewalTime"] = Value::Null;
    case = case.status(&status);
    case.rests_until(hours(60 * 24) + Duration::from_millis(1));
    let Next::Go(agenda) = case.next_at(hours(60 * 24) + Duration::from_millis(1)) else { panic!("it is told") };
    assert!(
        matches!(&agenda.ready[..], [Action::Report(report)] if report.ready.as_ref().is_some_and(|it| it.reason == "Expired"))
    );
}

#[test]
fn requests_beyond_the_limit_go_the_oldest_first() {
    let mut status = settled();
    status["revision"] = json!(2);
    let case = Case::issued().status(&status).request(Request::issued(2, KEY, LEAF));
    assert_eq!(case.action(), drop_request("web-1"));
}

#[test]
fn a_renewal_by_hand_keeps_what_is_there_until_there_is_another() {
    let case = Case::issued().status(&renewed_by_hand(settled(), at(-1)));
    assert_eq!(case.action(), Action::MakeKey);
    let mut case = case;
    case.key = Some(key(OTHER_KEY, Place::Memory));
    assert_eq!(case.action(), Action::Request(2));
    let case = case.request(Request::issued(2, OTHER_KEY, [4; 32]));
    let report = case.target(Target::There(Arc::new(holding(OTHER_KEY, [4; 32])))).report();
    assert_eq!((report.revision, report.issuing), (Some(2), Field::Cleared));
    assert!(report.event.is_some_and(|it| it.text.ends_with("renewed by hand)")));
}

#[test]
fn a_key_that_stays_is_that_of_the_secret() {
    let case = Case::issued_with(&json!({ "privateKey": { "algorithm": "ECDSA", "rotationPolicy": "Never" } }));
    let mut case = case.status(&renewed_by_hand(settled(), at(-1))).prospect(Prospect::Waiting);
    case.key = Some(key(KEY, Place::Target));
    assert_eq!(case.action(), Action::Request(2));
}

#[test]
fn a_key_that_shall_stay_and_does_not_fit_waits_for_a_person() {
    let case = Case::issued_with(&json!({ "privateKey": { "algorithm": "RSA", "rotationPolicy": "Never" } }));
    let report = case.report();
    let Field::Set(issuing) = report.issuing else { panic!("it is told") };
    assert_eq!((issuing.is_true, issuing.reason.as_str()), (false, "CannotRegenerateKey"));
    assert!(issuing.message.starts_with("User intervention required: existing private key in Secret \"web-tls\""));
    assert!(case.actions().iter().all(|it| matches!(it, Action::Report(_))));
}

#[test]
fn while_the_secret_is_written_another_specification_takes_no_request_away() {
    let mut case = Case::new().key(Place::Memory).request(Request::issued(1, KEY, LEAF).unlike("spec.dnsNames"));
    assert_eq!(case.action(), drop_request("web-1"));
    case.is_storing = true;
    case.rests_until(at(30));
}

#[test]
fn a_temporary_certificate_keeps_the_key_instead_of_a_secret_of_its_own() {
    let mut case = Case::new().key(Place::Memory).prospect(Prospect::Waiting);
    case.wants_temporary = true;
    assert_eq!(case.action(), Action::StoreTemporary);
    let mut shown = holding(KEY, [9; 32]);
    let Contents::Sound(sound) = &mut shown.contents else { panic!("it is sound") };
    sound.is_temporary = true;
    let case = case.key(Place::Target).target(Target::There(Arc::new(shown)));
    assert_eq!(case.action(), Action::Request(1));
    let case = case.request(Request::issued(1, KEY, LEAF));
    assert_eq!(case.action(), Action::Store("web-1".into()));
}

#[test]
fn a_secret_from_a_backup_is_taken_as_it_is() {
    let mut restored = holding(KEY, LEAF);
    (restored.certificate, restored.issuer, restored.proof) = (None, None, Proof::default());
    let case = Case::new().target(Target::There(Arc::new(restored)));
    assert_eq!(case.action(), Action::Refresh);
    let case = case.target(Target::There(Arc::new(holding(KEY, LEAF))));
    let report = case.report();
    assert_eq!((report.why, report.revision), ("ready", None));
}

#[test]
fn who_does_not_own_the_secret_is_told_who_does_and_nothing_else_happens() {
    let mut case = Case::new();
    case.owner = Some("older");
    let ready = case.report().ready.expect("it is told");
    assert_eq!((ready.is_true, ready.reason.as_str()), (false, "IncorrectCertificate"));
    assert!(ready.message.ends_with("Certificate \"older\" owns Secret \"web-tls\"; give this one another secretName"));
    assert_eq!(case.actions().len(), 1);
}

#[test]
fn a_certificate_that_is_being_deleted_gets_no_write_at_all() {
    let mut case = Case::new();
    let now = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(k8s_openapi::jiff::Timestamp::UNIX_EPOCH);
    case.object.metadata.deletion_timestamp = Some(now);
    assert_eq!(case.next_at(at(0)), Next::Done(()));
}

#[test]
fn one_that_is_issued_again_and_again_is_held_and_says_who_writes_the_secret() {
    let mut case = Case::issued().status(&renewed_by_hand(settled(), at(-1)));
    case.loop_until = Some(hours(1));
    let Field::Set(issuing) = case.report().issuing else { panic!("it is told") };
    assert!(issuing.message.contains("written last by kubectl-edit"), "{}", issuing.message);
    assert_eq!(case.actions().len(), 1);
}

#[test]
fn an_immutable_secret_waits_for_a_person() {
    let mut immutable = holding(KEY, LEAF);
    immutable.is_immutable = true;
    let case = Case::issued().target(Target::There(Arc::new(immutable))).status(&renewed_by_hand(settled(), at(-1)));
    let Field::Set(issuing) = case.report().issuing else { panic!("it is told") };
    assert_eq!(issuing.reason, "SecretImmutable");
}
