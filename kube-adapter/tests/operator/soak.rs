//! Days in a minute: certificates are renewed while the clock jumps and one call of a hundred fails.

use std::sync::Arc;
use std::time::Duration;

use acme_core::{Clock as _, Timestamp};
use issuers::Timer;
use serde_json::json;

use crate::kit::manifests::{authority, certificate, with_spec};
use crate::kit::{Ahead, Call, Fault, Operator, Space, conditions, eventually, judge};

/// Fails unless after days of renewals nobody has anything to do, and no more was written than that takes.
#[expect(clippy::print_stderr, reason = "a long test says what it went through")]
pub(crate) fn soak(crowd: usize, jumps: &[Duration]) {
    let space = Space::new("soak");
    authority(&space);
    let proxy = space.proxy();
    let clock = Arc::new(Ahead::default());
    let operator = Operator::start_at(&proxy, space.settings(), Arc::clone(&clock) as Arc<dyn Timer>);
    space.await_condition("issuers", "ca", "Ready", "True");
    proxy.fail(one_of_a_hundred());
    let names: Vec<String> = (0..crowd).map(|number| format!("web-{number}")).collect();
    for name in &names {
        // Renewed after three hours and twenty minutes.
        space.apply(&with_spec(certificate(name, "ca"), json!({ "duration": "5h", "renewBefore": "100m" })));
    }
    let settle = |why: &str| {
        eventually(why, || {
            let unready = space.list("certificates").into_iter().find(|it| !is_current(it, clock.now()));
            unready.map_or(Ok(()), |it| Err(it["status"].to_string()))
        });
        space.await_quiet(&proxy);
    };
    settle("the first certificates");
    let memory = resident_kib();
    for (number, jump) in jumps.iter().enumerate() {
        clock.jump(*jump);
        settle(&format!("certificates after jump {number} of {jump:?}"));
    }
    let grown = resident_kib().saturating_sub(memory);
    proxy.heal();
    space.await_quiet(&proxy);

    let mut issued = 0;
    for name in &names {
        judge::assert_settled(&space, name);
        issued += space.get("certificates", name).expect("it")["status"]["revision"].as_u64().expect("a revision");
    }
    let made = proxy.ledger().objects().filter(|it| (200..300).contains(&it.code)).count() as u64;
    // Five for each; an answer that is lost at the worst write has the request made again.
    assert!(made <= issued * 5 + issued, "{made} writes for {issued} certificates");
    assert!(issued >= names.len() as u64 * 5, "only {issued} certificates in all these days");
    assert!(grown < MOST_GROWN_KIB, "{grown} KiB more than at the start");
    proxy.ledger().assert_never_put();
    operator.stop();
    proxy.forget();
    let _fresh = Operator::start_at(&proxy, space.settings(), Arc::clone(&clock) as Arc<dyn Timer>);
    eventually("a fresh start", || {
        let watches = proxy.calls().iter().filter(|it| it.call.watches && it.code == 200).count();
        if watches >= 7 { Ok(()) } else { Err(format!("{watches} watches")) }
    });
    space.await_quiet(&proxy);
    assert_eq!(proxy.ledger().0, [], "who starts afresh finds nothing that is left to do");
    eprintln!("{issued} certificates of {crowd} in {} jumps: {made} writes, {grown} KiB more", jumps.len());
}

/// Is it ready, and will it be for a while?
fn is_current(certificate: &serde_json::Value, now: Timestamp) -> bool {
    let all = conditions(certificate);
    let is = |kind: &str| all.iter().any(|it| it["type"] == kind && it["status"] == "True");
    let renewal = certificate["status"]["renewalTime"].as_str().and_then(|it| Timestamp::parse_rfc3339(it).ok());
    is("Ready") && !is("Issuing") && renewal.is_some_and(|it| now < it)
}

/// Whatever is asked, one of a hundred goes wrong.
fn one_of_a_hundred() -> impl FnMut(&Call) -> Option<Fault> + Send + 'static {
    let faults =
        [Fault::LoseAnswer, Fault::Refuse(500, None), Fault::TimeOut, Fault::LoseRequest, Fault::Refuse(429, Some(1))];
    let mut calls: usize = 0;
    move |_| {
        calls += 1;
        (calls.is_multiple_of(100)).then(|| faults[calls / 100 % faults.len()])
    }
}

/// The memory of this process that is in use.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

const MOST_GROWN_KIB: u64 = 64 * 1024;
