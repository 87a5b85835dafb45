//! What takes minutes: `.ci/test --long` runs it, and its last result stands in `docs/testing.md`.

use std::time::Duration;

use crate::kit::manifests::{authority, certificate};
use crate::kit::{Call, Fault, Operator, Proxy, Space, eventually_within, judge, now};
use crate::paths::Path;

#[test]
#[ignore = "minutes long: .ci/test --long"]
fn every_path_survives_every_fault_at_every_write() {
    for path in [Path::Ca, Path::SelfSigned, Path::Never, Path::Approved, Path::External, Path::Bare] {
        crate::crash::survives(path, &ALL, crate::crash::MOST_AGAIN);
        // Who reads it wants to know how far it came.
        eprintln!("{path:?} survives {ALL:?}");
    }
}

#[test]
#[ignore = "minutes long: .ci/test --long"]
fn two_controllers_in_chaos_end_with_one_certificate_each() {
    let space = Space::new("chaos");
    authority(&space);
    let proxies = [space.proxy(), space.proxy()];
    let mut operators = proxies.each_ref().map(|proxy| Operator::start(proxy, space.settings()));
    let names: Vec<String> = (0..CROWD).map(|number| format!("web-{number}")).collect();
    for (proxy, every) in proxies.iter().zip([37, 53]) {
        proxy.fail(chaos(every));
    }
    for name in &names {
        space.apply(&certificate(name, "ca"));
    }
    let begun = now();
    eventually_within(CHAOS, "readiness of all in chaos", || {
        for ((operator, proxy), every) in operators.iter_mut().zip(&proxies).zip([37, 53]) {
            revive(operator, proxy, &space);
            // The weather clears up after a while: what was begun in the storm must end.
            if proxy.has_no_rule() && now() - begun < STORM {
                proxy.fail(chaos(every));
            }
        }
        let unready = space.list("certificates").iter().filter(|it| !is_ready(it)).count();
        if unready == 0 && now() - begun >= STORM { Ok(()) } else { Err(format!("{unready} are not ready")) }
    });
    for ((operator, proxy), _) in operators.iter_mut().zip(&proxies).zip([0, 1]) {
        proxy.heal();
        revive(operator, proxy, &space);
        space.await_quiet(proxy);
    }
    // Each may have swept the other's request of a certificate that was there already, so what is left over is not judged.
    for name in &names {
        judge::assert_whole(&space, name);
    }
    let kills: usize = proxies.iter().map(Proxy::kills_made).sum();
    let conflicts: usize = proxies.iter().map(|it| it.ledger().answered(409)).sum();
    eprintln!("{CROWD} certificates, {kills} kills, {conflicts} conflicts");
    assert!(kills > 0, "the storm never struck");
}

/// Strikes by counting writes: lost requests, lost answers, refusals, and now and then a kill.
fn chaos(every: usize) -> impl FnMut(&Call) -> Option<Fault> + Send + 'static {
    let faults = [
        Fault::LoseAnswer,
        Fault::Refuse(429, Some(1)),
        Fault::TimeOut,
        Fault::LoseRequest,
        Fault::Refuse(500, None),
        Fault::KillAfter,
        Fault::KillBefore,
    ];
    let mut struck = 0;
    move |call| {
        if call.write? % every != 0 {
            return None;
        }
        struck += 1;
        Some(faults[struck % faults.len()])
    }
}

fn revive(operator: &mut Operator, proxy: &Proxy, space: &Space) {
    if !operator.is_alive() && proxy.is_idle() {
        proxy.heal();
        *operator = Operator::start(proxy, space.settings());
    }
}

fn is_ready(certificate: &serde_json::Value) -> bool {
    let conditions = crate::kit::conditions(certificate);
    conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True")
}

const ALL: [Fault; 6] = [
    Fault::KillBefore,
    Fault::KillAfter,
    Fault::LoseRequest,
    Fault::LoseAnswer,
    Fault::TimeOut,
    Fault::Refuse(500, None),
];
const CROWD: usize = 200;
/// How long faults strike.
const STORM: Duration = Duration::from_secs(120);
const CHAOS: Duration = Duration::from_secs(600);
