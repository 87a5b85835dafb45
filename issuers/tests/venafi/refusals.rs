//! What the services refuse, and what is made of it.

use std::time::Duration;

use acme_core::{ErrorKind, Retry};
use certwright_issuers::{InMemory, Issuer as _, drive};
use testkit::crash::Effects;
use testkit::run;
use testkit::venafi::{Fault, tpp};

use crate::world::{ALL, Asked, Kind, World, cloud_of, ngts_of, password, tpp_at};

#[test]
fn a_rule_of_the_zone_is_final_and_named_in_bounds() {
    let long: &'static str =
        Box::leak(format!("Organization must be \"Example\n Inc.\" {}", "x".repeat(5000)).into_boxed_str());
    for kind in ALL {
        let world = World::new(kind);
        match kind {
            Kind::Tpp => world.double.tpp(|it| it.policy = Some(long)),
            Kind::Cloud | Kind::Ngts => world.double.cloud(|it| it.policy = Some(long)),
        }

        let error = world.issue(&world.process(), &["a.example"]).unwrap_err();

        assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never), "{kind:?}: {error}");
        let text = error.to_string();
        assert!(text.contains("Organization must be") && text.len() < 600 && !text.contains('\n'), "{kind:?}: {text}");
        assert_eq!(world.double.state().taken, 0);
    }
}

#[test]
fn a_zone_that_is_not_there_is_named() {
    let effects = Effects::unharmed();
    for (kind, name) in
        [(Kind::Tpp, "Nowhere"), (Kind::Cloud, "Nowhere"), (Kind::Cloud, "No Alias"), (Kind::Ngts, "Nowhere")]
    {
        let world = World::new(kind);
        let issuer = match (kind, name) {
            (Kind::Tpp, _) => world.at(tpp_at("Nowhere", password("correct horse")), &effects),
            (Kind::Cloud, "Nowhere") => world.at(cloud_of(r"Nowhere\Public TLS", "a-key"), &effects),
            (Kind::Cloud, _) => world.at(cloud_of(r"Web Shop\No Alias", "a-key"), &effects),
            (Kind::Ngts, _) => world.at(ngts_of("Nowhere", "top secret"), &effects),
        };

        let error = world.issue(&issuer, &["a.example"]).unwrap_err();
        let looked = run(&world.clock, issuer.zone()).unwrap_err();

        for error in [error, looked] {
            assert_eq!((error.kind(), error.retry()), (ErrorKind::NotFound, Retry::Never), "{kind:?}: {error}");
            assert!(error.to_string().contains(name) && error.to_string().contains("correct the zone"), "{error}");
        }
    }
}

#[test]
fn a_profile_is_refused_before_anything_is_sent() {
    for kind in ALL {
        let world = World::new(kind);
        let asked = Asked::new(&["a.example"]);
        let mut request = asked.request();
        request.profile = Some("shortlived");

        let error = run(&world.clock, world.process().issue(&request, &mut InMemory::new())).unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Unsupported, "{kind:?}");
        assert_eq!(error.what(), "this issuer has no profile \"shortlived\": ask without");
        assert!(world.double.log().is_empty(), "{kind:?}: {:?}", world.double.log());
    }
}

#[test]
fn a_limit_before_anything_was_requested_is_passed_on_with_its_time() {
    for kind in ALL {
        let world = World::new(kind);
        let issuer = world.process();
        run(&world.clock, issuer.zone()).unwrap();
        world.double.fault("", Fault::Later(429, 30), 1);

        let error = world.issue(&issuer, &["a.example"]).unwrap_err();

        assert_eq!((error.kind(), error.retry()), (ErrorKind::Busy, Retry::After(Duration::from_secs(30))), "{kind:?}");
    }
}

#[test]
fn a_failure_while_requesting_is_looked_into_not_repeated_blindly() {
    for (fault, taken) in [(Fault::DropAfter, 1), (Fault::DropBefore, 1), (Fault::Answer(500, "<html>"), 1)] {
        let world = World::new(Kind::Tpp);
        world.double.fault("/certificates/request", fault, 1);

        world.issue(&world.process(), &["a.example"]).unwrap();

        assert_eq!(world.double.state().taken, taken);
    }
    for kind in [Kind::Cloud, Kind::Ngts] {
        let world = World::new(kind);
        world.double.fault("/certificaterequests", Fault::DropAfter, 1);

        world.issue(&world.process(), &["a.example"]).unwrap();

        assert_eq!(world.double.state().taken, 2, "{kind:?}");
    }
}

#[test]
fn an_answer_that_is_lost_again_and_again_costs_one_request_more_and_not_dozens() {
    for kind in [Kind::Cloud, Kind::Ngts] {
        let world = World::new(kind);
        world.double.fault("/certificaterequests", Fault::DropAfter, 1000);

        let error = world.issue(&world.process(), &["a.example"]).unwrap_err();

        assert_eq!(world.double.state().taken, 2, "{kind:?}");
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unreachable, Retry::Backoff), "{kind:?}: {error}");
        assert!(error.to_string().starts_with("each of 2 requests for one certificate may have been taken"), "{error}");
    }
}

#[test]
fn a_service_that_takes_no_request_for_ten_minutes_is_an_error() {
    for kind in ALL {
        let world = World::new(kind);
        let path = if kind == Kind::Tpp { "/certificates/request" } else { "/certificaterequests" };
        world.double.fault(path, Fault::Answer(502, "bad gateway"), usize::MAX);

        let error = world.issue(&world.process(), &["a.example"]).unwrap_err();

        assert_eq!((error.kind(), error.retry()), (ErrorKind::Busy, Retry::Backoff), "{kind:?}: {error}");
        assert!(world.double.count(path) < 60, "{kind:?}: asked in a hot loop");
    }
}

#[test]
fn a_request_that_somebody_rejects_is_final() {
    for (status, message) in [("REJECTED", "not this one"), ("REJECTED_APPROVAL", "no"), ("CANCELLED", "")] {
        let world = World::new(Kind::Cloud);
        world.double.cloud(|it| it.verdict = Some((status, message)));
        let error = world.issue(&world.process(), &["a.example"]).unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never), "{error}");
        assert!(error.to_string().contains(status) && error.to_string().contains(message), "{error}");
    }

    let world = World::new(Kind::Tpp);
    let error = interrupted(&world, "The approval ticket was rejected by admin: wrong department");
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Refused, Retry::Never), "{error}");
}

#[test]
fn a_request_at_which_the_service_fails_may_be_made_again() {
    let world = World::new(Kind::Ngts);
    world.double.cloud(|it| it.verdict = Some(("FAILED", "the certificate authority did not answer")));
    let error = world.issue(&world.process(), &["a.example"]).unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Busy, Retry::Backoff));

    let world = World::new(Kind::Tpp);
    let error = interrupted(&world, "Post CSR failed with error: Cannot connect to the certificate authority (CA).");
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Busy, Retry::Backoff));
    assert!(error.to_string().contains("stage 500"), "{error}");
}

#[test]
fn a_request_that_stays_stuck_ends() {
    let stuck = "WebSDK CertRequest Module Requested Certificate";
    let world = World::new(Kind::Tpp);
    let (issuer, asked, mut progress) = (world.process(), Asked::new(&["a.example"]), InMemory::new());
    run(&world.clock, issuer.issue(&asked.request(), &mut progress)).unwrap();
    let body: &'static str = r#"{"Stage": 500, "Status": "WebSDK CertRequest Module Requested Certificate"}"#;
    world.double.fault("/certificates/retrieve", Fault::Answer(500, body), usize::MAX);
    world.double.tpp(|it| it.object("a.example").trouble = Some(stuck));

    let error = run(&world.clock, drive(&issuer, &asked.request(), &mut progress, &world.clock)).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    assert_eq!(world.double.count("/certificates/reset"), 2, "started again more than once");
}

#[test]
fn patience_ends() {
    for kind in ALL {
        let world = World::new(kind);
        world.double.state().delay = Duration::from_secs(9 * 3600);
        let issuer = world.process().with_patience(Duration::from_secs(8 * 3600));

        let error = world.issue(&issuer, &["a.example"]).unwrap_err();

        assert_eq!((error.kind(), error.retry()), (ErrorKind::Busy, Retry::Backoff), "{kind:?}");
        assert!(error.to_string().contains("within 8 hours"), "{kind:?}: {error}");
    }
}

#[test]
fn a_certificate_for_another_key_is_not_handed_out() {
    let world = World::new(Kind::Tpp);
    let (issuer, mut progress) = (world.process(), InMemory::new());
    let asked = Asked::new(&["a.example"]);
    run(&world.clock, issuer.issue(&asked.request(), &mut progress)).unwrap();
    // Somebody else requests under the same name.
    let other = Asked::with_another_key(&["a.example"]);
    run(&world.clock, drive(&world.process(), &other.request(), &mut InMemory::new(), &world.clock)).unwrap();

    let error = run(&world.clock, drive(&issuer, &asked.request(), &mut progress, &world.clock)).unwrap_err();

    assert_eq!((error.kind(), error.retry()), (ErrorKind::Conflict, Retry::Backoff), "{error}");
}

#[test]
fn an_object_that_somebody_removed_may_be_made_again() {
    let world = World::new(Kind::Tpp);
    let (issuer, asked, mut progress) = (world.process(), Asked::new(&["a.example"]), InMemory::new());
    run(&world.clock, issuer.issue(&asked.request(), &mut progress)).unwrap();
    world.double.tpp(tpp::Server::forget);

    let error = run(&world.clock, drive(&issuer, &asked.request(), &mut progress, &world.clock)).unwrap_err();

    assert_eq!((error.kind(), error.retry()), (ErrorKind::NotFound, Retry::Backoff), "{error}");
}

#[test]
fn answers_that_are_not_the_services_own_do_no_harm() {
    for body in [
        "",
        "<html>sign in</html>",
        "null",
        "[]",
        "{}",
        r#"{"CertificateDN": 7}"#,
        r#"{"certificateRequests": []}"#,
        r#"{"certificateRequests": [{"id": "../../v1/useraccounts"}]}"#,
    ] {
        for kind in ALL {
            let world = World::new(kind);
            world.double.fault("", Fault::Answer(200, Box::leak(body.to_owned().into_boxed_str())), 12);
            world.double.fault(
                "/certificaterequests",
                Fault::Answer(201, Box::leak(body.to_owned().into_boxed_str())),
                2,
            );

            match world.issue(&world.process(), &["a.example"]) {
                Ok(issued) => assert_eq!(issued.chain.certificates().len(), 2),
                Err(error) => assert!(error.kind() == ErrorKind::Malformed, "{kind:?} {body:?}: {error:?}"),
            }
        }
    }
}

/// The error for a request whose object shows this trouble after it was taken.
fn interrupted(world: &World, trouble: &'static str) -> certwright_issuers::Error {
    let (issuer, asked, mut progress) = (world.process(), Asked::new(&["a.example"]), InMemory::new());
    run(&world.clock, issuer.issue(&asked.request(), &mut progress)).unwrap();
    world.double.tpp(|it| it.object("a.example").trouble = Some(trouble));
    run(&world.clock, drive(&issuer, &asked.request(), &mut progress, &world.clock)).unwrap_err()
}
