//! Who leads, on a Lease of a real API server.

use std::time::Duration;

use crate::cluster::{lease, namespace, put_lease};
use crate::operator::Operator;

#[test]
fn a_standby_follows_at_once_when_the_leader_is_asked_to_end() {
    let (mut old, new) = pair("handed-over", &[]);
    old.signal("TERM");
    assert_eq!(old.end().code(), Some(0));
    let waited = new.wait("it leads", || new.leads());
    assert!(waited < Duration::from_secs(2), "{waited:?}");
}

#[test]
fn a_standby_follows_a_killed_leader_within_five_seconds_in_fast_mode() {
    let (mut old, new) = pair("killed", &["--leader-election-mode=fast"]);
    old.signal("KILL");
    old.end();
    let waited = new.wait("it leads", || new.leads());
    assert!(waited < Duration::from_millis(5_500), "{waited:?}");
    assert_eq!(lease("killed").unwrap()["leaseTransitions"], 1);
}

#[test]
fn a_frozen_leader_is_silent_when_it_thaws_and_stands_by() {
    let (old, new) = pair("frozen", &["--leader-election-mode=fast"]);
    old.signal("STOP");
    new.wait("it leads", || new.leads());
    let holder = lease("frozen").unwrap()["holderIdentity"].clone();
    old.signal("CONT");
    old.wait("it knows that it leads no more", || {
        assert_eq!(lease("frozen").unwrap()["holderIdentity"], holder);
        let metrics = old.metrics();
        metrics.lines().any(|line| line == "certmanager_leader 0")
    });
    assert!(new.leads());
    assert_eq!(old.health("/livez").0, 200, "a loss ends nothing");
}

#[test]
fn the_lease_of_a_running_cert_manager_is_respected_as_long_as_it_says() {
    let space = namespace("taken");
    let theirs =
        |second: u32| put_lease(&space, "cert-manager-7d5f_3c0e", 6, &format!("2026-01-02T03:04:{second:02}.000000Z"));
    theirs(0);
    let us = Operator::ready(&[&format!("--leader-election-namespace={space}"), "--leader-election-mode=fast"]);
    for second in 1..8 {
        std::thread::sleep(Duration::from_secs(1));
        assert!(!us.leads());
        theirs(second);
    }
    let waited = us.wait("it leads", || us.leads());
    assert!(waited > Duration::from_secs(5) && waited < Duration::from_secs(8), "{waited:?}");
    assert_eq!(lease(&space).unwrap()["leaseTransitions"], 13);
}

#[test]
fn a_crashed_container_of_the_same_pod_goes_on_at_once() {
    let space = namespace("crashed");
    let arguments = [&format!("--leader-election-namespace={space}"), "--leader-election-identity=pod-uid"];
    let mut first = Operator::ready(&arguments.map(|it| -> &str { it }));
    first.wait("it leads", || first.leads());
    first.signal("KILL");
    first.end();
    let second = Operator::ready(&arguments.map(|it| -> &str { it }));
    let waited = second.wait("it leads", || second.leads());
    assert!(waited < Duration::from_secs(2), "{waited:?}");
    assert_eq!(lease(&space).unwrap()["leaseTransitions"], 0);
}

/// One that leads, and one that stands by.
fn pair(space: &str, arguments: &[&str]) -> (Operator, Operator) {
    let election = format!("--leader-election-namespace={}", namespace(space));
    let arguments = [&[election.as_str()], arguments].concat();
    let old = Operator::ready(&arguments);
    old.wait("it leads", || old.leads());
    let new = Operator::ready(&arguments);
    assert!(old.leads() && !new.leads());
    (old, new)
}
