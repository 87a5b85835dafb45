//! What the API server and others may do meanwhile: be away, forget its history, refuse; and what others write.

use std::collections::HashSet;

use serde_json::json;

use crate::kit::manifests::{authority, certificate, with_spec};
use crate::kit::{Fault, Operator, Proxy, Space, Verb, conditions, eventually, judge, pause};
use crate::paths::Path;

#[test]
fn an_api_server_that_was_away_is_taken_up_again_without_a_write() {
    let (space, proxy, _operator) = ready("away");
    proxy.close();
    space.apply(&certificate("meanwhile", "ca"));
    pause(std::time::Duration::from_millis(700));
    assert!(proxy.ledger().0.is_empty());
    proxy.heal();
    space.await_ready("meanwhile");
    space.await_quiet(&proxy);
    proxy.ledger().assert_is(&Path::Ca.writes(), 1);
    judge::assert_settled(&space, "first");
    judge::assert_settled(&space, "meanwhile");
}

#[test]
fn a_compacted_history_costs_a_list_and_no_write() {
    let (space, proxy, _operator) = ready("compacted");
    let mut struck = HashSet::new();
    proxy.fail(move |call| {
        let first = call.verb == Verb::Watch && struck.insert(call.resource.clone());
        first.then_some(Fault::Expire)
    });
    proxy.cut_watches();
    space.delete("certificates", "first");
    space.apply(&certificate("second", "ca"));
    space.await_ready("second");
    space.await_quiet(&proxy);
    proxy.ledger().assert_is(&Path::Ca.writes(), 1);
}

#[test]
fn a_server_that_streams_no_lists_is_asked_for_pages() {
    let space = Space::new("pages");
    let proxy = space.proxy();
    authority(&space);
    proxy.fail(|call| call.streams.then_some(Fault::Refuse(400, None)));
    let _operator = Operator::start(&proxy, space.settings());
    space.apply(&certificate("first", "ca"));
    space.await_ready("first");
    space.await_quiet(&proxy);
    judge::assert_settled(&space, "first");
    let lists = proxy.calls().iter().filter(|it| it.call.verb == Verb::List && it.code == 200).count();
    assert!(lists >= 7, "{lists} lists");
}

#[test]
fn calls_that_take_their_time_cost_no_write_more() {
    let space = Space::new("late");
    let proxy = space.proxy();
    authority(&space);
    proxy.fail(|_| Some(Fault::Delay(LATE)));
    let _operator = Operator::start(&proxy, space.settings());
    space.await_condition("issuers", "ca", "Ready", "True");
    space.await_quiet(&proxy);
    proxy.forget();
    space.apply(&certificate("first", "ca"));
    space.await_ready("first");
    space.await_quiet(&proxy);
    proxy.ledger().assert_is(&Path::Ca.writes(), 1);
}

#[test]
fn an_etcd_from_a_backup_is_taken_as_it_is() {
    let space = Space::alone("restored");
    let proxy = space.proxy();
    authority(&space);
    let _operator = Operator::start(&proxy, space.settings());
    space.apply(&certificate("first", "ca"));
    space.await_ready("first");
    space.await_quiet(&proxy);
    let backup = space.plane.back_up();
    space.apply(&certificate("second", "ca"));
    space.await_ready("second");
    space.patch("certificates", "first", "", &json!({ "spec": { "dnsNames": ["other.example.test"] } }));
    space.await_ready("first");
    space.await_quiet(&proxy);
    // The servers write of themselves once they are back. Until a watch asks where they are, their history must not have come as far again as it was before.
    space.apply(&json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "history" } }));
    for number in 0..HISTORY {
        space.patch("configmaps", "history", "", &json!({ "data": { "number": number.to_string() } }));
    }

    proxy.forget();
    space.plane.restore(&backup);
    eventually("every watch anew", || {
        let watches = proxy.calls().iter().filter(|it| it.call.watches && it.code == 200).count();
        if watches >= 7 { Ok(()) } else { Err(format!("{watches} watches")) }
    });
    space.await_quiet(&proxy);
    assert_eq!(proxy.ledger().0, [], "what stood in the backup was settled");
    space.patch("certificates", "first", "", &json!({ "spec": { "dnsNames": ["third.example.test"] } }));
    space.await_ready("first");
    space.apply(&certificate("second", "ca"));
    space.await_ready("second");
    for name in ["first", "second"] {
        judge::assert_settled(&space, name);
    }
}

#[test]
fn who_is_told_to_come_later_comes_later_and_finishes() {
    let (space, proxy, _operator) = ready("later");
    proxy.fail(|call| match call.write {
        Some(1) => Some(Fault::Refuse(429, Some(1))),
        Some(3) => Some(Fault::Refuse(500, None)),
        Some(5) => Some(Fault::Refuse(409, None)),
        _ => None,
    });
    space.apply(&certificate("second", "ca"));
    space.await_ready("second");
    space.await_quiet(&proxy);
    judge::assert_settled(&space, "second");
    let refused = proxy.ledger().0.iter().filter(|it| it.code >= 400).count();
    assert!(refused >= 2, "{}", proxy.ledger());
    assert!(proxy.ledger().0.len() < 20, "{}", proxy.ledger());
}

#[test]
fn conditions_of_others_stay_as_they_are() {
    let (space, proxy, _operator) = ready("others");
    let theirs = json!({
        "type": "example.test/Audited", "status": "True", "reason": "Fine", "message": "by somebody else", "lastTransitionTime": "2026-01-01T00:00:00Z",
    });
    let mut kept = conditions(&space.get("certificates", "first").expect("the Certificate"));
    kept.push(theirs.clone());
    space.patch("certificates", "first", "status", &json!({ "status": { "conditions": kept } }));
    space.await_quiet(&proxy);
    assert!(proxy.ledger().0.is_empty(), "{}", proxy.ledger());

    space.patch("certificates", "first", "", &json!({ "spec": { "dnsNames": ["other.example.test"] } }));
    space.await_ready("first");
    space.await_quiet(&proxy);
    let after = conditions(&space.get("certificates", "first").expect("the Certificate"));
    assert!(after.contains(&theirs), "{after:?}");
    judge::assert_settled(&space, "first");
}

#[test]
fn of_three_certificates_for_one_secret_one_has_it_and_the_next_takes_over() {
    let (space, proxy, _operator) = ready("claims");
    let rival = |name: &str| with_spec(certificate(name, "ca"), json!({ "secretName": "first" }));
    space.apply(&rival("second"));
    space.apply(&rival("third"));
    for name in ["second", "third"] {
        space.await_condition("certificates", name, "Ready", "False");
    }
    space.await_quiet(&proxy);
    let requests = space.list("certificaterequests");
    assert_eq!(requests.len(), 1, "only the owner asks for a certificate");

    space.delete("certificates", "first");
    eventually("a successor", || {
        let ready = |name: &str| {
            let object = space.get("certificates", name).expect("the Certificate");
            conditions(&object).iter().any(|it| it["type"] == "Ready" && it["status"] == "True")
        };
        match (ready("second"), ready("third")) {
            (true, true) => panic!("both have it"),
            (false, false) => Err("none has it".to_owned()),
            _ => Ok(()),
        }
    });
}

/// A controller with an issuer and one Certificate that is ready.
fn ready(hint: &str) -> (Space, Proxy, Operator) {
    let space = Space::new(hint);
    let proxy = space.proxy();
    authority(&space);
    let operator = Operator::start(&proxy, space.settings());
    space.apply(&certificate("first", "ca"));
    space.await_ready("first");
    space.await_quiet(&proxy);
    proxy.forget();
    (space, proxy, operator)
}

/// Long beside what a call takes, and short enough for a wait that counts calls.
const LATE: std::time::Duration = std::time::Duration::from_millis(300);

/// Far more writes than those of servers that start.
const HISTORY: usize = 200;
