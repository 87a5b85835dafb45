//! Killed before and after every write, where a next key is stored under the one name that it can have.

use certwright_kube_adapter::DurableKeys;

use crate::kit::manifests::{authority, certificate};
use crate::kit::{Fault, Ledger, Operator, eventually, judge};
use crate::scene::Scene;

#[test]
fn a_certificate_with_a_stored_key_survives_a_kill_at_every_write() {
    let names: Vec<String> = (1..=WRITES).flat_map(|it| [format!("b{it}"), format!("a{it}")]).collect();
    let all = names.iter().flat_map(|it| [it.clone(), format!("{it}-next")]).chain(["authority".to_owned()]);
    let all: Vec<String> = all.collect();
    let scene = Scene::new("killed", &all.iter().map(String::as_str).collect::<Vec<_>>());
    let Scene { space, proxy } = &scene;
    let settings = || {
        let mut settings = scene.settings();
        settings.durable_keys = DurableKeys::Always;
        settings
    };
    authority(space);
    let mut operator = Operator::start(proxy, settings());
    space.await_condition("issuers", "ca", "Ready", "True");
    for (at, name) in names.iter().enumerate() {
        let (write, fault) = (at / 2 + 1, [Fault::KillBefore, Fault::KillAfter][at % 2]);
        space.await_quiet(proxy);
        proxy.forget();
        proxy.fail(move |call| (call.write == Some(write)).then_some(fault));
        space.apply(&certificate(name, "ca"));
        let (mut ledger, mut lives) = (Ledger::default(), 1);
        eventually(&format!("{name}: {fault:?} at write {write}"), || {
            if !operator.is_alive() {
                lives += 1;
                ledger.0.extend(proxy.ledger().0);
                proxy.forget();
                proxy.heal();
                operator = Operator::start(proxy, settings());
            }
            let secret = space.get("certificates", name).ok_or("gone")?["status"].clone();
            let is_done = secret["revision"] == 1 && lives == 2;
            if is_done { Ok(()) } else { Err(secret.to_string()) }
        });
        space.await_quiet(proxy);
        judge::assert_settled(space, name);
        assert_eq!(space.get("secrets", &format!("{name}-next")), None);
        ledger.0.extend(proxy.ledger().0);
        let made = ledger.objects().filter(|it| (200..300).contains(&it.code)).count();
        assert!(made <= WRITES, "{fault:?} at write {write} cost {made} writes:\n{ledger}");
    }
    assert_eq!(scene.asked().refused, [""; 0]);
}

/// K, R, A and X as one, T, S, Q.
const WRITES: usize = 6;
