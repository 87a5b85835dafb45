//! The directory object, the clock, renewal information.

use std::time::Duration;

use certwright_acme_core::client::{Answer as Said, Call};
use certwright_acme_core::protocol::{CertificateId, NewOrder};
use certwright_acme_core::{Client as _, ErrorKind, Identifier};
use futures_util::future::join_all;
use serde_json::json;

use crate::script::{answer, authority, directory, json_answer, order, problem, run, session, url};

fn an_order() -> Call {
    Call::NewOrder(NewOrder::new([Identifier::parse("example.com").unwrap()]))
}

#[test]
fn callers_at_the_same_time_share_one_request() {
    let (script, authority) = authority();
    script.on("GET /directory", json_answer(200, directory()));

    let objects = run(join_all((0..10).map(|_| authority.object())));

    assert_eq!(script.asked().len(), 1);
    assert!(objects.iter().all(Result::is_ok));
    assert!(run(authority.object()).is_ok());
    assert_eq!(script.asked().len(), 1);
}

#[test]
fn callers_at_the_same_time_share_one_failure() {
    let (script, authority) = authority();
    script.on("GET /directory", answer(503)).on("GET /directory", json_answer(200, directory()));

    let objects = run(join_all((0..10).map(|_| authority.object())));

    assert_eq!(script.asked().len(), 1);
    for object in objects {
        assert_eq!(object.unwrap_err().kind(), ErrorKind::Busy);
    }
    assert!(run(authority.object()).is_ok(), "a failure is not remembered");
}

#[test]
fn what_is_no_directory_says_so() {
    for given in [
        answer(200).body("<html>hello</html>"),
        json_answer(200, json!({ "newNonce": "https://ca.example/n" })),
        json_answer(200, json!({ "newNonce": "n", "newAccount": "a", "newOrder": "o" })),
    ] {
        let (script, authority) = authority();
        script.on("GET /directory", given);
        let error = run(authority.object()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.to_string().contains("https://ca.example/directory"), "{error}");
    }
}

#[test]
fn an_endpoint_that_moved_is_found_again() {
    for refusal in [answer(404), answer(405), problem(400, "malformed")] {
        let (script, session) = session();
        let mut moved = directory();
        moved["newOrder"] = json!("https://ca.example/v2/new-order");
        script
            .warm()
            .on("POST /new-order", refusal)
            .on("GET /directory", json_answer(200, moved))
            .on("POST /v2/new-order", json_answer(201, order("pending")).at("/order/1"));

        let reply = run(session.call(&an_order())).unwrap();

        assert!(script.is_played());
        assert_eq!(script.last().protected["url"], "https://ca.example/v2/new-order");
        let Said::Order { url: place, .. } = reply.answer else {
            panic!("an order");
        };
        assert_eq!(place, url("https://ca.example/order/1"));
    }
}

#[test]
fn new_nonce_may_move_too() {
    let (script, session) = session();
    let mut moved = directory();
    moved["newNonce"] = json!("https://ca.example/v2/new-nonce");
    script
        .on("GET /directory", json_answer(200, directory()).with("replay-nonce", ""))
        .on("HEAD /new-nonce", answer(404).with("replay-nonce", ""))
        .on("GET /directory", json_answer(200, moved).with("replay-nonce", ""))
        .on("HEAD /v2/new-nonce", answer(200))
        .on("POST /new-order", json_answer(201, order("pending")).at("/order/1"));

    run(session.call(&an_order())).unwrap();

    assert!(script.is_played());
}

#[test]
fn a_refusal_at_an_endpoint_that_stayed_is_the_answer() {
    let (script, session) = session();
    script.warm().on("POST /new-order", problem(400, "malformed")).on("GET /directory", json_answer(200, directory()));

    let error = run(session.call(&an_order())).unwrap_err();

    assert!(script.is_played());
    assert_eq!(error.kind(), ErrorKind::Refused);
}

#[test]
fn every_request_names_the_program() {
    let (script, authority) = authority();
    script.on("GET /directory", json_answer(200, directory()));
    let authority = authority.with_user_agent("shop/1.2\r\n");

    run(authority.object()).unwrap();

    let agent = script.last().headers["user-agent"].clone();
    let ours = concat!("shop/1.2 certwright/", env!("CARGO_PKG_VERSION"));
    assert_eq!(agent, ours);
}

#[test]
fn a_clock_that_is_off_is_seen_in_the_first_answer() {
    let (script, authority) = authority();
    script.on("GET /directory", json_answer(200, directory()).with("date", "Wed, 15 Nov 2023 05:00:30 GMT"));
    assert!(authority.skew().is_none() && authority.clock_fault().is_none());

    run(authority.object()).unwrap();

    let skew = authority.skew().unwrap();
    assert_eq!(skew.amount(), Duration::from_secs(5 * 3600 + 30));
    let fault = authority.clock_fault().unwrap().to_string();
    assert!(fault.contains("5 hours behind ca.example"), "{fault}");
}

#[test]
fn renewal_information_is_asked_for_without_an_account() {
    let (script, authority) = authority();
    let id = CertificateId::from_parts(&[1, 2, 3], &[4]);
    script.on("GET /directory", json_answer(200, directory())).on(
        "GET /renewal-info/AQID.BA",
        json_answer(
            200,
            json!({
                "suggestedWindow": {
                    "start": "2026-01-01T00:00:00Z",
                    "end": "2026-01-02T00:00:00Z"
                },
                "explanationURL": "https://ca.example/why"
            }),
        )
        .with("retry-after", "21600"),
    );

    let reply = run(authority.renewal_info(&id)).unwrap();

    assert_eq!(reply.retry_after, Some(Duration::from_secs(21_600)));
    assert_eq!(reply.info.suggested_window.start.to_string(), "2026-01-01T00:00:00Z");
}

#[test]
fn what_the_directory_lacks_is_unsupported() {
    let (script, authority) = authority();
    let mut bare = directory();
    bare.as_object_mut().unwrap().remove("renewalInfo");
    script.on("GET /directory", json_answer(200, bare));

    let id = CertificateId::from_parts(&[1], &[2]);
    let error = run(authority.renewal_info(&id)).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("renewal information"), "{error}");
}

#[test]
fn a_profile_that_is_not_on_offer_is_not_asked_for() {
    let (script, session) = session();
    script.on("GET /directory", json_answer(200, directory())).on("GET /directory", json_answer(200, directory()));
    let mut wanted = NewOrder::new([Identifier::parse("example.com").unwrap()]);
    wanted.profile = Some("shortlived".to_owned());
    run(session.directory().object()).unwrap();

    let error = run(session.call(&Call::NewOrder(wanted))).unwrap_err();

    assert!(script.is_played(), "what is in memory may be old");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("classic"), "{error}");
}
