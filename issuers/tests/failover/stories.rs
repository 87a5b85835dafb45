//! Who is asked when, and what an error leads to.

use std::time::Duration;

use acme_core::protocol::{Problem, ProblemType};
use acme_core::{Clock as _, ErrorKind, Retry};
use certwright_issuers::{Issuer as _, drive};
use testkit::ca::{Endpoint, Fault, Times, Wait};
use testkit::crash::Effects;
use testkit::run;

use crate::world::{Asked, DurableProgress, World};

#[test]
fn the_first_of_the_list_issues_while_it_is_well() {
    let world = World::new();

    world.issue(&world.process(), "a.example").unwrap();

    assert_eq!(world.orders(), (1, 0));
}

#[test]
fn an_authority_out_of_reach_is_passed_over_and_left_alone_for_a_minute() {
    let world = World::new();
    let process = world.process();
    world.first.inject_everywhere(Fault::DropBefore, Times::Always);

    world.issue(&process, "a.example").unwrap();
    let heard = world.first.total();
    world.issue(&process, "b.example").unwrap();

    assert_eq!(world.orders(), (0, 2));
    assert_eq!(world.first.total(), heard, "the first was asked while it rests");
    assert_eq!(process.resting().len(), 1);
}

#[test]
fn a_rest_ends_and_the_preferred_one_is_asked_again() {
    let world = World::new();
    let process = world.process();
    let fault = world.first.inject_everywhere(Fault::DropBefore, Times::Always);
    world.issue(&process, "a.example").unwrap();
    assert!(world.first.struck(fault) > 0);

    world.first.heal();
    world.clock.advance(Duration::from_secs(61));
    world.issue(&process, "b.example").unwrap();

    assert_eq!(world.orders(), (1, 1));
    assert!(process.resting().is_empty());
}

#[test]
fn rests_grow_with_each_failure_in_a_row() {
    let world = World::new();
    let process = world.process();
    world.first.inject_everywhere(Fault::DropBefore, Times::Always);
    let mut rests = Vec::new();
    for _ in 0..9 {
        world.issue(&process, "a.example").unwrap();
        let until = process.resting()[0].until;
        rests.push(until.since(world.clock.now()));
        world.clock.set(until);
    }

    assert!(rests[0] <= Duration::from_secs(60), "{rests:?}");
    assert!(rests.windows(2).take(5).all(|pair| pair[1] > pair[0]), "{rests:?}");
    assert!(rests[8] <= Duration::from_secs(3600) && rests[8] >= Duration::from_secs(2700), "{rests:?}");
}

#[test]
fn a_server_that_names_a_time_rests_that_long() {
    let world = World::new();
    let process = world.process();
    let wait = Wait::Seconds(Duration::from_secs(7200));
    world.first.inject(Endpoint::Directory, Fault::Unavailable(wait), Times::Once);

    world.issue(&process, "a.example").unwrap();

    let rest = process.resting()[0].until.since(world.clock.now());
    assert!(rest > Duration::from_secs(7000), "{rest:?}");
}

#[test]
fn a_rate_limit_concerns_its_names_alone() {
    let world = World::new();
    let process = world.process();
    let limit = Problem::new(ProblemType::RateLimited, "too many certificates already issued for this exact set");
    let fault = world.first.inject(Endpoint::NewOrder, Fault::Refuse(Box::new(limit)), Times::Always);

    world.issue(&process, "a.example").unwrap();
    assert!(world.first.struck(fault) > 0);
    world.first.heal();
    world.issue(&process, "b.example").unwrap();
    world.issue(&process, "a.example").unwrap();

    assert_eq!(world.orders(), (1, 2));
}

#[test]
fn a_limit_on_some_names_that_is_remembered_holds_up_nobody_else() {
    let world = World::new();
    let process = world.process();
    let limit = Wait::Seconds(Duration::from_secs(3 * 86400));
    world.first.inject(Endpoint::NewOrder, Fault::RateLimited(limit), Times::Once);
    world.issue(&process, "a.example").unwrap();
    let asked = world.asked_for_orders().0;

    // The authority still rests for these names here, and would not be asked by the issuer itself either.
    world.clock.advance(Duration::from_secs(2 * 86400));
    world.issue(&process, "a.example").unwrap();

    assert_eq!(world.asked_for_orders().0, asked);
    assert!(process.resting().iter().all(|it| it.names.is_some()), "{:?}", process.resting());
}

#[test]
fn an_attempt_that_had_failed_everywhere_when_the_process_died_begins_anew() {
    let world = World::new();
    let mut progress = DurableProgress::default();
    let over = br#"{"format":1,"state":{"passed":["first","second"]}}"#;
    run(&world.clock, certwright_issuers::Progress::save(&mut progress, over)).unwrap();
    let asked = Asked::new("a.example");

    run(&world.clock, drive(&world.process(), &asked.request(), &mut progress, &world.clock)).unwrap();

    assert_eq!(world.orders(), (1, 0));
}

#[test]
fn a_refusal_of_the_request_goes_to_nobody_else() {
    for kind in [ProblemType::RejectedIdentifier, ProblemType::BadCsr, ProblemType::Caa] {
        let world = World::new();
        let process = world.process();
        let problem = Problem::new(kind, "not this one");
        world.first.inject(Endpoint::NewOrder, Fault::Refuse(Box::new(problem)), Times::Once);

        let error = world.issue(&process, "a.example").unwrap_err();

        assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never));
        assert_eq!(world.second.total(), 0);
        assert!(process.resting().is_empty());
    }
}

#[test]
fn a_refusal_by_the_second_is_not_final_while_the_first_is_yet_to_be_heard() {
    let world = World::new();
    let process = world.process();
    world.first.inject_everywhere(Fault::DropBefore, Times::Always);
    let problem = Problem::new(ProblemType::RejectedIdentifier, "not this one");
    world.second.inject(Endpoint::NewOrder, Fault::Refuse(Box::new(problem)), Times::Once);

    let error = world.issue(&process, "a.example").unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(matches!(error.retry(), Retry::After(wait) if wait <= Duration::from_secs(60)), "{error:?}");
}

#[test]
fn rejected_credentials_lead_to_the_next() {
    let world = World::new();
    let problem = Problem::new(ProblemType::ExternalAccountRequired, "bring a binding");
    world.first.inject(Endpoint::NewAccount, Fault::Refuse(Box::new(problem)), Times::Always);

    world.issue(&world.process(), "a.example").unwrap();

    assert_eq!(world.orders(), (0, 1));
}

#[test]
fn nonsense_is_passed_over_only_when_it_repeats() {
    let world = World::new();
    let process = world.process();
    world.first.inject(Endpoint::Directory, Fault::Garbage, Times::Always);

    for _ in 0..2 {
        let error = world.issue(&process, "a.example").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
    }
    world.issue(&process, "a.example").unwrap();

    assert_eq!(world.orders(), (0, 1));
}

#[test]
fn when_nobody_can_the_error_says_why_of_each_and_when_to_come_back() {
    let world = World::new();
    let process = world.process();
    world.first.inject_everywhere(Fault::DropBefore, Times::Always);
    world.second.inject_everywhere(Fault::ServerError(500), Times::Always);

    let error = world.issue(&process, "a.example").unwrap_err();
    let heard = world.first.total() + world.second.total();
    let again = world.issue(&process, "a.example").unwrap_err();

    assert!(error.to_string().contains("first: ") && error.to_string().contains("second: "), "{error}");
    assert!(matches!(error.retry(), Retry::After(wait) if wait <= Duration::from_secs(60)), "{error:?}");
    assert_eq!(again.kind(), ErrorKind::Busy);
    assert_eq!(world.first.total() + world.second.total(), heard, "somebody at rest was asked");
}

#[test]
fn an_issuance_under_way_stays_where_it_is_across_a_restart() {
    let world = World::new();
    let asked = Asked::new("a.example");
    let mut progress = world.record.open(&Effects::unharmed());
    world.begin(&world.process(), &asked, &mut progress);

    // In the new process the other is preferred.
    let reordered = world.of(["second", "first"], &Effects::unharmed());
    let mut progress = world.record.open(&Effects::unharmed());
    run(&world.clock, drive(&reordered, &asked.request(), &mut progress, &world.clock)).unwrap();

    assert_eq!(world.orders(), (1, 0));
}

#[test]
fn an_issuance_at_somebody_who_is_gone_begins_anew() {
    let world = World::new();
    let asked = Asked::new("a.example");
    let mut progress = world.record.open(&Effects::unharmed());
    world.begin(&world.process(), &asked, &mut progress);

    let alone = world.of(["second"], &Effects::unharmed());
    run(&world.clock, drive(&alone, &asked.request(), &mut progress, &world.clock)).unwrap();

    assert_eq!(world.orders(), (1, 1));
}

#[test]
fn an_order_that_fails_is_settled_before_the_next_authority_hears_of_it() {
    let world = World::new();
    let asked = Asked::new("a.example");
    let mut progress = DurableProgress::default();
    let process = world.process();
    world.begin(&process, &asked, &mut progress);
    assert_eq!(world.presented.left_behind(), 1);
    world.first.inject_everywhere(Fault::DropBefore, Times::Always);

    // A new process, while the authority with the order stays away for good.
    let process = world.process();
    run(&world.clock, drive(&process, &asked.request(), &mut progress, &world.clock)).unwrap();

    assert_eq!(world.orders(), (1, 1));
    assert_eq!(world.presented.left_behind(), 0);
}

#[test]
fn what_is_remembered_in_a_store_outlives_the_process() {
    let world = World::new();
    world.first.inject_everywhere(Fault::DropBefore, Times::Always);
    world.issue(&world.remembering(), "a.example").unwrap();
    let heard = world.first.total();

    world.issue(&world.remembering(), "b.example").unwrap();
    assert_eq!(world.first.total(), heard, "a restart forgot the rest");

    let mut writes = world.store.writes();
    let process = world.remembering();
    world.issue(&process, "c.example").unwrap();
    writes = world.store.writes() - writes;
    assert_eq!(writes, 0, "a success that teaches nothing is not written");
}

#[test]
fn a_state_of_a_newer_release_is_left_alone() {
    let world = World::new();
    let mut progress = DurableProgress::default();
    let newer = br#"{"format":2,"state":{"at":"first"}}"#;
    run(&world.clock, certwright_issuers::Progress::save(&mut progress, newer)).unwrap();

    let asked = Asked::new("a.example");
    let error = run(&world.clock, world.process().issue(&asked.request(), &mut progress)).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(world.first.total() + world.second.total(), 0);
}
