//! One controller settles, stops, and the other one starts: it has nothing to write, and goes on when it is asked to.

use std::time::Duration;

use crate::kit::manifests::renew;
use crate::kit::{eventually_within, pause};
use crate::scene::Scene;

#[test]
#[ignore = "minutes long, and in need of cert-manager: .ci/test --long"]
fn what_we_settled_is_left_alone_by_cert_manager_which_renews_it_when_asked() {
    let scene = Scene::new("ours-first");
    scene.apply(SETTLED);
    let ours = scene.ours();
    for name in NAMES {
        await_revision(&scene, name, 1);
    }
    scene.space.await_quiet(&scene.proxy);
    ours.stop();
    let before = scene.versions();
    let position = scene.space.plane.audit_position();
    let theirs = scene.theirs();
    pause(QUIET);
    let written = scene.written_by_theirs(position);
    assert!(written.is_empty() && scene.versions() == before, "cert-manager wrote {written:#?}\n{}", theirs.log());
    for name in NAMES {
        renew(&scene.space, name);
    }
    for name in NAMES {
        await_revision(&scene, name, 2);
    }
}

#[test]
#[ignore = "minutes long, and in need of cert-manager: .ci/test --long"]
fn what_cert_manager_settled_is_left_alone_by_us_who_renew_it_when_asked() {
    let scene = Scene::new("theirs-first");
    scene.apply(SETTLED);
    let mut theirs = scene.theirs();
    for name in NAMES {
        await_revision(&scene, name, 1);
    }
    scene.await_rest(Duration::from_secs(5), PATIENCE);
    theirs.stop();
    let before = scene.versions();
    let ours = scene.ours();
    pause(QUIET);
    assert!(scene.proxy.ledger().0.is_empty() && scene.versions() == before, "we wrote\n{}", scene.proxy.ledger());
    for name in NAMES {
        renew(&scene.space, name);
    }
    for name in NAMES {
        await_revision(&scene, name, 2);
    }
    scene.space.await_quiet(&scene.proxy);
    ours.stop();
    scene.proxy.ledger().assert_clean();
    for name in NAMES.iter().filter(|it| **it != "everything") {
        crate::kit::judge::assert_settled(&scene.space, name);
    }
}

/// Waits until a Certificate is ready in this revision, and nothing is under way.
#[track_caller]
fn await_revision(scene: &Scene, name: &str, revision: u64) {
    eventually_within(PATIENCE, &format!("revision {revision} of {name}"), || {
        let object = scene.space.get("certificates", name).ok_or("there is none")?;
        let conditions = crate::kit::conditions(&object);
        let is = |type_: &str| conditions.iter().any(|it| it["type"] == type_ && it["status"] == "True");
        if object["status"]["revision"] == revision && is("Ready") && !is("Issuing") {
            Ok(())
        } else {
            Err(object["status"].to_string())
        }
    });
}

const SETTLED: &str = include_str!("settled.yaml");
const NAMES: [&str; 10] =
    ["root", "plain", "spelled", "template", "everything", "formats", "never", "literal", "itself", "order"];
/// In which a controller has read everything and thought about it, twice over.
const QUIET: Duration = Duration::from_secs(20);
/// cert-manager waits for a minute before it accepts a challenge, and has two names in turn.
const PATIENCE: Duration = Duration::from_secs(300);
