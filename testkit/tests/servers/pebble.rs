//! Pebble.

use std::time::Duration;

use certwright_testkit::servers::{Endpoint, Pebble};

use super::https_get;

#[test]
fn pebble_serves_its_directory_to_who_trusts_its_root() {
    let pebble = Pebble::builder().strict().start();

    let answer = https_get(&pebble, "/dir");

    assert!(answer.contains("200 OK") && answer.contains("newOrder"), "{answer}");
    assert!(pebble.log().contains("strict mode"));
}

#[test]
fn pebble_counts_what_clients_ask_and_nothing_else() {
    let pebble = Pebble::start();
    assert!(pebble.requests().is_empty(), "our own readiness check is not a client's");

    https_get(&pebble, "/dir");
    let before = pebble.requests();
    https_get(&pebble, "/nonce-plz");
    let _ = pebble.issuance_root_pem(0);

    assert_eq!(before.count(Endpoint::Directory), 1);
    assert_eq!(pebble.requests().since(&before).to_string(), "1: newNonce 1");
    assert_eq!(pebble.requests().to_string(), "2: directory 1, newNonce 1");
}

#[test]
fn pebble_takes_every_setting() {
    let pebble = Pebble::builder()
        .nonce_reject(90)
        .authz_reuse(100)
        .always_valid()
        .validation_delay(Duration::from_secs(2))
        .authz_retry_after(Duration::from_secs(3))
        .order_retry_after(Duration::from_secs(5))
        .eab_key("kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W")
        .profile("short", Duration::from_secs(6 * 86_400))
        .profile("classic", Duration::from_secs(90 * 86_400))
        .alternate_roots(2)
        .chain_length(2)
        .orders_per_page(2)
        .blocked_name("blocked.test")
        .start();

    let directory = https_get(&pebble, "/dir");
    for word in ["\"externalAccountRequired\": true", "\"short\"", "\"classic\""] {
        assert!(directory.contains(word), "{word} is not in {directory}");
    }
    let log = pebble.log();
    let said = [
        "reject 90% of good",
        "100% of the time",
        "always returns valid",
        "sleep time to 2 seconds",
        "show 2 orders per page",
    ];
    for words in said {
        assert!(log.contains(words), "{words} is not in {log}");
    }
    assert_ne!(pebble.issuance_root_pem(0), pebble.issuance_root_pem(2), "three chains, three roots");
}

#[test]
#[should_panic(expected = "/set-renewal-info/ answered 404")]
fn pebble_sets_renewal_information_only_for_what_it_issued() {
    let pebble = Pebble::start();
    pebble.set_renewal_info(pebble.root_pem(), "{}");
}

#[test]
fn a_restarted_pebble_has_forgotten_everything_but_its_address() {
    let mut pebble = Pebble::start();
    let root = pebble.issuance_root_pem(0);
    https_get(&pebble, "/dir");

    pebble.restart();

    assert_ne!(pebble.issuance_root_pem(0), root);
    assert!(pebble.requests().is_empty());
    assert!(https_get(&pebble, "/dir").contains("200 OK"), "same port, same endpoint certificate");
}
