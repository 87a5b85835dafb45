//! Where a process may have died: what is in the cluster then, and what another one does.

use super::*;

#[test]
fn after_the_request_of_one_pass_it_is_made_again_since_its_key_is_gone() {
    assert_eq!(Case::new().request(Request::going(1, KEY)).action(), drop_request("web-1"));
}

#[test]
fn after_the_certificate_of_one_pass_it_is_made_again_since_its_key_is_gone() {
    assert_eq!(Case::new().request(Request::issued(1, KEY, LEAF)).action(), drop_request("web-1"));
}

#[test]
fn after_the_secret_only_the_status_is_written() {
    let case = Case::new().request(Request::issued(1, KEY, LEAF)).target(Target::There(Arc::new(holding(KEY, LEAF))));
    let actions = case.actions();
    assert!(matches!(&actions[..], [Action::Report(report)] if report.revision == Some(1)), "{actions:?}");
}

#[test]
fn after_the_secret_of_a_renewal_only_the_status_is_written() {
    let case = Case::issued().request(Request::issued(2, OTHER_KEY, [4; 32]));
    let actions = case.target(Target::There(Arc::new(holding(OTHER_KEY, [4; 32])))).actions();
    assert!(matches!(&actions[..], [Action::Report(report)] if report.revision == Some(2)), "{actions:?}");
}

#[test]
fn after_the_status_what_is_left_goes() {
    let mut status = settled();
    status["revision"] = json!(2);
    let case = Case::issued().status(&status).request(Request::issued(2, KEY, LEAF)).stored("web-abcde");
    assert_eq!(case.actions(), [Action::DropKey("web-abcde".into()), drop_request("web-1")]);
}

#[test]
fn after_the_key_it_is_read_and_used() {
    let case = Case::new().stored("web-abcde").prospect(Prospect::Waiting);
    assert_eq!(case.action(), Action::ReadKey("web-abcde".into()));
    assert_eq!(case.key(Place::Stored("web-abcde".into())).action(), Action::Request(1));
}

#[test]
fn after_the_key_of_another_kind_it_goes() {
    let mut case = Case::new().stored("web-abcde").prospect(Prospect::Waiting);
    case.key = Some(rsa(Place::Stored("web-abcde".into())));
    assert_eq!(case.action(), Action::DropKey("web-abcde".into()));
}

#[test]
fn after_a_request_with_a_stored_key_it_goes_on() {
    let case = Case::new().stored("web-abcde").request(Request::going(1, KEY)).prospect(Prospect::Waiting);
    assert_eq!(case.action(), Action::ReadKey("web-abcde".into()));
    assert_eq!(case.key(Place::Stored("web-abcde".into())).action(), step("web-1"));
}

#[test]
fn after_a_certificate_with_a_stored_key_it_is_stored() {
    let case = Case::new().stored("web-abcde").request(Request::issued(1, KEY, LEAF)).prospect(Prospect::Waiting);
    assert_eq!(case.action(), Action::ReadKey("web-abcde".into()));
    assert_eq!(case.key(Place::Stored("web-abcde".into())).action(), Action::Store("web-1".into()));
}

#[test]
fn of_two_requests_of_a_revision_the_one_whose_key_is_at_hand_stays() {
    let case = Case::new().key(Place::Stored("web-abcde".into())).stored("web-abcde");
    let newer = Request { created: at(5), ..Request::going(1, OTHER_KEY) };
    let older = Request::going(1, KEY);
    // The test's names tell the requests apart by their place.
    let case = case.request(Request::going(-1, KEY));
    assert!(matches!(case.action(), Action::DropRequest(_)), "one without a revision goes first");
    let mut case = case;
    case.requests = vec![older.clone(), older, newer];
    assert_eq!(case.action(), drop_request("web-1x"));
}

#[test]
fn a_request_for_what_is_not_asked_for_any_more_is_replaced() {
    let request = Request::going(1, KEY).unlike("spec.dnsNames");
    assert_eq!(Case::new().key(Place::Memory).request(request).action(), drop_request("web-1"));
}

#[test]
fn what_the_secret_holds_is_told_before_another_is_asked_for() {
    let request = Request::issued(1, KEY, LEAF).unlike("spec.dnsNames");
    let case = Case::new().request(request).target(Target::There(Arc::new(holding(KEY, LEAF))));
    let report = case.report();
    assert_eq!(report.revision, Some(1));
    let ready = report.ready.expect("it is told");
    assert_eq!((ready.is_true, ready.reason.as_str()), (false, "RequestChanged"));
    assert_eq!(ready.message, "Fields on existing CertificateRequest resource not up to date: [spec.dnsNames]");
}

#[test]
fn a_request_that_another_controller_makes_is_left_to_it_for_a_minute() {
    let appeared = |ago: i64| Request { appeared: Some(at(-ago)), ..Request::going(1, OTHER_KEY) };
    for state in [State::Going, State::Issued, State::Failed(at(-1))] {
        let case = Case::new().key(Place::Memory).request(Request { state, ..appeared(5) });
        let Action::Announce(note) = case.action() else { panic!("it is said that there are two") };
        assert_eq!(note.reason, "AnotherController");
        let said = Case { announced: vec![note], ..case };
        said.rests_until(at(55));
    }
    let case = Case::new().key(Place::Memory).request(appeared(60));
    assert_eq!(case.action(), drop_request("web-1"), "after that it goes on as with one that nobody works on");
}

#[test]
fn a_request_for_the_key_at_hand_is_ours_whoever_told_of_it_first() {
    let case = Case::new().key(Place::Memory).request(Request { appeared: Some(at(0)), ..Request::going(1, KEY) });
    assert_eq!(case.action(), step("web-1"));
}
