//! What may not be done: it is told, and what else can be done goes on.

use super::*;
use crate::plan::certificate::TAKEN;
use crate::secret::named::FORBIDDEN;
use crate::status::Field;

fn lacking(is_closed: bool) -> Lacking {
    let reason = if is_closed { FORBIDDEN } else { TAKEN };
    Lacking { reason, message: "do something".to_owned(), is_closed }
}

impl Case {
    fn lacking(mut self, is_closed: bool) -> Self {
        self.lacking = Some(lacking(is_closed));
        self
    }

    /// The same after the status was written.
    fn told(mut self, report: &Report) -> Self {
        self.object.status = Some(report.applied(&self.object, at(0)));
        self
    }
}

#[test]
fn a_secret_of_which_nothing_is_known_is_told_once_and_nothing_is_begun() {
    let case = Case::new().target(Target::Unread).lacking(true);
    let report = case.report();
    let ready = report.ready.clone().expect("it is told");
    assert_eq!((ready.is_true, ready.reason.as_str(), ready.message.as_str()), (false, FORBIDDEN, "do something"));
    assert_eq!(report.issuing, Field::Kept);
    let mut case = case.told(&report);
    assert_eq!(case.next_at(at(0)), Next::Done(()));
    // Whatever the API server refuses is not asked again at once.
    case.object.status = None;
    case.held_until = Some(at(5));
    case.rests_until(at(5));
}

#[test]
fn a_certificate_that_is_good_stays_ready_and_what_lacks_is_told_of_the_next() {
    let case = Case::issued().target(Target::Unread).lacking(true);
    let report = case.report();
    assert_eq!(report.ready, None);
    assert!(matches!(&report.issuing, Field::Set(told) if !told.is_true && told.reason == FORBIDDEN));
    let mut case = case.told(&report);
    assert_eq!(case.next_at(at(0)), Next::Done(()));
    // What was told is taken back once nothing lacks.
    case.lacking = None;
    case.target = Target::There(Arc::new(holding(KEY, LEAF)));
    let report = case.report();
    assert_eq!(report.issuing, Field::Cleared);
    assert!(report.ready.expect("it is told").is_true);
}

#[test]
fn what_somebody_asked_for_by_hand_is_not_taken_back() {
    let mut status = settled();
    status["conditions"].as_array_mut().expect("conditions").push(json!({
        "type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "asked for",
    }));
    let report = Case::issued().status(&status).target(Target::Unread).lacking(true).report();
    let Field::Set(issuing) = report.issuing else { panic!("it is told") };
    assert!(issuing.is_true && issuing.reason == "ManuallyTriggered");
    assert_eq!(issuing.message, "asked for. It waits: do something");
}

#[test]
fn a_call_that_was_refused_is_told_and_made_again_when_it_is_time_and_nothing_else_is_told() {
    let mut case = Case::new().prospect(Prospect::LongWait).key(Place::Memory).lacking(false);
    case.held_until = Some(at(5));
    let report = case.report();
    assert!(report.is_of_lack());
    let mut case = case.told(&report);
    case.rests_until(at(5));
    case.held_until = Some(at(0));
    assert_eq!(case.actions(), [Action::StoreKey]);
    // Otherwise people would hear of another wait.
    case.lacking = None;
    assert!(case.actions().iter().any(|it| matches!(it, Action::Report(_))));
}
