//! Answers that say no, or nothing that can be understood.

use std::error::Error as _;
use std::time::Duration;

use certwright_acme_core::client::{Answer as Said, Call};
use certwright_acme_core::protocol::{AuthorizationStatus, ChallengeType, NewOrder, OrderStatus, ProblemType};
use certwright_acme_core::{Client as _, Error, ErrorKind, Identifier, Retry, limits};
use serde_json::json;

use crate::script::{Answer, answer, json_answer, lost, order, problem, run, session, url};

fn read_order(given: Answer) -> Result<Said, Error> {
    let (script, session) = session();
    script.warm().on("POST /order/1", given);
    let reply = run(session.call(&Call::ReadOrder(url("https://ca.example/order/1"))));
    assert!(script.is_played());
    reply.map(|it| it.answer)
}

#[test]
fn every_failure_has_its_kind_and_advice() {
    use ErrorKind::{Busy, Conflict, Malformed, NotFound, Refused, Unauthorized};
    for (status, kind, meant, retry) in [
        (429, "rateLimited", Busy, Retry::Backoff),
        (403, "rateLimited", Busy, Retry::Backoff),
        (503, "unauthorized", Busy, Retry::Backoff),
        (500, "serverInternal", Busy, Retry::Backoff),
        (502, "unheardOf", Busy, Retry::Backoff),
        (400, "accountDoesNotExist", NotFound, Retry::Backoff),
        (404, "malformed", NotFound, Retry::Backoff),
        (403, "orderNotReady", Conflict, Retry::Backoff),
        (409, "alreadyReplaced", Conflict, Retry::Backoff),
        (403, "unauthorized", Unauthorized, Retry::Never),
        (403, "unheardOf", Unauthorized, Retry::Backoff),
        (400, "rejectedIdentifier", Refused, Retry::Never),
        (400, "badCSR", Refused, Retry::Never),
        (400, "invalidProfile", Refused, Retry::Never),
        (400, "malformed", Refused, Retry::Never),
        (403, "caa", Refused, Retry::Never),
        (400, "dns", Refused, Retry::Backoff),
        (400, "unheardOf", Refused, Retry::Backoff),
        (302, "unheardOf", Malformed, Retry::Backoff),
    ] {
        let error = read_order(problem(status, kind)).unwrap_err();
        assert_eq!((error.kind(), error.retry()), (meant, retry), "{status} {kind}");
        assert_eq!(error.problem().unwrap().kind.short(), kind);
        assert_eq!(error.problem().unwrap().status, Some(status));
    }
}

#[test]
fn retry_after_is_read_in_both_forms_on_any_answer() {
    let week = limits::RETRY_AFTER;
    for (value, wait) in [
        ("120", Retry::After(Duration::from_secs(120))),
        ("0", Retry::After(Duration::from_secs(1))),
        ("31536000", Retry::After(week)),
        // An hour after the answer's own date, which is not ours.
        ("Tue, 01 Jan 2030 13:00:00 GMT", Retry::After(Duration::from_secs(3600))),
        ("Mon, 31 Dec 2029 13:00:00 GMT", Retry::After(Duration::from_secs(1))),
        ("soon", Retry::Backoff),
    ] {
        for status in [429, 500, 503] {
            let given =
                problem(status, "rateLimited").with("date", "Tue, 01 Jan 2030 12:00:00 GMT").with("retry-after", value);
            assert_eq!(read_order(given).unwrap_err().retry(), wait, "{status} {value}");
        }
    }
    // Without a date of its own, our clock's.
    let given = problem(503, "serverInternal").with("retry-after", "Wed, 15 Nov 2023 00:01:00 GMT");
    assert_eq!(read_order(given).unwrap_err().retry(), Retry::After(Duration::from_secs(60)));
    // What is final stays final.
    let given = problem(400, "badCSR").with("retry-after", "60");
    assert_eq!(read_order(given).unwrap_err().retry(), Retry::Never);
}

#[test]
fn a_success_hands_retry_after_up() {
    let (script, session) = session();
    script.warm().on("POST /order/1", json_answer(200, order("processing")).with("retry-after", "3"));
    let reply = run(session.call(&Call::ReadOrder(url("https://ca.example/order/1")))).unwrap();
    assert_eq!(reply.retry_after, Some(Duration::from_secs(3)));
}

#[test]
fn an_html_page_keeps_its_status_and_shows_how_it_begins() {
    let page = "<html>\r\n<title>503\u{7} Service\u{202e} Unavailable</title>".to_owned() + &"x".repeat(10_000);
    let error = read_order(answer(503).with("content-type", "text/html").body(page)).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.problem().is_none());
    assert_eq!(error.to_string(), "reading an order: ca.example answered 503");
    let begin = error.source().unwrap().to_string();
    assert!(begin.contains("<html> <title>503"), "{begin}");
    assert!(begin.len() < 200 && !begin.contains(char::is_control), "{begin}");
}

#[test]
fn bodies_that_are_cut_off_empty_or_odd_are_errors_of_their_own() {
    let whole = order("ready").to_string();
    for body in ["", &whole[..whole.len() / 2], "null", "[]", "{}", "\u{fffd}"] {
        let error = read_order(answer(200).body(body)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{body}");
        assert_eq!(error.retry(), Retry::Backoff);
    }
    for body in ["", "{\"type\":\"urn:ietf:par", "null", "[1]", "\"no\"", "{}"] {
        let error = read_order(answer(500).body(body)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy, "{body}");
        assert!(error.problem().is_none());
    }
}

#[test]
fn a_problem_without_its_content_type_is_read_with_its_subproblems() {
    let body = json!({
        "type": "urn:ietf:params:acme:error:rejectedIdentifier",
        "detail": 7,
        "subproblems": [{
            "type": "urn:ietf:params:acme:error:caa",
            "detail": "CAA forbids",
            "identifier": { "type": "dns", "value": "example.com" }
        }]
    });
    let error = read_order(answer(400).body(body.to_string())).unwrap_err();
    let problem = error.problem().unwrap();
    assert_eq!(problem.kind, ProblemType::RejectedIdentifier);
    assert_eq!(problem.subproblems[0].kind, ProblemType::Caa);
    assert!(error.to_string().contains("example.com: caa: CAA forbids"), "{error}");
}

#[test]
fn a_connection_that_ends_says_what_was_being_done() {
    let error = read_order(lost()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(error.to_string(), "reading an order: the connection ended");
}

#[test]
fn an_order_without_its_place_is_malformed() {
    let (script, session) = session();
    script.warm().on("POST /new-order", json_answer(201, order("pending")));
    let wanted = NewOrder::new([Identifier::parse("example.com").unwrap()]);

    let error = run(session.call(&Call::NewOrder(wanted))).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains("Location"), "{error}");
}

#[test]
fn unknown_statuses_types_and_members_are_data() {
    let mut unknown = order("pondering");
    unknown["identifiers"] = json!([{ "type": "onion", "value": "x" }]);
    let Said::Order { order, .. } = read_order(json_answer(200, unknown)).unwrap() else {
        panic!("an order");
    };
    assert_eq!(order.status, OrderStatus::Other("pondering".to_owned()));

    let (script, session) = session();
    script.warm().on(
        "POST /authz/1",
        json_answer(
            200,
            json!({
                "identifier": { "type": "dns", "value": "example.com" },
                "status": "napping",
                "challenges": [{
                    "type": "telepathy-01",
                    "url": "https://ca.example/challenge/1",
                    "status": "listening"
                }]
            }),
        ),
    );
    let call = Call::ReadAuthorization(url("https://ca.example/authz/1"));
    let Said::Authorization(read) = run(session.call(&call)).unwrap().answer else {
        panic!("an authorization");
    };
    assert_eq!(read.status, AuthorizationStatus::Other("napping".to_owned()));
    assert_eq!(read.challenges[0].kind, ChallengeType::Other("telepathy-01".to_owned()));
}
