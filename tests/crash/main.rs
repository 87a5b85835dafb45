//! A real process is killed with SIGKILL at every step of an issuance against Pebble, and ends with one certificate all the same.
//!
//! The child (this program again, [`child`]) tells each request, each write and each answer to a challenge before and after it is done, and
//! waits; the parent kills it right there, starts another, and counts at the CA and in the state folder.

mod child;
mod stage;
mod steps;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use certstore::Spec;
use issuers::chain;
use testkit::servers::{ChallTestSrv, Endpoint};

use crate::stage::{NAMES, Stage};
use crate::steps::List;

#[test]
fn killed_at_any_step_it_ends_with_one_certificate_one_order_and_nothing_left_behind() {
    let dns = ChallTestSrv::start();
    let undisturbed = Stage::new(&dns, List::Shown);
    let places = places(&undisturbed.run_to_end());
    judge(&undisturbed, "nothing", 0);

    let (next, killed) = (AtomicUsize::new(0), Mutex::new(BTreeSet::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((step, times)) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let stage = Stage::new(&dns, List::Shown);
                    // How often it polls is up to the CA.
                    if stage.kill_at(step, *times) {
                        killed.lock().expect("no panic").insert(step.as_str());
                    }
                    stage.run_to_end();
                    judge(&stage, &format!("{step}, time {times}"), 0);
                }
            });
        }
    });

    let killed = killed.into_inner().expect("no panic");
    let missed: Vec<_> = places.iter().filter(|(step, _)| !killed.contains(step.as_str())).collect();
    assert!(missed.is_empty(), "these steps were not hit: {missed:?}");
    for step in [
        "after POST sign-me-up",
        "before POST order-plz",
        "after POST order-plz",
        "before put certificates",
        "after put certificates",
        "before present",
        "after present",
        "after POST chalZ",
        "before POST finalize-order",
        "after POST finalize-order",
        "after POST certZ",
        "before clean up",
        "after clean up",
    ] {
        assert!(killed.contains(step), "{step} is not among {killed:?}");
    }
}

#[test]
fn killed_again_and_again_it_ends_with_one_certificate_and_one_order() {
    let dns = ChallTestSrv::start();
    std::thread::scope(|scope| {
        for (first, more) in [(2, 1), (5, 2), (9, 3)] {
            let dns = &dns;
            scope.spawn(move || {
                let stage = Stage::new(dns, List::Shown);
                let mut deaths = Vec::new();
                // Each life is a little longer than the one before, until one is long enough.
                while let Some(step) = stage.kill_after(first + more * deaths.len()) {
                    deaths.push(step);
                }
                assert!(deaths.len() > 2, "{deaths:?}");
                judge(&stage, &format!("{deaths:?}"), 0);
            });
        }
    });
}

#[test]
fn killed_while_an_answer_is_under_way_it_ends_with_one_certificate_and_one_order() {
    let dns = ChallTestSrv::start();
    for (path, endpoint) in [
        ("sign-me-up", Endpoint::NewAccount),
        ("order-plz", Endpoint::NewOrder),
        ("chalZ", Endpoint::Challenge),
        ("finalize-order", Endpoint::Finalize),
        ("certZ", Endpoint::Certificate),
    ] {
        let stage = Stage::new(&dns, List::Shown);
        stage.kill_in_flight(path, endpoint);
        stage.run_to_end();
        judge(&stage, &format!("{path} in flight"), 0);
    }
}

#[test]
fn where_the_ca_lists_no_orders_one_that_was_not_saved_stays_idle_and_no_other() {
    let dns = ChallTestSrv::start();
    let steps = Stage::new(&dns, List::Hidden).run_to_end();
    let made = steps.iter().position(|step| step == "after POST order-plz").expect("an order is made");
    assert_eq!(steps[made + 1], "before put certificates", "the URL is saved before anything else");
    let saved = steps[..=made + 2].iter().filter(|step| *step == "after put certificates").count();

    for (step, times, idle) in [
        ("before POST order-plz", 1, 0),
        ("after POST order-plz", 1, 1),
        ("before put certificates", saved, 1),
        ("after put certificates", saved, 0),
        ("after POST finalize-order", 1, 0),
    ] {
        let stage = Stage::new(&dns, List::Hidden);
        assert!(stage.kill_at(step, times), "{step} is not reached");
        stage.run_to_end();
        judge(&stage, step, idle);
    }
}

/// Each step with its number among those of the same name.
fn places(steps: &[String]) -> Vec<(String, usize)> {
    let mut seen = BTreeMap::new();
    let number = |step: &String| {
        let times = seen.entry(step.clone()).or_insert(0);
        *times += 1;
        (step.clone(), *times)
    };
    steps.iter().map(number).collect()
}

/// Counts at the CA and in the state folder; `idle` orders may be left.
#[track_caller]
fn judge(stage: &Stage, killed_at: &str, idle: usize) {
    assert_eq!(stage.certificates(), 1, "certificates, killed at {killed_at}");
    assert_eq!(stage.orders(), 1 + idle, "orders, killed at {killed_at}");
    assert_eq!(stage.answers(), Vec::<std::path::PathBuf>::new(), "answers left behind, killed at {killed_at}");

    let record = stage.record();
    assert!(record.pending.is_none(), "nothing is under way, killed at {killed_at}");
    assert_eq!(record.served.len(), 1, "killed at {killed_at}");
    assert_eq!(record.spec, Spec::new(NAMES).expect("names"));
    let credential = record.current().expect("a certificate");
    let key = acme_core::PrivateKey::from_pkcs8_der(credential.key.expose().clone().into()).expect("a key");
    let pem = chain::to_pem(&credential.chain);
    let of_key = openssl(&["pkey", "-pubout"], key.to_pem().expose());
    assert_eq!(openssl(&["x509", "-noout", "-pubkey"], &pem), of_key, "key and certificate, killed at {killed_at}");
    let root = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(root.path(), stage.root()).expect("written");
    let root = root.path().to_str().expect("text");
    let chain = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(chain.path(), &pem).expect("written");
    openssl(&["verify", "-CAfile", root, "-untrusted", chain.path().to_str().expect("text")], &pem);
}

fn openssl(arguments: &[&str], input: &str) -> String {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ended");
    assert!(output.status.success(), "openssl {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// Children wait more than they work.
const AT_ONCE: usize = 6;
