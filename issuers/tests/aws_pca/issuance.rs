//! One certificate: what is asked, what is remembered, and how often the service is asked again.

use std::time::Duration;

use acme_core::Clock as _;
use acme_core::flow::Waiting;
use certwright_issuers::chain::Leaf;
use certwright_issuers::{ErrorKind, Retry};
use serde_json::json;
use testkit::servers::judges::{OpenSsl, Trial};

use crate::double::Fault;
use crate::world::{Asking, Kept, World, assert_silent, at};

#[test]
fn a_certificate_comes_with_its_chain_and_the_root_apart() {
    let (world, asking) = (World::new(), Asking::new());

    let (issued, _) = world.issue(&asking.request()).unwrap();

    let state = world.double.state();
    assert_eq!(&issued.chain.certificates()[1..], std::slice::from_ref(&state.pki.authority));
    assert_eq!(issued.root.as_ref(), Some(&state.pki.root));
    let roots = [state.pki.root.clone()];
    let trial = Trial::new(issued.chain.certificates(), &roots, world.clock.now()).for_server("www.example.com");
    OpenSsl::find().verify(&trial).unwrap();
}

#[test]
fn the_service_is_asked_for_the_algorithm_once() {
    let world = World::new();
    let issuer = world.issuer();
    for _ in 0..3 {
        world.go_on(&issuer, &Asking::new().request(), &mut Kept::default()).unwrap();
    }
    assert_eq!(world.double.calls("DescribeCertificateAuthority"), 1);

    let given = world.issuer().with_signing_algorithm("SHA256WITHECDSA");
    world.go_on(&given, &Asking::new().request(), &mut Kept::default()).unwrap();
    assert_eq!(world.double.calls("DescribeCertificateAuthority"), 1);
}

#[test]
fn the_longer_it_takes_the_less_is_it_asked_for() {
    let (world, asking) = (World::new(), Asking::new());
    world.double.state().takes = Duration::from_secs(120);

    let (_, waits) = world.issue(&asking.request()).unwrap();

    assert_eq!(waits[0].span, Duration::from_millis(500));
    assert!(waits.windows(2).all(|pair| pair[0].span <= pair[1].span), "{waits:?}");
    assert!(waits.iter().all(|it| it.span <= Duration::from_secs(30) && it.waiting == Waiting::Issuing));
    assert_eq!(world.double.calls("GetCertificate"), waits.len());
    assert!(waits.len() < 20, "{}", waits.len());
}

#[test]
fn one_that_never_comes_ends_in_an_error() {
    let (world, asking) = (World::new(), Asking::new());
    world.double.state().takes = Duration::from_secs(86_400);
    let begun = world.clock.now();

    let error = world.issue(&asking.request()).unwrap_err();

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Busy, Retry::Backoff));
    assert!(error.to_string().contains("has not made a certificate within 10 min"), "{error}");
    assert!(world.clock.now().since(begun) < Duration::from_secs(660));
}

#[test]
fn whole_days_are_counted_and_anything_else_is_an_end() {
    let world = World::new();
    for (duration, expected, ends) in [
        (None, json!({"Type": "DAYS", "Value": 30}), "2026-02-01T03:04:05Z"),
        (Some(90 * 86_400), json!({"Type": "DAYS", "Value": 90}), "2026-04-02T03:04:05Z"),
        (Some(3600), json!({"Type": "END_DATE", "Value": 20_260_102_040_405_i64}), "2026-01-02T04:04:05Z"),
        (Some(86_399), json!({"Type": "END_DATE", "Value": 20_260_103_030_404_i64}), "2026-01-03T03:04:04Z"),
    ] {
        let asking = Asking::new();
        let mut request = asking.request();
        request.duration = duration.map(Duration::from_secs);
        world.clock.set(at("2026-01-02T03:04:05Z"));

        let (issued, _) = world.issue(&request).unwrap();

        assert_eq!(world.double.state().made.last().unwrap().asked["Validity"], expected);
        assert_eq!(Leaf::read(issued.chain.leaf().unwrap()).unwrap().not_after, at(ends));
    }
}

#[test]
fn a_crash_between_the_answer_and_its_save_costs_nothing() {
    let (world, asking) = (World::new(), Asking::new());
    let mut progress = Kept::default();
    let (first, _) = world.go_on(&world.issuer(), &asking.request(), &mut progress).unwrap();
    assert_eq!(progress.states.len(), 2, "before it is asked for, and when its ARN is known");

    // Another process finds the state from before the answer, another one nothing at all.
    let (second, _) = world.go_on(&world.issuer(), &asking.request(), &mut Kept::of(&progress.states[0])).unwrap();
    let (third, _) = world.issue(&asking.request()).unwrap();

    assert_eq!(first.chain, second.chain);
    assert_eq!(first.chain, third.chain);
    assert_eq!(world.double.state().made.len(), 1);
}

#[test]
fn a_lost_answer_is_asked_for_again_with_the_same_token() {
    for lost in [Fault::AnswerLost, Fault::RequestLost] {
        let (world, asking) = (World::new(), Asking::new());
        world.double.fault("IssueCertificate", lost);

        let (_, waits) = world.issue(&asking.request()).unwrap();

        assert!(
            matches!(&waits[0].waiting, Waiting::Pause { doing, .. } if doing == "asking AWS Private CA for a certificate")
        );
        assert_eq!(world.double.calls("IssueCertificate"), 2);
        assert_eq!(world.double.state().made.len(), 1);
    }
}

#[test]
fn a_save_that_fails_for_now_costs_no_second_certificate() {
    let (world, asking) = (World::new(), Asking::new());
    let mut progress = Kept { failing: vec![2], ..Kept::default() };

    world.go_on(&world.issuer(), &asking.request(), &mut progress).unwrap();

    assert_eq!(world.double.calls("IssueCertificate"), 2);
    assert_eq!(world.double.state().made.len(), 1);
}

#[test]
fn trouble_while_it_is_fetched_keeps_what_was_saved() {
    let (world, asking) = (World::new(), Asking::new());
    world.double.fault("GetCertificate", Fault::Says(400, "ThrottlingException", "Rate exceeded"));
    world.double.fault("GetCertificate", Fault::Says(500, "InternalFailure", ""));
    world.double.fault("GetCertificate", Fault::AnswerLost);
    world.double.state().takes = Duration::ZERO;

    let (_, waits) = world.issue(&asking.request()).unwrap();

    assert_eq!(waits.len(), 4);
    assert!(waits[1..].iter().all(|it| it.span >= Duration::from_secs(2)), "{waits:?}");
    assert_eq!(world.double.state().made.len(), 1);
}

#[test]
fn the_state_of_another_request_is_left_alone() {
    let (world, asking) = (World::new(), Asking::new());
    let mut progress = Kept::default();
    let (other, _) = world.go_on(&world.issuer(), &Asking::new().request(), &mut progress).unwrap();

    let (issued, _) = world.go_on(&world.issuer(), &asking.request(), &mut progress).unwrap();

    assert_ne!(issued.chain, other.chain);
    assert_eq!(world.double.state().made.len(), 2);
}

#[test]
fn the_state_is_read_by_every_later_release() {
    let (world, asking) = (World::new(), Asking::new());
    let mut progress = Kept::default();
    world.go_on(&world.issuer(), &asking.request(), &mut progress).unwrap();
    let state: serde_json::Value = serde_json::from_slice(&progress.states[1]).unwrap();

    assert_eq!(state["format"], 1);
    let fields: Vec<_> = state["state"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["algorithm", "certificate", "request", "since", "template", "token", "validity"]);

    for (bytes, kind) in [(&b"{\"format\":2}"[..], ErrorKind::Unsupported), (b"{}", ErrorKind::Malformed)] {
        let error = world.go_on(&world.issuer(), &asking.request(), &mut Kept::of(bytes)).map(drop).unwrap_err();
        assert_eq!(error.kind(), kind);
    }
}

#[test]
fn nothing_secret_is_in_states_and_in_what_is_printed() {
    let (world, asking) = (World::new(), Asking::new());
    let issuer = world.issuer();
    let mut progress = Kept::default();
    world.go_on(&issuer, &asking.request(), &mut progress).unwrap();

    assert_silent(&format!("{issuer:?} {:?}", world.client()));
    for state in progress.states {
        assert_silent(&String::from_utf8(state).unwrap());
    }
}
