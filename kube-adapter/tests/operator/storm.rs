//! Much at once: what is urgent goes first, and nobody is shut out.

use std::thread;

use certwright_kube_adapter::WriteLimits;
use serde_json::{Value, json};

use crate::kit::manifests::{authority, certificate};
use crate::kit::{Operator, Space, Verb, Written, eventually};

#[test]
fn what_is_urgent_is_not_delayed_by_a_storm() {
    let space = Space::new("storm");
    let proxy = space.proxy();
    authority(&space);
    let mut settings = space.settings();
    settings.writes = WriteLimits::new(8, 8);
    let operator = Operator::start(&proxy, settings.clone());
    space.apply(&certificate("urgent", "ca"));
    space.await_ready("urgent");
    space.await_quiet(&proxy);
    operator.stop();
    for number in 0..CROWD {
        space.apply(&certificate(&format!("web-{number}"), "ca"));
    }
    proxy.forget();
    let _operator = Operator::start(&proxy, settings);
    eventually("a storm", || match proxy.ledger().objects().count() {
        written if written >= 20 => Ok(()),
        written => Err(format!("{written} writes")),
    });
    space.delete("secrets", "urgent");
    let before = proxy.ledger().objects().count();
    let is_urgent = |resource: &str| {
        proxy.ledger().objects().position(|it| it.call.resource == resource && it.call.name == "urgent")
    };
    let stored = eventually("the urgent Secret", || is_urgent("secrets").ok_or("not yet".to_owned()));
    eventually("the end of the storm", || {
        let writes = proxy.ledger().objects().filter(|it| it.call.resource == "certificates/status").count();
        if writes > CROWD { Ok(()) } else { Err(format!("{writes} of {CROWD}")) }
    });
    let all = proxy.ledger().objects().count();
    assert!(all >= CROWD * 4, "{all} writes");
    let between = stored - before;
    assert!(between <= CROWD, "{between} of {all} writes were made before that of the urgent Secret");
}

#[test]
fn a_namespace_that_wants_little_is_served_beside_one_that_wants_much() {
    let (many, few) = (Space::new("many"), Space::new("few"));
    let proxy = many.proxy();
    let mut settings = many.settings();
    settings.namespaces = Some(vec![many.namespace.clone(), few.namespace.clone()]);
    settings.writes = WriteLimits::new(8, 8);
    for (space, crowd) in [(&many, CROWD), (&few, 5)] {
        authority(space);
        for number in 0..crowd {
            space.apply(&certificate(&format!("web-{number}"), "ca"));
        }
    }
    let _operator = Operator::start(&proxy, settings);
    for number in 0..5 {
        few.await_ready(&format!("web-{number}"));
    }
    for number in 0..CROWD {
        many.await_ready(&format!("web-{number}"));
    }
    let ledger = proxy.ledger();
    let last = ledger.objects().collect::<Vec<_>>();
    let last_of_few = last.iter().rposition(|it| it.call.namespace.as_ref() == Some(&few.namespace)).expect("a write");
    assert!(last_of_few < last.len() / 2, "the last of few was write {last_of_few} of {}", last.len());
}

#[test]
fn a_storm_asks_for_no_more_at_once_than_there_is_room_for() {
    let space = Space::new("crowd");
    let proxy = space.proxy();
    authority(&space);
    for number in 0..CROWD {
        space.apply(&certificate(&format!("web-{number}"), "ca"));
    }
    let mut settings = space.settings();
    settings.writes = WriteLimits::new(8, 8);
    let _operator = Operator::start(&proxy, settings);
    for number in 0..CROWD {
        space.await_ready(&format!("web-{number}"));
    }
    let most = proxy.most_under_way();
    assert!(most <= 8 + BESIDE, "{most} requests at once");
}

#[test]
fn what_is_still_to_be_said_is_said_before_the_end() {
    let space = Space::new("farewell");
    let proxy = space.proxy();
    authority(&space);
    for number in 0..CROWD {
        space.apply(&certificate(&format!("web-{number}"), "ca"));
    }
    let mut settings = space.settings();
    settings.writes = WriteLimits::new(8, 8);
    let operator = Operator::start(&proxy, settings);
    let is_success = |it: &&Written| it.call.resource == "certificates/status";
    eventually("a third of a storm", || match proxy.ledger().objects().filter(is_success).count() {
        ready if ready >= CROWD / 3 => Ok(()),
        ready => Err(format!("{ready} are ready")),
    });
    // Until here calm Events waited, since there was so much else to write.
    operator.stop();
    let is_ready = |it: &Value| it["status"]["conditions"][0]["status"] == "True";
    let ready = space.list("certificates").iter().filter(|it| is_ready(it)).count();
    let events = space.list("events");
    let told = events.iter().filter(|it| it["regarding"]["kind"] == "Certificate" && it["type"] == "Normal").count();
    assert!(ready >= CROWD / 3 && told == ready, "{told} Events of {ready} certificates");
}

#[test]
fn of_the_secrets_of_others_nothing_is_read_however_large_they_are() {
    let space = Space::alone("crowded");
    let namespaces: Vec<String> = (0..NAMESPACES).map(|it| format!("{}-{it}", space.namespace)).collect();
    let filler = "x".repeat(SIZE);
    thread::scope(|scope| {
        for part in namespaces.chunks(NAMESPACES / 4) {
            scope.spawn(|| part.iter().for_each(|it| foreign(&space, it, &filler)));
        }
    });
    authority(&space);
    let proxy = space.proxy();
    let mut settings = space.settings();
    settings.namespaces = None;
    let operator = Operator::start(&proxy, settings);
    space.apply(&certificate("web", "ca"));
    space.await_ready("web");
    space.await_quiet(&proxy);
    let first = proxy.sent();
    let foreign = NAMESPACES * FOREIGN.len();
    // Metadata alone are sent, and the Certificate's own pair.
    assert!(first < foreign * LONGEST_METADATA, "{first} bytes were sent for {foreign} Secrets of others");
    let secrets = |it: &Written| matches!(it.call.verb, Verb::Get) && it.call.resource == "secrets";
    let read =
        proxy.calls().into_iter().filter(secrets).filter(|it| it.call.namespace.as_ref() != Some(&space.namespace));
    assert_eq!(read.count(), 0, "a Secret of others was read");

    // What becomes of them is news to nobody.
    let writes = proxy.ledger().objects().count();
    for namespace in &namespaces[..10] {
        let path = format!("/api/v1/namespaces/{namespace}/secrets/{}", FOREIGN[0].0);
        space.plane.write("PATCH", &path, &json!({ "metadata": { "labels": { "a": "b" } } }));
    }
    space.apply(&certificate("other", "ca"));
    space.await_ready("other");
    space.await_quiet(&proxy);
    let second = proxy.sent() - first;
    assert!(second < SIZE / 4, "{second} bytes were sent after that");
    assert_eq!(proxy.ledger().objects().count() - writes, crate::paths::Path::Ca.writes().len(), "{}", proxy.ledger());
    operator.stop();
}

/// A namespace with Secrets that nobody here refers to.
fn foreign(space: &Space, namespace: &str, filler: &str) {
    space.plane.apply(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } }));
    for (name, kind) in FOREIGN {
        let manifest = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name, "namespace": namespace }, "type": kind,
            "stringData": { "tls.crt": "", "tls.key": "", "filler": filler },
        });
        space.plane.write("POST", &format!("/api/v1/namespaces/{namespace}/secrets"), &manifest);
    }
}

const NAMESPACES: usize = 100;

/// In each namespace.
const FOREIGN: [(&str, &str); 3] =
    [("plain", "Opaque"), ("pair", "kubernetes.io/tls"), ("release", "helm.sh/release.v1")];

/// Nearly as large as Secrets may be.
const SIZE: usize = 1_000_000;

/// What the metadata of a Secret take at most, and the rest that is listed, shared by all of them.
const LONGEST_METADATA: usize = 2_000;

const CROWD: usize = 120;

/// Lists and watches, questions about rights, Events.
const BESIDE: usize = 12;
