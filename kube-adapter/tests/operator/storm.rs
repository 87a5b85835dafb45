//! Much at once: what is urgent goes first, and nobody is shut out.

use certwright_kube_adapter::WriteLimits;

use crate::kit::manifests::{authority, certificate};
use crate::kit::{Operator, Space, eventually};

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

const CROWD: usize = 120;

/// Lists and watches, questions about rights, Events.
const BESIDE: usize = 12;
