//! Watches that break off, histories that are forgotten, an API server that is away.

use std::collections::HashSet;

use crate::kit::{Fault, Operator, Verb, eventually, judge, pause};
use crate::scene::{Scene, await_revision};

#[test]
fn what_happens_to_a_secret_while_nobody_looks_is_seen_afterwards() {
    let (scene, _operator) = Scene::with_certificate("away");
    let Scene { space, proxy } = &scene;
    proxy.close();
    space.delete("secrets", "web");
    pause(std::time::Duration::from_millis(300));
    proxy.heal();
    await_revision(space, "web", 2);
    // The history that a watch asks for is never one that could be compacted.
    space.await_quiet(proxy);
    let mut struck = HashSet::new();
    proxy.fail(move |call| {
        let first = call.verb == Verb::Watch && struck.insert(call.resource.clone());
        first.then_some(Fault::Expire)
    });
    proxy.cut_watches();
    space.delete("secrets", "web");
    await_revision(space, "web", 3);
    space.await_ready("web");
    space.await_quiet(proxy);
    judge::assert_settled(space, "web");
    assert_eq!(scene.asked().refused, [""; 0]);
}

#[test]
fn a_start_with_everything_in_order_writes_nothing_and_reads_no_key() {
    let (scene, operator) = Scene::with_certificate("again");
    let Scene { space, proxy } = &scene;
    operator.stop();
    proxy.forget();
    let _operator: Operator = scene.start();
    eventually("three watches", || if proxy.watches("secrets") == 3 { Ok(()) } else { Err(String::new()) });
    space.await_quiet(proxy);
    proxy.ledger().assert_is(&[], 0);
    // The watch, and the look at its metadata.
    let looks = proxy.calls().into_iter().filter(|it| it.call.resource == "secrets" && it.call.name == "web").count();
    assert_eq!(looks, 1);
}
