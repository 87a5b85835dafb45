//! Others write, too, and at the worst moment: right before each write of ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::kit::manifests::{renew, signing_request};
use crate::kit::{Fault, Space, Verb, conditions, eventually, judge};
use crate::paths::Path;
use crate::stage::{Body, Stage};

#[test]
fn a_wish_to_renew_at_any_write_costs_one_certificate_more_at_most() {
    meddled(&[Path::Ca, Path::Approved], renew);
}

#[test]
fn a_label_at_any_write_costs_nothing_but_the_write_it_met() {
    meddled(&[Path::Ca, Path::Approved], |space, name| {
        space.patch(
            "certificates",
            name,
            "",
            &json!({ "metadata": { "labels": { "gitops.example.test/by": "flux" } } }),
        );
    });
}

#[test]
fn of_two_specifications_the_newer_is_issued_whenever_it_comes() {
    meddled(&[Path::Ca, Path::Approved], |space, name| {
        let names = [format!("{name}.example.test"), format!("{name}-more.example.test")];
        space.patch("certificates", name, "", &json!({ "spec": { "dnsNames": names } }));
    });
}

#[test]
fn a_condition_of_others_stays_whenever_it_comes() {
    meddled(&[Path::Ca, Path::Approved], |space, name| {
        let object = space.get("certificates", name).expect("the Certificate");
        let mut all = conditions(&object);
        all.push(theirs());
        space.patch("certificates", name, "status", &json!({ "status": { "conditions": all } }));
    });
}

#[test]
fn who_denies_a_request_before_its_certificate_is_written_is_obeyed() {
    let stage = Stage::new(Path::Ca, Body::Runtime);
    let space = stage.space.clone();
    stage.proxy.fail(move |call| {
        if call.write == Some(2) {
            let denied = json!({
                "type": "Denied", "status": "True", "reason": "Policy", "message": "not this one",
                "lastTransitionTime": "2026-11-25T00:00:00Z",
            });
            space.patch("certificaterequests", &call.name, "status", &json!({ "status": { "conditions": [denied] } }));
        }
        None
    });
    stage.ask("web", 1);
    eventually("the end of the attempt", || {
        let object = stage.space.get("certificates", "web").ok_or("there is none")?;
        match object["status"]["failedIssuanceAttempts"].as_u64() {
            Some(1) => Ok(()),
            _ => Err(object["status"].to_string()),
        }
    });
    stage.space.await_quiet(&stage.proxy);
    assert_eq!(stage.space.get("secrets", "web"), None, "what was denied is never stored");
    let request = stage.space.get("certificaterequests", "web-1").expect("the request");
    assert_eq!(request["status"]["certificate"], Value::Null);
    let kinds: Vec<Value> = conditions(&request).iter().map(|it| it["type"].clone()).collect();
    assert!(kinds.contains(&json!("Denied")) && !kinds.contains(&json!("Approved")), "{kinds:?}");
}

#[test]
fn who_denies_a_request_while_a_vault_signs_it_is_obeyed() {
    // Before the approval, and before the certificate is written: then one was signed, and nobody gets it.
    for (write, signed) in [(3, 0), (4, 1)] {
        let stage = Stage::new(Path::Vault, Body::Runtime);
        let (space, before) = (stage.space.clone(), stage.servers.made().certificates);
        stage.proxy.fail(move |call| {
            if call.write == Some(write) {
                let request = space.get("certificaterequests", &call.name).expect("the request");
                let mut all = conditions(&request);
                all.push(json!({
                    "type": "Denied", "status": "True", "reason": "Policy", "message": "not this one",
                    "lastTransitionTime": "2026-11-25T00:00:00Z",
                }));
                space.patch("certificaterequests", &call.name, "status", &json!({ "status": { "conditions": all } }));
            }
            None
        });
        stage.ask("web", 1);
        eventually("the end of the attempt", || {
            let object = stage.space.get("certificates", "web").ok_or("there is none")?;
            match object["status"]["failedIssuanceAttempts"].as_u64() {
                Some(1) => Ok(()),
                _ => Err(object["status"].to_string()),
            }
        });
        stage.space.await_quiet(&stage.proxy);
        assert_eq!(stage.space.get("secrets", "web"), None, "what was denied is never stored");
        let request = stage.space.get("certificaterequests", "web-1").expect("the request");
        assert_eq!(request["status"]["certificate"], Value::Null, "write {write}");
        assert_eq!(stage.servers.made().certificates - before, signed, "write {write}");
        let keys = stage.space.list("secrets").into_iter().filter(|it| it["metadata"]["name"] != "token").count();
        assert_eq!(keys, 0, "the key of what was denied goes");
    }
}

#[test]
fn an_order_that_somebody_edits_gives_no_certificate_for_another_key() {
    let stage = Stage::new(Path::Dns01(1), Body::Runtime);
    let (space, theirs) = (stage.space.clone(), signing_request("web-0", "ca")["spec"]["request"].clone());
    // Its URL is known and stands in the status; what it orders is somebody else's from here on.
    let edited = Arc::new(AtomicBool::new(false));
    let done = Arc::clone(&edited);
    stage.proxy.fail(move |call| {
        let is_time = call.verb == Verb::Create && call.resource == "challenges";
        if is_time && !done.swap(true, Ordering::Relaxed) {
            let order = space.list("orders").pop().expect("the Order");
            let name = order["metadata"]["name"].as_str().expect("a name").to_owned();
            let change = json!({ "spec": { "request": theirs, "dnsNames": ["elsewhere.example.test"] } });
            space.patch("orders", &name, "", &change);
        }
        None::<Fault>
    });
    stage.ask("web", 1);
    let told = eventually("an end, good or bad", || {
        let object = stage.space.get("certificates", "web").ok_or("there is none")?;
        let failed = object["status"]["failedIssuanceAttempts"].is_u64();
        let ready = conditions(&object).iter().any(|it| it["type"] == "Ready" && it["status"] == "True");
        if failed || ready { Ok(ready) } else { Err(object["status"].to_string()) }
    });
    assert!(edited.load(Ordering::Relaxed), "nobody edited it");
    stage.space.await_quiet(&stage.proxy);
    match told {
        true => judge::assert_settled(&stage.space, "web"),
        false => assert_eq!(stage.space.get("secrets", "web"), None, "what is of no use is not stored"),
    }
    let writes = stage.proxy.ledger().objects().count();
    assert!(writes <= 2 * stage.path.writes().len(), "{writes} writes:\n{}", stage.proxy.ledger());
}

/// Issues a certificate for each write of the paths, and has somebody else write right before it. In the end there is one for the newest specification, at the
/// cost of one issuance more at most, and what others wrote is as they wrote it.
fn meddled(paths: &[Path], meddle: impl Fn(&Space, &str) + Clone + Send + 'static) {
    for path in paths {
        let stage = Stage::new(*path, Body::Runtime);
        for write in 1..=path.writes().len() {
            let name = format!("web-{write}");
            let (space, meddle, of) = (stage.space.clone(), meddle.clone(), name.clone());
            stage.proxy.fail(move |call| {
                if call.write == Some(write) {
                    meddle(&space, &of);
                }
                None::<Fault>
            });
            stage.ask(&name, 1);
            eventually(&format!("{path:?}: {name} is ready for what it says"), || {
                stage.help();
                let object = stage.space.get("certificates", &name).ok_or("there is none")?;
                let wanted = &object["metadata"]["generation"];
                let is = |kind: &str| {
                    conditions(&object).into_iter().find(|it| it["type"] == kind && it["status"] == "True")
                };
                let ready = is("Ready").is_some_and(|it| it["observedGeneration"] == *wanted);
                // The write that was met may be the last one: then what somebody wrote is taken up after it.
                let met = stage.proxy.ledger().objects().count() >= write;
                match ready && met && is("Issuing").is_none() {
                    true => judge::left_over(&stage.space, &name),
                    false => Err(object["status"].to_string()),
                }
            });
            stage.space.await_quiet(&stage.proxy);
            stage.proxy.heal();
            judge::assert_whole(&stage.space, &name);
            let object = stage.space.get("certificates", &name).expect("the Certificate");
            let revision = object["status"]["revision"].as_u64().expect("a revision");
            assert!(revision <= 2, "{path:?}, write {write}: {revision} certificates were issued");
            let mut wanted: Vec<&str> =
                object["spec"]["dnsNames"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
            wanted.sort_unstable();
            assert_eq!(judge::names_in(&stage.space, &name), wanted, "{path:?}, write {write}");
            let others: Vec<Value> =
                conditions(&object).into_iter().filter(|it| it["type"] == theirs()["type"]).collect();
            assert!(others.iter().all(|it| *it == theirs()), "{path:?}, write {write}: {others:?}");
            stage.space.await_quiet(&stage.proxy);
            let writes = stage.proxy.ledger().objects().count();
            // Two issuances; a request that is made again; a write or two that met another's.
            let most = 2 * path.writes().len() + 6;
            assert!(writes <= most, "{path:?}, write {write}: {writes} writes:\n{}", stage.proxy.ledger());
            stage.proxy.forget();
        }
    }
}

/// A condition that nobody here knows.
fn theirs() -> Value {
    json!({
        "type": "example.test/Audited", "status": "True", "reason": "Fine", "message": "by somebody else",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    })
}
