//! Writes of which nobody knows whether they were made, and news that was missed.

use serde_json::json;

use crate::kit::manifests::{authority, authority_pem};
use crate::kit::{Call, Fault, Operator, Proxy, Space, Verb, eventually};
use crate::{base64, pair, request, signing_request, text};

/// Fails the first write of a request's status in this way.
fn fail_once(proxy: &Proxy, fault: Fault) {
    let mut is_left = true;
    proxy.fail(move |call: &Call| {
        let is_it = call.resource == "certificaterequests/status" && std::mem::take(&mut is_left);
        is_it.then_some(fault)
    });
}

#[test]
fn a_write_in_doubt_is_looked_at_and_not_made_again() {
    // It is read when somebody made it, when nobody knows what became of the write, and when the watch tells of what no answer told of.
    for (fault, writes, reads) in [(Fault::LoseAnswer, 1, 3), (Fault::TimeOut, 1, 3), (Fault::Refuse(409, None), 2, 2)]
    {
        let space = Space::new("doubt");
        let proxy = space.proxy();
        authority(&space);
        let _operator = Operator::start(&proxy, space.settings());
        space.await_condition("issuers", "ca", "Ready", "True");
        space.await_quiet(&proxy);
        proxy.forget();
        fail_once(&proxy, fault);
        space.apply(&request("r", "ca", &signing_request(&["a.example.test"]).0));
        space.await_condition("certificaterequests", "r", "Ready", "True");
        space.await_quiet(&proxy);
        let made = proxy.ledger().objects().count();
        let read = proxy.calls().iter().filter(|it| it.call.verb == Verb::Get && it.call.name == "r").count();
        assert_eq!((made, read), (writes, reads), "{fault:?}: {}", proxy.ledger());
    }
}

#[test]
fn what_changed_while_nobody_watched_is_noticed_by_the_next_list() {
    let space = Space::new("doubt");
    let proxy = space.proxy();
    authority(&space);
    let operator = Operator::start(&proxy, space.settings());
    space.await_condition("issuers", "ca", "Ready", "True");
    space.await_quiet(&proxy);

    proxy.close();
    let (certificate, key) = authority_pem();
    space.delete("secrets", "authority");
    pair(&space, "authority", &certificate, &key);
    let mut is_first = true;
    proxy.forget();
    proxy.heal();
    // The history that the watches ask for is gone, too.
    proxy.fail(move |call| (call.watches && std::mem::take(&mut is_first)).then_some(Fault::Expire));
    eventually("both watches of Secrets anew", || {
        let watches = proxy.calls().into_iter().filter(|it| it.call.watches && it.code == 200);
        let count = watches.filter(|it| it.call.resource == "secrets").count();
        if count >= 2 { Ok(()) } else { Err(format!("{count} watches")) }
    });
    space.await_quiet(&proxy);
    space.apply(&request("r", "ca", &signing_request(&["a.example.test"]).0));
    let signed = space.await_condition("certificaterequests", "r", "Ready", "True");
    assert_eq!(text(&signed["status"]["ca"]).trim(), certificate.replace("\r\n", "\n").trim());
    drop(operator);

    // And while no controller ran at all.
    let (certificate, key) = authority_pem();
    space.patch(
        "secrets",
        "authority",
        "",
        &json!({ "data": { "tls.crt": base64(certificate.as_bytes()), "tls.key": base64(key.as_bytes()) } }),
    );
    let _operator = Operator::start(&proxy, space.settings());
    space.apply(&request("s", "ca", &signing_request(&["a.example.test"]).0));
    let signed = space.await_condition("certificaterequests", "s", "Ready", "True");
    assert_eq!(text(&signed["status"]["ca"]).trim(), certificate.replace("\r\n", "\n").trim());
}
