//! The calls of an order, and the list of an account's orders.

use certwright_acme_core::client::{Answer as Said, Call};
use certwright_acme_core::protocol::NewOrder;
use certwright_acme_core::{Client as _, ErrorKind, Identifier, limits};
use serde_json::{Value, json};

use crate::script::{Script, answer, json_answer, order, run, session, url};

fn wanted() -> NewOrder {
    NewOrder::new([Identifier::parse("example.com").unwrap()])
}

fn account(script: &Script, orders: Value) {
    script.warm().on("POST /account/1", json_answer(200, orders));
}

fn listed(urls: &[&str]) -> crate::script::Answer {
    let urls: Vec<String> = urls.iter().map(|it| format!("https://ca.example{it}")).collect();
    json_answer(200, json!({ "orders": urls }))
}

fn expiring(status: &str, day: u8) -> crate::script::Answer {
    let mut order = order(status);
    order["expires"] = json!(format!("2023-11-{day}T00:00:00Z"));
    json_answer(200, order)
}

#[test]
fn each_step_sends_what_the_rfc_says() {
    let (script, session) = session();
    let challenge = json!({ "type": "http-01", "url": "https://ca.example/challenge/1", "status": "pending" });
    let authorization = json!({
        "identifier": { "type": "dns", "value": "example.com" },
        "status": "pending"
    });
    script
        .warm()
        .on("POST /new-order", json_answer(201, order("pending")).at("order/1"))
        .on("POST /authz/1", json_answer(200, authorization.clone()))
        .on("POST /challenge/1", json_answer(200, challenge))
        .on("POST /order/1/finalize", json_answer(200, order("processing")).at("/order/1"))
        .on("POST /authz/1", json_answer(200, authorization));

    let authz = || url("https://ca.example/authz/1");
    let finalize = url("https://ca.example/order/1/finalize");
    run(session.call(&Call::NewOrder(wanted()))).unwrap();
    run(session.call(&Call::ReadAuthorization(authz()))).unwrap();
    run(session.call(&Call::Accept(url("https://ca.example/challenge/1")))).unwrap();
    let finalized = run(session.call(&Call::Finalize { url: finalize, csr: vec![1, 2, 3] })).unwrap();
    run(session.call(&Call::Deactivate(authz()))).unwrap();

    let Said::Order { url: place, .. } = finalized.answer else {
        panic!("an order");
    };
    assert_eq!(place, url("https://ca.example/order/1"));
    let payloads: Vec<_> = script.asked()[2..].iter().map(|it| it.payload.clone()).collect();
    assert_eq!(
        payloads,
        [
            json!({ "identifiers": [{ "type": "dns", "value": "example.com" }] }),
            json!(null),
            json!({}),
            json!({ "csr": "AQID" }),
            json!({ "status": "deactivated" }),
        ]
    );
}

#[test]
fn the_newest_unfinished_order_for_the_same_is_found_through_all_pages() {
    let (script, session) = session();
    account(&script, json!({ "status": "valid", "orders": "https://ca.example/orders/1" }));
    let mut other_names = order("pending");
    other_names["identifiers"] = json!([{ "type": "dns", "value": "other.example" }]);
    let mut other_end = order("pending");
    other_end["notAfter"] = json!("2024-01-01T00:00:00Z");
    script
        .on(
            "POST /orders/1",
            listed(&["/order/1", "/order/2", "/order/3"])
                .with("link", r#"<https://ca.example/directory>;rel="index""#)
                .with("link", r#"</orders/1?cursor=2>;rel="next""#),
        )
        .on("POST /orders/1", listed(&["/order/4", "/order/5", "/order/6", "/order/7"]))
        .side_by_side()
        .on("POST /order/7", json_answer(200, other_end))
        .on("POST /order/6", answer(404))
        .on("POST /order/5", json_answer(200, other_names))
        .on("POST /order/4", expiring("ready", 20))
        .on("POST /order/3", expiring("pending", 21))
        .on("POST /order/2", expiring("valid", 25))
        .on("POST /order/1", expiring("pending", 10));

    let reply = run(session.call(&Call::FindOrder(wanted()))).unwrap();

    assert!(script.is_played());
    let Said::Order { url: place, .. } = reply.answer else {
        panic!("an order");
    };
    assert_eq!(place, url("https://ca.example/order/3"));
}

#[test]
fn an_order_that_expired_is_not_taken_up() {
    let (script, session) = session();
    account(&script, json!({ "status": "valid", "orders": "https://ca.example/orders/1" }));
    script.on("POST /orders/1", listed(&["/order/1"])).on("POST /order/1", expiring("pending", 14));
    let reply = run(session.call(&Call::FindOrder(wanted()))).unwrap();
    assert_eq!(reply.answer, Said::Nothing);
}

#[test]
fn an_account_without_a_list_has_nothing_to_find_and_is_asked_once() {
    let (script, session) = session();
    account(&script, json!({ "status": "valid" }));
    for _ in 0..2 {
        let reply = run(session.call(&Call::FindOrder(wanted()))).unwrap();
        assert_eq!(reply.answer, Said::Nothing);
    }
    assert_eq!(run(session.orders(None)).unwrap(), None);
    assert!(script.is_played());
}

#[test]
fn a_list_without_end_is_left_after_its_limit() {
    let (script, session) = session();
    account(&script, json!({ "status": "valid", "orders": "https://ca.example/orders/0" }));
    for page in 0..limits::ORDER_PAGES {
        let next = format!("<https://ca.example/orders/{}>;rel=\"next\"", page + 1);
        script.on(&format!("POST /orders/{page}"), listed(&[]).with("link", &next));
    }
    let reply = run(session.call(&Call::FindOrder(wanted()))).unwrap();
    assert_eq!(reply.answer, Said::Nothing);
    assert!(script.is_played());
}

#[test]
fn a_failure_in_the_list_is_not_nothing() {
    let (script, session) = session();
    account(&script, json!({ "status": "valid", "orders": "https://ca.example/orders/1" }));
    script.on("POST /orders/1", answer(500));
    let error = run(session.call(&Call::FindOrder(wanted()))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
}
