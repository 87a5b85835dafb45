//! Renewal information (RFC 9773) of a real ACME server: in the status, followed, and named in the Order that replaces.

use acme_core::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::servers::Endpoint;

use crate::kit::{Operator, eventually};
use crate::scene::Scene;

#[test]
fn a_certificate_is_renewed_when_its_authority_wants_it_and_the_order_says_what_it_replaces() {
    let scene = Scene::new("ari", |it| it);
    scene.issuer(json!({ "ingress": { "ingressClassName": "nginx" } }));
    let operator = scene.start();
    scene.certificate(&["www.shop.test"], json!({}));
    let ready = scene.space.await_ready("shop");
    let (ari, renewal) = (ready["status"]["acme"]["ari"].clone(), time(&ready["status"]["renewalTime"]));
    assert!(
        time(&ari["suggestedWindow"]["start"]) <= renewal && renewal <= time(&ari["suggestedWindow"]["end"]),
        "{ari}"
    );
    assert!(ari["lastChecked"].is_string() && ari["nextCheck"].is_string(), "{ari}");
    assert_eq!(scene.pebble.requests().count(Endpoint::RenewalInfo), 1);
    scene.space.await_quiet(&scene.proxy);
    operator.stop();

    // All of that day's certificates are to go, and the one who looks after this one forgot when to ask.
    let secret = scene.space.get("secrets", "shop-tls").expect("the Secret");
    let chain = STANDARD.decode(secret["data"]["tls.crt"].as_str().expect("a chain")).expect("it is base64");
    let chain = String::from_utf8(chain).expect("it is text");
    let end = chain.find("-----END CERTIFICATE-----").expect("a leaf") + "-----END CERTIFICATE-----".len();
    let past = json!({
        "suggestedWindow": { "start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z" },
        "explanationURL": "https://ca.example.test/incident",
    });
    scene.pebble.set_renewal_info(&chain[..end], &past.to_string());
    scene.space.patch("certificates", "shop", "status", &json!({ "status": { "acme": null } }));
    scene.proxy.forget();
    let mut settings = scene.settings();
    settings.acme.renewal_info_spread = std::time::Duration::ZERO;
    settings.visible_after = std::time::Duration::from_secs(2);
    let operator = Operator::start(&scene.proxy, settings);
    let renewed = eventually("the second certificate", || {
        let object = scene.space.get("certificates", "shop").ok_or("there is none")?;
        let is_there = object["status"]["revision"] == 2 && crate::is_ready(&object);
        if is_there {
            Ok(object)
        } else {
            let orders: Vec<Value> = scene.space.list("orders").iter().map(|it| it["status"].clone()).collect();
            let asked = scene.pebble.requests().count(Endpoint::RenewalInfo);
            Err(format!("{}, asked {asked} times, Orders {orders:?}", object["status"]))
        }
    });
    scene.space.await_quiet(&scene.proxy);
    operator.stop();
    scene.proxy.ledger().assert_clean();
    assert!(renewed["status"]["acme"]["ari"]["explanationURL"].is_null(), "that was of the first: {renewed}");
    let orders = eventually("the end of the first Order, which goes with its request", || {
        let orders = scene.space.list("orders");
        if orders.len() == 1 { Ok(orders) } else { Err(format!("{} Orders", orders.len())) }
    });
    let replaced = orders[0]["spec"]["replaces"].as_str().unwrap_or_default();
    assert!(
        replaced.split_once('.').is_some_and(|(issuer, serial)| !issuer.is_empty() && !serial.is_empty()),
        "{replaced}"
    );
}

fn time(value: &Value) -> Timestamp {
    Timestamp::parse_rfc3339(value.as_str().unwrap_or_default()).unwrap_or_else(|_| panic!("no time: {value}"))
}
