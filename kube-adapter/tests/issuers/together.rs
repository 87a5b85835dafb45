//! An Issuer and what it shall sign, applied in one file.

use std::time::Duration;

use serde_json::json;

use crate::kit::manifests::{authority, authority_pem, ca_issuer, certificate, self_signed_issuer};
use crate::kit::{Operator, Space};
use crate::pair;

#[test]
fn a_certificate_that_is_applied_with_its_issuer_takes_the_short_way() {
    let space = Space::new("together");
    let proxy = space.proxy();
    let _operator = Operator::start(&proxy, space.settings());
    space.await_quiet(&proxy);

    // The order of a file is its author's.
    space.apply(&certificate("web", "own"));
    space.apply(&self_signed_issuer("own"));
    space.await_ready("web");
    let (root, key) = authority_pem();
    pair(&space, "authority", &root, &key);
    space.apply(&ca_issuer("ca", "authority"));
    space.apply(&certificate("mail", "ca"));
    space.await_ready("mail");
    space.await_quiet(&proxy);

    let mut expected = vec!["patch issuers/status"; 2];
    for _ in 0..2 {
        expected.extend([
            "create certificaterequests",
            "patch certificaterequests/status",
            "patch secrets",
            "patch certificates/status",
        ]);
    }
    // One for each certificate, and one on a self-signed one that nobody is named in.
    proxy.ledger().assert_is(&expected, 3);
}

#[test]
fn an_issuer_that_does_not_come_is_not_waited_for_with_the_key_in_memory() {
    let space = Space::new("together");
    let proxy = space.proxy();
    let mut settings = space.settings();
    settings.visible_after = Duration::from_millis(300);
    let _operator = Operator::start(&proxy, settings);
    space.apply(&certificate("web", "ca"));
    space.await_quiet(&proxy);
    let waiting = space.get("certificaterequests", "web-1").expect("it asks all the same");
    let key = waiting["metadata"]["annotations"]["cert-manager.io/private-key-secret-name"].as_str().expect("a name");
    assert!(space.get("secrets", key).is_some(), "the key is stored");
    authority(&space);
    let ready = space.await_ready("web");
    assert_eq!(ready["status"]["revision"], json!(1));
}
