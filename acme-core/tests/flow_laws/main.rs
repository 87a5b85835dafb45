//! The laws of the flows, as properties, with crashes at every effect.

mod driver;
mod world;

use std::time::Duration;

use certwright_acme_core as acme_core;

use acme_core::flow::{
    Assignment, ChallengeAction, ChallengeEvent, ChallengeFlow, ChallengePace, Fault, Issuance, IssuancePlan, Next,
    OrderAction, OrderEvent, OrderFlow, OrderOutcome, OrderPace, SolverId, Verdict,
};
use acme_core::protocol::{AuthorizationStatus, NewOrder, Problem, ProblemType, Url};
use acme_core::{ErrorKind, Identifier, Retry, Timestamp};
use driver::{Kill, Side, run};
use proptest::prelude::*;
use world::{Mischief, World, first_challenge, standing};

fn begin() -> Timestamp {
    Timestamp::from_unix_seconds(1_790_000_000)
}

fn plan(names: usize) -> IssuancePlan {
    let identifiers = (0..names).map(|it| Identifier::parse(&format!("n{it}.example.com")).expect("a name"));
    IssuancePlan::new(NewOrder::new(identifiers))
}

fn sides() -> [Side; 2] {
    [Side::Before, Side::After]
}

#[test]
fn an_undisturbed_issuance_ends_with_a_certificate_and_nothing_left_behind() {
    let mut world = World::new(1);
    let story = run(&mut world, &plan(5), begin(), &[]);
    assert!(story.outcome.result.is_ok(), "{:?}", story.outcome);
    assert!(world.presented.is_empty());
    assert_eq!(world.orders.len(), 1);
    assert!(story.took < Duration::from_secs(5), "{:?}", story.took);
}

#[test]
fn one_crash_anywhere_costs_at_most_an_idle_order() {
    for lists_orders in [false, true] {
        let effects = run(&mut World::new(2), &plan(2), begin(), &[]).effects;
        for effect in 0..effects {
            for side in sides() {
                let mut world = World::new(2);
                world.lists_orders = lists_orders;
                let story = run(&mut world, &plan(2), begin(), &[Kill { effect, side }]);
                let at = format!("killed {side:?} effect {effect}, list {lists_orders}");
                assert!(story.outcome.result.is_ok(), "{at}: {:?}", story.outcome);
                assert_eq!(world.finalized(), 1, "{at}");
                assert!(world.presented.is_empty(), "{at}");
                assert!(world.orders.len() <= if lists_orders { 1 } else { 2 }, "{at}: {} orders", world.orders.len());
            }
        }
    }
}

#[test]
fn two_crashes_in_a_row_finalize_one_order() {
    for lists_orders in [false, true] {
        let effects = run(&mut World::new(3), &plan(1), begin(), &[]).effects;
        for first in 0..effects {
            // Every third: the issuers' replay goes through every pair, with real bytes on a real store.
            for second in (first % 3..effects).step_by(3) {
                for (side, other) in sides().into_iter().flat_map(|it| sides().map(|other| (it, other))) {
                    let mut world = World::new(3);
                    world.lists_orders = lists_orders;
                    let kills = [Kill { effect: first, side }, Kill { effect: second, side: other }];
                    let story = run(&mut world, &plan(1), begin(), &kills);
                    assert!(story.outcome.result.is_ok(), "{kills:?}: {:?}", story.outcome);
                    assert_eq!(world.finalized(), 1, "{kills:?}");
                    assert!(world.presented.is_empty(), "{kills:?}");
                    assert!(world.orders.len() <= if lists_orders { 1 } else { 3 }, "{kills:?}");
                }
            }
        }
    }
}

fn mischief() -> impl Strategy<Value = Mischief> {
    (0u64..30, 0u64..30, 0u64..30, 0u64..8, 0u64..40, 0u64..7200).prop_map(
        |(busy, lost_before, lost_after, refused, validation_fails, slow)| Mischief {
            busy,
            lost_before,
            lost_after,
            refused,
            validation_fails,
            slow_validation: Duration::from_secs(slow),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Laws 1 to 8 under every kind of mischief, with up to three crashes.
    #[test]
    fn every_story_ends_clean(
        seed in any::<u64>(), names in 1usize..4, lists_orders in any::<bool>(), mischief in mischief(),
        kills in proptest::collection::vec((0usize..40, any::<bool>()), 0..4),
    ) {
        let kills: Vec<Kill> = kills.into_iter()
            .map(|(effect, after)| Kill { effect, side: if after { Side::After } else { Side::Before } })
            .collect();
        let mut world = World::new(seed);
        world.lists_orders = lists_orders;
        world.mischief = mischief;
        let story = run(&mut world, &plan(names), begin(), &kills);
        prop_assert!(world.finalized() <= 1, "{} orders were finalized", world.finalized());
        for (token, solver) in &world.presented {
            let named = story.outcome.leftovers.iter().any(|it| it.solver == *solver);
            prop_assert!(named, "{token} was left behind and not named: {:?}", story.outcome);
        }
        // Law 3: creating, authorizing, issuing and cleaning each have a deadline of their own.
        prop_assert!(story.took < Duration::from_secs(4 * 24 * 3600), "it took {:?}", story.took);
    }

}

#[test]
fn a_dead_world_ends_the_story() {
    for (seed, busy) in [(1, false), (2, false), (3, true), (4, true)] {
        let mut world = World::new(seed);
        world.mischief = if busy {
            Mischief { busy: 100, ..Mischief::default() }
        } else {
            Mischief { lost_before: 100, ..Mischief::default() }
        };
        let story = run(&mut world, &plan(2), begin(), &[]);
        assert!(story.outcome.result.is_err());
        assert!(story.took < Duration::from_secs(7 * 3600), "it took {:?}", story.took);
    }
}

#[test]
fn the_authorization_is_looked_at_once_more_before_giving_up() {
    // Validation takes longer than the flow is patient, and is valid by the time of the last look.
    let mut world = World::new(5);
    let mut plan = plan(1);
    plan.pace.challenge.validate = Duration::from_secs(60);
    world.mischief.slow_validation = Duration::from_secs(60);
    let mut flow = ChallengeFlow::new(assignment(), plan.pace.challenge, begin());
    let _ = flow.apply(ChallengeEvent::Presented, begin());
    let _ = flow.apply(ChallengeEvent::Visible, begin());
    let accepted = shown("processing", AuthorizationStatus::Pending);
    let challenge = first_challenge(&accepted).clone();
    let _ = flow.apply(ChallengeEvent::Accepted { challenge, retry_after: None }, begin());
    let late = begin() + Duration::from_secs(61);
    let Next::Go(agenda) = flow.next(late) else { panic!("it ended without a look") };
    assert_eq!(agenda.ready, [ChallengeAction::Look]);
    let _ = flow.apply(
        ChallengeEvent::Seen { authorization: shown("valid", AuthorizationStatus::Valid), retry_after: None },
        late,
    );
    assert_eq!(flow.verdict(), Some(&Verdict::Valid));
    // Law 6: valid or not, the way out leads through cleaning up.
    let Next::Go(agenda) = flow.next(late) else { panic!("it ended without cleaning up") };
    assert_eq!(agenda.ready, [ChallengeAction::CleanUp]);
}

#[test]
fn the_last_look_tells_how_the_servers_last_attempt_ended() {
    let mut flow = ChallengeFlow::new(assignment(), ChallengePace::default(), begin());
    let mut seen = shown("processing", AuthorizationStatus::Pending);
    let accepted = first_challenge(&seen).clone();
    for event in [
        ChallengeEvent::Presented,
        ChallengeEvent::Visible,
        ChallengeEvent::Accepted { challenge: accepted, retry_after: None },
    ] {
        let _ = flow.apply(event, begin());
    }
    let late = begin() + ChallengePace::default().validate + Duration::from_secs(1);
    seen.challenges[0].error = Some(Problem::new(ProblemType::Connection, "connection refused"));

    let _ = flow.apply(ChallengeEvent::Seen { authorization: seen, retry_after: None }, late);

    let Some(Verdict::Invalid(fault)) = flow.verdict() else { panic!("it did not end: {flow:?}") };
    assert!(fault.to_string().contains("in time") && fault.to_string().contains("connection refused"), "{fault}");
}

#[test]
fn an_answer_is_new_only_to_the_process_that_began_it_until_an_attempt_has_failed() {
    let mut flow = ChallengeFlow::new(assignment(), ChallengePace::default(), begin());
    assert!(flow.is_untouched());
    let read = ChallengeFlow::decode(&flow.encode().expect("bytes")).expect("a state");
    assert!(!read.is_untouched(), "whoever wrote the record may have presented it");
    assert_eq!(read, flow);
    let fault = Fault::new(ErrorKind::Unreachable, "the answer was lost");
    let _ = flow.apply(ChallengeEvent::Failed { action: ChallengeAction::Present, fault }, begin());
    assert!(!flow.is_untouched());
}

#[test]
fn what_cannot_be_cleaned_is_given_up_in_time_and_named() {
    let mut flow = ChallengeFlow::new(assignment(), ChallengePace::default(), begin());
    let mut now = begin();
    let _ = flow.apply(ChallengeEvent::Abandoned, now);
    loop {
        match flow.next(now) {
            Next::Done(settled) => {
                let leftover = settled.leftover.expect("it is named");
                assert!(leftover.to_string().contains("example.com"), "{leftover}");
                break;
            }
            Next::Go(agenda) => {
                for action in &agenda.ready {
                    let fault = Fault::new(ErrorKind::Unreachable, "the name server does not answer");
                    let _ = flow.apply(ChallengeEvent::Failed { action: *action, fault }, now);
                }
                if agenda.ready.is_empty() {
                    now = agenda.wake.expect("a wake").at;
                }
            }
        }
        assert!(now.since(begin()) <= ChallengePace::default().clean, "cleaning up went on for too long");
    }
}

#[test]
fn a_server_that_names_a_time_is_left_alone_until_then() {
    let mut flow = OrderFlow::new(plan(1).order, Default::default(), OrderPace::default(), begin());
    let action = OrderAction::Create(flow.request().clone());
    let fault = Fault::new(ErrorKind::Busy, "rate limited").with_retry(Retry::After(Duration::from_secs(3 * 3600)));
    let _ = flow.apply(OrderEvent::Failed { action: action.clone(), fault }, begin());
    for minutes in [0, 1, 60, 179] {
        let Next::Go(agenda) = flow.next(begin() + Duration::from_secs(minutes * 60)) else { panic!("it gave up") };
        assert!(agenda.ready.is_empty(), "after {minutes} minutes");
    }
    let Next::Go(agenda) = flow.next(begin() + Duration::from_secs(3 * 3600)) else { panic!("it gave up") };
    assert_eq!(agenda.ready, [action]);
}

#[test]
fn a_refused_replaces_is_dropped_within_the_same_attempt() {
    let mut request = plan(1).order;
    request.replaces = Some(String::from("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE").try_into().expect("an id"));
    let mut flow = OrderFlow::new(request.clone(), Default::default(), OrderPace::default(), begin());
    let problem = Problem::new(ProblemType::AlreadyReplaced, "replaced before");
    let fault = Fault::new(ErrorKind::Refused, "the order was refused").with_problem(problem);
    let _ = flow.apply(OrderEvent::Failed { action: OrderAction::Create(request.clone()), fault }, begin());
    request.replaces = None;
    let Next::Go(agenda) = flow.next(begin()) else { panic!("it gave up") };
    assert_eq!(agenda.ready, [OrderAction::Create(request)]);
}

#[test]
fn a_replaces_that_an_authority_stumbles_over_is_not_sent_again() {
    let mut request = plan(1).order;
    request.replaces = Some(String::from("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE").try_into().expect("an id"));
    let mut flow = OrderFlow::new(request.clone(), Default::default(), OrderPace::default(), begin());
    let problem = Problem::new(ProblemType::ServerInternal, "at least one identifier must match");
    let fault = Fault::new(ErrorKind::Busy, "an error of its own").with_problem(problem).with_retry(Retry::Backoff);
    let _ = flow.apply(OrderEvent::Failed { action: OrderAction::Create(request), fault }, begin());
    let mut now = begin();
    let mut asked = Vec::new();
    for _ in 0..4 {
        let Next::Go(agenda) = flow.next(now) else { panic!("it gave up") };
        asked.extend(agenda.ready.clone());
        // An order may have been made all the same: that is looked for first.
        if agenda.ready.iter().any(|it| matches!(it, OrderAction::Find(_))) {
            let _ = flow.apply(OrderEvent::NotFound, now);
        }
        now = agenda.wake.map_or(now, |wake| wake.at);
    }
    let sent = asked.iter().find_map(|it| if let OrderAction::Create(sent) = it { Some(sent) } else { None });
    assert_eq!(sent.map(|it| &it.replaces), Some(&None), "{asked:?}");
}

#[test]
fn an_order_of_which_only_the_url_is_known_is_looked_at_first() {
    let mut world = World::new(9);
    let _ = run(&mut world, &plan(1), begin(), &[]);
    let url = Url::parse("https://ca.test/order/0").expect("a URL");
    let mut flow = OrderFlow::resume(plan(1).order, url.clone(), Default::default(), OrderPace::default(), begin());
    let Next::Go(agenda) = flow.next(begin()) else { panic!("it ended") };
    assert_eq!(agenda.ready, [OrderAction::Read(url.clone())]);
    let issuance = Issuance::new(plan(1), begin());
    let action = acme_core::flow::IssuanceAction::Order(OrderAction::Read(url));
    let event = world.perform(&issuance, &action, begin());
    let acme_core::flow::IssuanceEvent::Order(event) = event else { panic!("an order's event") };
    let _ = flow.apply(event, begin());
    let Next::Go(agenda) = flow.next(begin()) else { panic!("it ended") };
    assert!(matches!(agenda.ready[..], [OrderAction::Download(..)]), "{agenda:?}");
    let _ = flow.apply(OrderEvent::Downloaded(Vec::new()), begin());
    assert!(matches!(flow.next(begin()), Next::Done(OrderOutcome::Issued { .. })));
}

#[test]
fn an_authorization_that_is_no_more_ends_the_order() {
    let mut flow = OrderFlow::new(plan(1).order, Default::default(), OrderPace::default(), begin());
    let mut world = World::new(4);
    let issuance = Issuance::new(plan(1), begin());
    let create = acme_core::flow::IssuanceAction::Order(OrderAction::Create(flow.request().clone()));
    let acme_core::flow::IssuanceEvent::Order(event) = world.perform(&issuance, &create, begin()) else { panic!() };
    let _ = flow.apply(event, begin());
    let url = Url::parse("https://ca.test/authorization/0/0").expect("a URL");
    let identifier = Identifier::parse("n0.example.com").expect("a name");
    let event = OrderEvent::Authorization { url, identifier, standing: standing(&AuthorizationStatus::Expired) };
    let _ = flow.apply(event, begin());
    assert!(matches!(flow.next(begin()), Next::Done(OrderOutcome::Failed { .. })));
}

#[test]
fn a_record_of_a_newer_release_is_left_alone() {
    let bytes = Issuance::new(plan(1), begin()).encode().expect("bytes");
    let newer = String::from_utf8(bytes).expect("text").replacen("\"format\":1", "\"format\":2", 1);
    let error = Issuance::decode(newer.as_bytes()).expect_err("it must not be read");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("newer release"), "{error}");
}

fn assignment() -> Assignment {
    let url = Url::parse("https://ca.test/authorization/0/0").expect("a URL");
    let authorization = shown("pending", AuthorizationStatus::Pending);
    Assignment::new(url, &authorization, first_challenge(&authorization), SolverId::new("sim")).expect("an assignment")
}

fn shown(challenge: &str, status: AuthorizationStatus) -> acme_core::protocol::Authorization {
    serde_json::from_value(serde_json::json!({
        "status": status.as_str(),
        "identifier": {"type": "dns", "value": "example.com"},
        "challenges": [{"type": "dns-01", "status": challenge, "token": "abc", "url": "https://ca.test/challenge/0/0"}],
    }))
    .expect("an authorization")
}
