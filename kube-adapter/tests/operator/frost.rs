//! A leader that freezes at a write for longer than its Lease: another takes over, and whatever the first one still sends is not heard.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::crash::Strike;
use crate::kit::process::LEASE;
use crate::kit::{Call, Fault, Process, Proxy, Verb, eventually, judge};
use crate::paths::Path;
use crate::stage::{Servers, Stage};

#[test]
fn a_leader_that_froze_at_a_write_is_not_heard_when_it_thaws() {
    let strikes = [(Path::Ca, &[1, 2, 3, 4][..]), (Path::Dns01(1), &[1, 3, 4, 5, 6, 8, 9])];
    for (path, writes) in strikes {
        // The first of all keys and the first pair arrive late: nothing of the kind is there that they could be held against.
        let strike = |write: &usize| Strike { fault: FROSTS[(write + 1) % FROSTS.len()], write: *write };
        freeze_all(path, &writes.iter().map(strike).collect::<Vec<_>>());
    }
}

/// A leader freezes for each strike; another does its work, and nothing of the first one's arrives after that.
pub(crate) fn freeze_all(path: Path, strikes: &[Strike]) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(strikes.len()) {
            scope.spawn(|| {
                while let Some(strike) = strikes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    freeze(path, *strike);
                }
            });
        }
    });
}

fn freeze(path: Path, strike: Strike) {
    let Strike { fault, write } = strike;
    let told = format!("{path:?}: {fault:?} at write {write}");
    let stage = Stage::idle(path);
    let proxies = [stage.proxy.clone(), stage.space.proxy()];
    let candidate = |number: usize| {
        let mut manner = stage.manner();
        manner.candidate = Some(format!("candidate-{number}"));
        Process::start(&proxies[number], &manner)
    };
    let first = candidate(0);
    stage.space.await_condition("issuers", "ca", "Ready", "True");
    stage.space.await_quiet(&proxies[0]);
    let second = candidate(1);
    eventually("a second that looks at the Lease", || looks(&proxies[1], 1));
    assert_eq!(holder(&stage), "candidate-0");

    proxies[0].forget();
    proxies[0].fail(move |call| (call.write == Some(write)).then_some(fault));
    let before = stage.servers.made();
    stage.ask("web", 1);
    eventually(&told, || if proxies[0].struck().is_some() { Ok(()) } else { Err("it does not freeze".to_owned()) });
    proxies[0].heal();
    eventually(&format!("{told}: another leader"), || match holder(&stage).as_str() {
        "candidate-1" => Ok(()),
        other => Err(other.to_owned()),
    });
    stage.await_revision("web", 1);
    stage.space.await_quiet(&proxies[1]);
    let (acts, written) = (stage.servers.acts(), proxies[0].ledger().objects().count());

    // The request that was on its way arrives now, or its answer; the first goes on where it was.
    first.thaw();
    proxies[0].release();
    let looked = looks_of(&proxies[0]);
    eventually(&format!("{told}: a look at the Lease after the thaw"), || looks(&proxies[0], looked + 2));
    stage.space.await_quiet(&proxies[1]);
    let ledger = proxies[0].ledger();
    let late: Vec<_> = ledger.objects().skip(written).collect();
    assert!(late.len() <= 1, "{told}: it wrote on, {late:?}");
    for it in &late {
        let made = it.call.verb == Verb::Create && it.code == 201;
        // What it makes that nobody else made is swept by the other.
        let harmless = made || !(200..300).contains(&it.code);
        assert!(harmless, "{told}: {} {} was answered {}", it.call, it.call.name, it.code);
    }
    assert_eq!(stage.servers.acts(), acts, "{told}: it acted at the certificate authority");
    judge::assert_settled(&stage.space, "web");
    let after = stage.servers.made();
    assert!(after.orders - before.orders <= 1, "{told}: {after:?}");
    assert!(after.certificates - before.certificates <= 1, "{told}: {after:?}");
    if let Servers::Acme(acme) = &stage.servers {
        eventually(&format!("{told}: nothing left over"), || {
            let challenges = stage.space.list("challenges");
            if challenges.is_empty() && acme.answers().is_empty() { Ok(()) } else { Err(format!("{challenges:?}")) }
        });
    }
    assert!(first.is_alive() && second.is_alive(), "{told}: losing the Lease ends nothing");
}

/// Who holds the Lease.
fn holder(stage: &Stage) -> String {
    let path = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases/{LEASE}", stage.space.namespace);
    stage.space.plane.read(&path)["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
}

fn looks(proxy: &Proxy, at_least: usize) -> Result<(), String> {
    match looks_of(proxy) {
        looks if looks >= at_least => Ok(()),
        looks => Err(format!("{looks} looks")),
    }
}

/// How often the Lease was asked for through this proxy.
fn looks_of(proxy: &Proxy) -> usize {
    let is_look =
        |call: &Call| call.resource == "leases" && matches!(call.verb, Verb::Get | Verb::Patch | Verb::Create);
    proxy.calls().iter().filter(|it| is_look(&it.call)).count()
}

pub(crate) const FROSTS: [Fault; 2] = [Fault::FreezeBefore, Fault::FreezeAfter];
const AT_ONCE: usize = 3;
