//! An ACME authority that will not, or not yet: what it says is obeyed, told in the words that people know, and not asked again and again.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::ca::{Endpoint, Fault, Settings as CaSettings, Times, Wait};

use crate::kit::manifests::{certificate, with_spec};
use crate::kit::model::Model;
use crate::kit::{Operator, Proxy, Space, conditions, eventually, judge};
use crate::paths::Path;

#[test]
fn an_authority_that_is_busy_is_asked_again_when_it_said_and_once() {
    let (space, model, proxy, _operator) = set("busy");
    for endpoint in [Endpoint::NewOrder, Endpoint::Challenge, Endpoint::Finalize] {
        let name = format!("{endpoint:?}").to_lowercase();
        let asked = model.ca.requests(endpoint);
        let busy = Fault::RateLimited(Wait::Seconds(Duration::from_secs(2)));
        let busy = model.ca.inject(endpoint, busy, Times::Once);
        space.await_quiet(&proxy);
        proxy.forget();
        space.apply(&certificate(&name, "ca"));
        let object = space.await_ready(&name);
        assert_eq!((model.ca.struck(busy), model.ca.requests(endpoint) - asked), (1, 2), "{name}");
        assert_eq!(object["status"]["failedIssuanceAttempts"], Value::Null, "{name}");
        space.await_quiet(&proxy);
        proxy.ledger().assert_is(&Path::Dns01(1).writes(), 1);
        judge::assert_settled(&space, &name);
    }
    assert_eq!(model.ca.requests_inside_windows(), 0, "nobody asks before the time that was said");
}

#[test]
fn an_account_that_was_ended_fails_the_attempt_and_is_asked_for_nothing_more() {
    let (space, model, proxy, _operator) = set("ended");
    model.deactivate(&space, "account");
    let orders = model.ca.requests(Endpoint::NewOrder);
    space.apply(&certificate("web", "ca"));
    let told = message(&failed(&space, "web"), "Issuing");
    assert!(told.contains("Failed to create Order: ") && told.contains("deactivated"), "{told}");
    space.await_quiet(&proxy);
    assert_eq!(model.ca.requests(Endpoint::NewOrder) - orders, 1, "nothing more is asked with an account that ended");
    assert_eq!(space.get("secrets", "web"), None);
    assert_eq!(space.list("secrets").len(), 1, "of keys only the account's is left");
    // Another key is another account; who wants the certificate now asks for it.
    let account = || space.get("issuers", "ca").expect("the Issuer")["status"]["acme"]["uri"].clone();
    let ended = account();
    space.delete("secrets", "account");
    eventually("another account", || match account() {
        now if now.is_string() && now != ended => Ok(()),
        now => Err(now.to_string()),
    });
    crate::kit::manifests::renew(&space, "web");
    space.await_ready("web");
    space.await_quiet(&proxy);
    judge::assert_settled(&space, "web");
}

#[test]
fn an_order_that_is_gone_with_its_account_is_made_anew_within_the_attempt() {
    for endpoint in [Endpoint::Challenge, Endpoint::Finalize] {
        let (space, model, proxy, _operator) = set("midway");
        let busy = model.ca.inject(endpoint, Fault::RateLimited(Wait::Seconds(Duration::from_secs(2))), Times::Once);
        space.apply(&certificate("web", "ca"));
        eventually("an order under way", || match model.ca.struck(busy) {
            1 => Ok(()),
            count => Err(count.to_string()),
        });
        model.ca.forget_everything();

        let object = space.await_ready("web");

        assert_eq!(
            object["status"]["failedIssuanceAttempts"],
            Value::Null,
            "{endpoint:?}: nothing of web's was to blame"
        );
        assert_eq!(model.ca.accounts(), 1, "{endpoint:?}");
        space.await_quiet(&proxy);
        judge::assert_settled(&space, "web");
        assert_eq!(space.list("challenges").len(), 0, "{endpoint:?}");
    }
}

#[test]
fn orders_go_on_with_the_same_key_when_the_authority_forgot_the_account() {
    let (space, model, proxy, _operator) = set("forgotten");
    let key = space.get("secrets", "account").expect("the key of the account")["data"].clone();
    space.await_quiet(&proxy);
    model.ca.forget_everything();
    let asked = model.ca.requests(Endpoint::NewOrder);
    for name in ["web", "mail"] {
        space.apply(&certificate(name, "ca"));
    }
    for name in ["web", "mail"] {
        let object = space.await_ready(name);
        assert_eq!(object["status"]["failedIssuanceAttempts"], Value::Null, "nothing of {name}'s was to blame");
    }
    space.await_quiet(&proxy);
    assert_eq!(model.ca.accounts(), 1, "one account, and one key");
    let asked = model.ca.requests(Endpoint::NewOrder) - asked;
    // The nonces are forgotten, too.
    assert!(asked <= 6, "each asks once with the old account and once with the new, not {asked} times");
    assert_eq!(space.get("secrets", "account").expect("it is there")["data"], key);
    space.await_condition("issuers", "ca", "Ready", "True");
    judge::assert_settled(&space, "web");
    // A server that forgets it again so soon is not asked to make it again: now somebody has to look.
    model.ca.forget_everything();
    space.apply(&certificate("shop", "ca"));
    let told = message(&failed(&space, "shop"), "Issuing");
    let wanted = "Failed to create Order: 400 urn:ietf:params:acme:error:accountDoesNotExist: ";
    assert!(told.contains(wanted), "{told}");
    assert_eq!(model.ca.accounts(), 0);
}

#[test]
fn a_common_name_that_is_no_name_of_the_certificate_is_told_before_anything_is_ordered() {
    let (space, model, proxy, _operator) = set("common");
    space.apply(&with_spec(certificate("web", "ca"), json!({ "commonName": "other.example.test" })));
    let told = message(&failed(&space, "web"), "Issuing");
    let old = "The CSR PEM requests a commonName that is not present in the list of dnsNames or ipAddresses.";
    assert!(
        told.contains(old) && told.contains("\"other.example.test\" does not exist in [web.example.test]"),
        "{told}"
    );
    space.await_quiet(&proxy);
    assert_eq!((model.ca.requests(Endpoint::NewOrder), space.list("orders").len()), (0, 0));
    space.patch("certificates", "web", "", &json!({ "spec": { "commonName": "web.example.test" } }));
    space.await_ready("web");
}

/// A model, its Issuer, and a controller that calls it ready; who waits is shown only after a minute.
fn set(hint: &str) -> (Space, Model, Proxy, Operator) {
    let (space, model) = (Space::new(hint), Model::start(CaSettings::default()));
    let proxy = space.proxy();
    model.prepare(&space);
    let mut settings = model.settings(&space);
    settings.visible_after = Duration::from_secs(60);
    let operator = Operator::start(&proxy, settings);
    space.await_condition("issuers", "ca", "Ready", "True");
    (space, model, proxy, operator)
}

/// Waits for the first attempt to fail, and answers the Certificate.
fn failed(space: &Space, name: &str) -> Value {
    eventually("the end of the attempt", || {
        let object = space.get("certificates", name).ok_or("there is none")?;
        match object["status"]["failedIssuanceAttempts"].as_u64() {
            Some(1) => Ok(object),
            _ => Err(object["status"].to_string()),
        }
    })
}

fn message(object: &Value, kind: &str) -> String {
    let found = conditions(object).into_iter().find(|it| it["type"] == kind).unwrap_or_default();
    found["message"].as_str().unwrap_or_default().to_owned()
}
