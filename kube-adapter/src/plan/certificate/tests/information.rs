//! What is asked about renewals, when, and what the status says of the answers.

use acme_core::protocol::{CertificateId, Window};
use certstore::record::RenewalPlan;

use super::*;
use crate::status::Field;

fn id(text: &str) -> CertificateId {
    CertificateId::try_from(text.to_owned()).expect("it is a certificate's")
}

/// What was answered this many seconds ago: a window from ten to twenty days from now.
fn answered(asked: i64) -> Answered {
    let window = Window::new(hours(10 * 24), hours(20 * 24)).expect("it ends after it begins");
    let plan = RenewalPlan::new(id("YWE.YmI"), at(asked + 6 * 3600)).with_window(window, hours(15 * 24));
    Answered { plan, asked: at(asked), error: String::new(), revision: 1 }
}

fn offered(next: Timestamp, answer: Option<Answered>) -> Information<'static> {
    let answer: Option<&'static Answered> = answer.map(|it| &*Box::leak(Box::new(it)));
    Information {
        source: Source::Offered { next },
        certificate: Some(id("YWE.YmI")),
        answer,
        chosen: answer.and_then(|it| it.plan.chosen),
    }
}

fn question(revision: i64) -> Action {
    Action::AskRenewal { certificate: id("YWE.YmI"), revision }
}

fn reported(case: &Case) -> Report {
    reports(case.actions()).pop().expect("something is told")
}

#[test]
fn the_issuer_is_asked_when_it_is_time_and_not_before() {
    let case = Case { information: offered(at(0), None), ..Case::issued() };
    assert_eq!(case.actions(), [question(1)]);
    let case = Case { information: offered(at(600), None), ..Case::issued() };
    case.rests_until(at(600));
}

#[test]
fn the_time_of_renewal_follows_what_is_suggested_and_is_told_with_it() {
    let case = Case { information: offered(at(6 * 3600), Some(answered(0))), ..Case::issued() };
    let report = reported(&case);
    assert_eq!(report.renewal, Field::Set(hours(15 * 24)));
    let Field::Set(told) = &report.information else { panic!("{report:?}") };
    assert_eq!(told.last_checked, Some(at(0).into()));
    let told = Case { object: with(&case, &report), ..case };
    told.rests_until(at(6 * 3600));
}

#[test]
fn an_answer_that_changes_nothing_is_told_once_a_day() {
    let case = Case { information: offered(at(6 * 3600), Some(answered(0))), ..Case::issued() };
    let object = with(&case, &reported(&case));
    let later = |asked: i64| Case {
        information: offered(at(asked + 6 * 3600), Some(answered(asked))),
        object: object.clone(),
        ..Case::issued()
    };
    let told = |case: &Case, now: i64| match case.next_at(at(now)) {
        Next::Go(agenda) => reports(agenda.ready).len(),
        Next::Done(()) => 0,
    };
    assert_eq!(told(&later(18 * 3600), 18 * 3600), 0);
    assert_eq!(told(&later(24 * 3600), 24 * 3600), 1);
    let mut failed = answered(3600);
    failed.error = "the server is busy".to_owned();
    let failed = Case { information: offered(at(2 * 3600), Some(failed)), object, ..Case::issued() };
    assert_eq!(told(&failed, 3600), 1, "an error is news");
}

#[test]
fn it_is_renewed_at_the_chosen_instant() {
    let case = Case { information: offered(hours(400 * 24), Some(answered(0))), ..Case::issued() };
    let case = Case { object: with(&case, &reported(&case)), ..case };
    let begins = |now: Timestamp| match case.next_at(now) {
        Next::Go(agenda) => agenda.ready.contains(&Action::MakeKey),
        Next::Done(()) => false,
    };
    assert!(!begins(hours(15 * 24) - Duration::from_secs(1)));
    assert!(begins(hours(15 * 24)));
}

#[test]
fn a_new_certificate_is_asked_about_before_it_is_told_but_not_for_long() {
    let case = Case::new()
        .key(Place::Memory)
        .target(Target::There(Arc::new(holding(KEY, LEAF))))
        .request(Request::issued(1, KEY, LEAF));
    let fresh = Case { information: offered(at(0), None), stored_at: Some(at(0)), ..case };
    assert_eq!(fresh.actions(), [question(1)]);
    let late = Case { stored_at: Some(at(-2)), ..fresh };
    let actions = late.actions();
    assert_eq!((actions.first(), actions.len()), (Some(&question(1)), 2));
    let restarted = Case { stored_at: None, ..late };
    assert_eq!(restarted.actions().len(), 2);
}

#[test]
fn nothing_of_the_certificate_before_stays_in_the_status() {
    let mut status = settled();
    status["acme"] = json!({ "ari": { "explanationURL": "https://ca.example/why" } });
    let silent = Case::issued().status(&status);
    let silent = Case { information: Information { source: Source::Silent, ..Information::default() }, ..silent };
    assert_eq!(reported(&silent).information, Field::Cleared);
    let unknown = Case { information: Information::default(), ..silent };
    unknown.rests_until(hours(30 * 24));
}

#[test]
fn a_renewal_outside_of_all_windows_is_said_once() {
    let window = json!({ "cron": "0 0 1 1 *", "windowDuration": "1h" });
    let case = Case::issued_with(&json!({ "renewal": { "policy": "RenewBefore", "windows": [window] } }));
    let said: Vec<Note> = case
        .actions()
        .into_iter()
        .filter_map(|it| if let Action::Announce(note) = it { Some(note) } else { None })
        .collect();
    assert_eq!(said.len(), 1, "{:?}", case.actions());
    let prefix = "Renewing certificate without satisfying renewal windows due to cannot find a time with the given windows between ";
    assert!(said[0].reason == "WindowError" && said[0].text.starts_with(prefix), "{said:?}");
    Case { announced: said, ..case }.rests_until(hours(30 * 24));
}

/// The object with what was told.
fn with(case: &Case, report: &Report) -> Certificate {
    let mut object = case.object.clone();
    object.status = Some(report.applied(&object, at(0)));
    object
}
