//! What is read beside the watches: as little as there is.

use certwright_kube_adapter::leader::{Leadership, Standing};
use tokio::sync::watch;

use crate::kit::manifests::{authority, ca_issuer, certificate, signing_request};
use crate::kit::{Fault, Operator, Proxy, Space, Verb, conditions, eventually};
use crate::ready;

#[test]
fn requests_that_this_process_made_are_not_read_again() {
    let (space, proxy, _operator) = ready("own");
    issue(&space, "web");
    space.await_quiet(&proxy);
    assert_eq!(requests_read(&proxy), [""; 0]);
}

#[test]
fn a_request_of_others_is_read_once_for_each_of_their_writes() {
    let (space, proxy, _operator) = ready("others");
    space.apply(&signing_request("app", "ca"));
    let issued = space.await_condition("certificaterequests", "app", "Ready", "True");
    assert!(issued["status"]["certificate"].is_string(), "{issued}");
    space.await_quiet(&proxy);
    assert_eq!(requests_read(&proxy), ["app"]);
    let note = serde_json::json!({ "metadata": { "annotations": { "note": "it is theirs" } } });
    space.patch("certificaterequests", "app", "", &note);
    eventually("the other read", || match requests_read(&proxy).len() {
        2 => Ok(()),
        count => Err(format!("{count}")),
    });
}

#[test]
fn a_request_that_cannot_be_read_is_read_when_it_can() {
    let (space, proxy, _operator) = ready("unreadable");
    let mut refused = 0;
    proxy.fail(move |call| {
        let is_it = call.verb == Verb::Get && call.resource == "certificaterequests" && refused < 2;
        refused += usize::from(is_it);
        is_it.then_some(Fault::Refuse(500, None))
    });
    space.apply(&signing_request("app", "ca"));
    space.await_condition("certificaterequests", "app", "Ready", "True");
    assert_eq!(requests_read(&proxy).len(), 3);
}

#[test]
fn who_waits_to_lead_is_told_everything_and_reads_nothing() {
    let space = Space::new("waiting");
    authority(&space);
    space.apply(&ca_issuer("ca", "authority"));
    let (leading, waiting) = (space.proxy(), space.proxy());
    let leader = Operator::start(&leading, space.settings());
    let (lead, standing) = watch::channel(Standing::Waiting { holder: None });
    let _other =
        Operator::start_as(&waiting, space.settings(), |controller| controller.led_by(Leadership::told_by(standing)));
    eventually("its watch of requests", || match waiting.watches("certificaterequests") {
        0 => Err("there is none".to_owned()),
        _ => Ok(()),
    });
    issue(&space, "web");
    space.apply(&signing_request("app", "ca"));
    space.await_condition("certificaterequests", "app", "Ready", "True");
    space.await_quiet(&leading);
    leader.stop();
    assert_eq!((requests_read(&waiting), waiting.ledger().objects().count()), (Vec::new(), 0));
    lead.send(Standing::Leading).expect("it runs");
    space.apply(&signing_request("job", "ca"));
    let issued = space.await_condition("certificaterequests", "job", "Ready", "True");
    assert_eq!(conditions(&issued).len(), 2, "{issued}");
    issue(&space, "api");
    space.await_quiet(&waiting);
    let read = requests_read(&waiting);
    assert!(read.iter().all(|it| it == "job") && read.len() <= 1, "{read:?}");
}

/// Issues twenty certificates at once.
fn issue(space: &Space, what: &str) {
    let names: Vec<String> = (0..20).map(|it| format!("{what}-{it}")).collect();
    for name in &names {
        space.apply(&certificate(name, "ca"));
    }
    for name in &names {
        space.await_ready(name);
    }
}

/// The requests that were read by their names.
fn requests_read(proxy: &Proxy) -> Vec<String> {
    let read = proxy.calls().into_iter().filter(|it| it.call.verb == Verb::Get);
    read.filter(|it| it.call.resource == "certificaterequests").map(|it| it.call.name).collect()
}
