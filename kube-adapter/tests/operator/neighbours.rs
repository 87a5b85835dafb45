//! Two who want the same: names are proven for each of them, and nobody's answers are touched by the other.

use std::time::Duration;

use serde_json::json;
use testkit::servers::Pebble;

use crate::kit::acme::Acme;
use crate::kit::manifests::{certificate, with_spec};
use crate::kit::{Operator, Space, eventually, judge};

#[test]
fn apex_and_wildcard_are_proven_in_two_namespaces_at_once_beside_the_value_of_somebody_else() {
    let acme = Acme::beside(Pebble::builder(), &["_acme-challenge.shared 60 TXT \"theirs\""]);
    let spaces = [Space::new("left"), Space::new("right")];
    let proxy = spaces[0].proxy();
    let mut settings = spaces[0].settings();
    settings.namespaces = Some(spaces.iter().map(|it| it.namespace.clone()).collect());
    settings.acme.dns01_nameservers = vec![acme.bind.address().to_string()];
    settings.acme.dns01_recursive_only = true;
    settings.check_again_after = Duration::from_millis(100);
    let _operator = Operator::start(&proxy, settings);
    for space in &spaces {
        acme.prepare(space, json!({}));
        space.await_condition("issuers", "ca", "Ready", "True");
    }
    let names = json!({ "dnsNames": ["shared.example.test", "*.shared.example.test"] });
    spaces.iter().for_each(|space| drop(space.apply(&with_spec(certificate("web", "ca"), names.clone()))));
    for space in &spaces {
        let object = space.await_ready("web");
        assert!(object["status"]["failedIssuanceAttempts"].is_null(), "{}", object["status"]);
        eventually("the end of the Challenges", || match space.list("challenges").as_slice() {
            [] => Ok(()),
            left => Err(format!("{left:?}")),
        });
    }
    spaces[0].await_quiet(&proxy);
    spaces.iter().for_each(|space| judge::assert_settled(space, "web"));
    assert_eq!((acme.orders(), acme.certificates()), (2, 2));
    let left = acme.answers();
    assert!(left.len() == 1 && left[0].contains("theirs"), "{left:?}");
}
