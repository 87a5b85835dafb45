//! The proxy itself: it counts what it lets through, and fails what it is told to fail.

use http::Request;
use kube::client::Body;
use serde_json::json;

use crate::kit::{Fault, Proxy, Space, Verb, definitions, eventually};

#[test]
fn what_is_written_is_counted_and_what_is_asked_is_not() {
    let space = Space::new("proxy");
    let proxy = space.proxy();
    assert_eq!(post(&proxy, &space, "first"), Some(201));
    assert_eq!(post(&proxy, &space, "first"), Some(409));
    assert_eq!(send(&proxy, "GET", &space.path("configmaps", "first"), ""), Some(200));
    let ledger = proxy.ledger();
    assert_eq!((ledger.0.len(), ledger.answered(409), ledger.0[1].call.write), (2, 1, Some(2)));
    assert_eq!(proxy.calls().last().map(|it| (it.call.verb, it.code)), Some((Verb::Get, 200)));
}

#[test]
fn a_write_can_be_lost_before_it_arrives_and_after() {
    let space = Space::new("proxy");
    let proxy = space.proxy();
    proxy.fail(|call| match call.write {
        Some(1) => Some(Fault::LoseRequest),
        Some(2) => Some(Fault::LoseAnswer),
        Some(3) => Some(Fault::TimeOut),
        Some(4) => Some(Fault::Refuse(429, Some(1))),
        _ => None,
    });
    let answers = ["a", "b", "c", "d", "e"].map(|name| post(&proxy, &space, name));
    assert_eq!(answers, [None, None, Some(504), Some(429), Some(201)]);
    let there = ["a", "b", "c", "d", "e"].map(|name| space.get("configmaps", name).is_some());
    assert_eq!(there, [false, true, true, false, true]);
}

#[test]
fn who_was_killed_is_not_heard_any_more() {
    let space = Space::new("proxy");
    let proxy = space.proxy();
    proxy.fail(|call| (call.write == Some(2)).then_some(Fault::KillAfter));
    let answers = ["a", "b", "c"].map(|name| post(&proxy, &space, name));
    assert_eq!((answers, proxy.kills_made()), ([Some(201), None, None], 1));
    proxy.heal();
    assert_eq!(post(&proxy, &space, "c"), Some(201));
    assert!(space.get("configmaps", "b").is_some());
}

#[test]
fn a_controller_without_anything_to_do_watches_every_kind_and_writes_nothing() {
    let space = Space::new("idle");
    let proxy = space.proxy();
    let operator = crate::kit::Operator::start(&proxy, space.settings());
    eventually("a watch of each kind", || {
        let mut kinds: Vec<String> = proxy
            .calls()
            .into_iter()
            .filter(|it| it.call.watches && it.code == 200)
            .map(|it| it.call.resource)
            .collect();
        kinds.sort();
        kinds.dedup();
        match kinds.join(" ").as_str() {
            "certificaterequests certificates challenges issuers orders secrets services" => Ok(()),
            other => Err(other.to_owned()),
        }
    });
    operator.stop();
    assert!(proxy.ledger().0.is_empty(), "{}", proxy.ledger());
}

fn post(proxy: &Proxy, space: &Space, name: &str) -> Option<u16> {
    let body = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name } });
    send(proxy, "POST", &space.path("configmaps", ""), &body.to_string())
}

/// The status of the answer, or `None` where the connection broke.
fn send(proxy: &Proxy, method: &str, path: &str, body: &str) -> Option<u16> {
    definitions::choose_provider();
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let request = request.body(Body::from(body.as_bytes().to_vec())).expect("a request");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let config = kube::Config::new(proxy.url().parse().expect("an address"));
        let client = certwright_kube_adapter::client::connect(config, "certwright-kit").expect("a client");
        client.send(request).await.ok().map(|answer| answer.status().as_u16())
    })
}
