//! Nonces, and what happens when the server does not take them.

use certwright_acme_core::client::Call;
use certwright_acme_core::protocol::NewOrder;
use certwright_acme_core::{Client as _, ErrorKind, Identifier, Retry, limits};

use crate::script::{answer, json_answer, order, problem, run, session, url};

fn an_order() -> NewOrder {
    NewOrder::new([Identifier::parse("example.com").unwrap()])
}

#[test]
fn two_orders_need_one_new_nonce() {
    let (script, session) = session();
    script.warm();
    for number in 1..=2 {
        script
            .on("POST /new-order", json_answer(201, order("pending")).at(&format!("/order/{number}")))
            .on("POST /authz/1", json_answer(404, order("pending")));
    }

    for _ in 0..2 {
        run(session.call(&Call::NewOrder(an_order()))).unwrap();
        // An error's nonce is as good as any.
        run(session.call(&Call::ReadAuthorization(url("https://ca.example/authz/1")))).unwrap_err();
    }

    assert!(script.is_played());
    assert_eq!(script.count("HEAD /new-nonce"), 1);
    let spent: Vec<String> =
        script.asked()[2..].iter().map(|it| it.protected["nonce"].as_str().unwrap().to_owned()).collect();
    assert_eq!(spent, ["n2", "n3", "n4", "n5"]);
}

#[test]
fn sixty_three_refused_nonces_are_survived() {
    let (script, session) = session();
    script.warm();
    for _ in 0..63 {
        script.on("POST /order/1", problem(400, "badNonce"));
    }
    script.on("POST /order/1", json_answer(200, order("ready")));

    run(session.call(&Call::ReadOrder(url("https://ca.example/order/1")))).unwrap();

    assert!(script.is_played());
    assert_eq!(script.count("HEAD /new-nonce"), 1, "each answer's own nonce is used");
    assert_eq!(script.last().protected["nonce"], "n65");
}

#[test]
fn more_refused_nonces_than_the_limit_are_an_error_to_back_off_from() {
    let (script, session) = session();
    script.warm();
    for _ in 0..=limits::BAD_NONCE_RETRIES {
        script.on("POST /order/1", problem(400, "badNonce"));
    }

    let error = run(session.call(&Call::ReadOrder(url("https://ca.example/order/1")))).unwrap_err();

    assert!(script.is_played());
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert_eq!(error.retry(), Retry::Backoff);
    assert_eq!(error.problem().unwrap().kind.short(), "badNonce");
}

#[test]
fn a_refused_nonce_takes_all_older_ones_with_it() {
    let (script, session) = session();
    script
        .warm()
        .on("POST /order/1", problem(400, "badNonce").with("replay-nonce", ""))
        .on("HEAD /new-nonce", answer(204).with("replay-nonce", "fresh"))
        .on("POST /order/1", json_answer(200, order("ready")));
    // Two nonces are in the pool: the directory's and the one of the first answer.

    run(session.call(&Call::ReadOrder(url("https://ca.example/order/1")))).unwrap();

    assert!(script.is_played());
    assert_eq!(script.last().protected["nonce"], "fresh");
}

#[test]
fn a_server_without_nonces_says_so() {
    let (script, session) = session();
    script
        .on("GET /directory", json_answer(200, crate::script::directory()).with("replay-nonce", ""))
        .on("HEAD /new-nonce", answer(200).with("replay-nonce", "not a nonce!"));

    let error = run(session.call(&Call::NewOrder(an_order()))).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains("nonce"), "{error}");
}
