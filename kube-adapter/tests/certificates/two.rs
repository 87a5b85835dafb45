//! Two controllers that both look after everything, as when cert-manager still runs: neither takes away what the other is at.

use crate::kit::manifests::{authority, ca_issuer, certificate};
use crate::kit::{Operator, Space, Verb};

#[test]
fn two_controllers_leave_each_others_requests_alone() {
    let space = Space::new("two");
    authority(&space);
    space.apply(&ca_issuer("ca", "authority"));
    let (one, other) = (space.proxy(), space.proxy());
    let _first = Operator::start(&one, space.settings());
    let _second = Operator::start(&other, space.settings());
    space.await_condition("issuers", "ca", "Ready", "True");
    space.await_quiet(&one);
    space.await_quiet(&other);
    let names: Vec<String> = (0..MANY).map(|it| format!("web-{it}")).collect();
    for name in &names {
        space.apply(&certificate(name, "ca"));
    }
    for name in &names {
        space.await_ready(name);
    }
    space.await_quiet(&one);
    space.await_quiet(&other);
    for name in &names {
        assert_eq!(space.get("certificates", name).expect("it is there")["status"]["revision"], 1, "{name}");
        crate::kit::judge::assert_settled(&space, name);
    }
    for proxy in [&one, &other] {
        let ledger = proxy.ledger();
        let swept =
            ledger.objects().filter(|it| it.call.verb == Verb::Delete && it.call.resource == "certificaterequests");
        assert_eq!(swept.count(), 0, "{ledger}");
    }
}

const MANY: usize = 20;
