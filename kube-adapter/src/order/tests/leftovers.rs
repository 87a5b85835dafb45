//! What outlives an Order, or came before this process: records that nobody takes away, orders that count, finalizers and words of others.

use std::time::Duration;

use acme_core::Clock as _;
use serde_json::json;
use testkit::ca::Endpoint;

use super::model::{CHALLENGES, Crash, Model, ORDERS};

#[tokio::test]
async fn a_record_that_cannot_be_taken_away_is_named_when_it_is_given_up() {
    let mut model = Model::new(11).await;
    model.records.keep();
    model.order("one", &["www.example.com"]);
    let begun = model.clock.now();
    model.run(Crash::Never).await;

    let story = format!("{:#?}", model.story);
    assert_eq!(model.status("one")["state"], "valid", "the certificate does not wait for it: {story}");
    assert!(model.cluster.below(CHALLENGES).is_empty(), "nor does the namespace: {story}");
    let waited = model.clock.now().since(begun);
    // An attempt that would come after the hour is not waited for.
    assert!((Duration::from_secs(50 * 60)..=Duration::from_secs(3600)).contains(&waited), "{waited:?}");
    let announced = model.announced();
    let refused = "CleanUpError: Error cleaning up challenge: the DNS provider refuses to change the zone";
    assert!(announced.iter().any(|it| it == refused), "{announced:#?}");
    let last = announced.last().unwrap();
    assert!(last.starts_with("CleanUpError: Error cleaning up challenge: "), "{last}");
    assert!(last.contains("the DNS provider refuses to change the zone; remove it by hand"), "{last}");
    assert!(
        last.contains("remove it by hand: the TXT record _acme-challenge.www.example.com with the value "),
        "{last}"
    );
    assert_eq!(model.records.len(), 1);
}

#[tokio::test]
async fn orders_that_were_made_before_a_restart_count() {
    let mut model = Model::new(13).await;
    let made = model.clock.now();
    for at in 0..300 {
        let name = format!("old-{at}");
        let certificate = if at % 2 == 0 { json!("cGVt") } else { json!(null) };
        model.cluster.put(
            &format!("{ORDERS}/{name}"),
            json!({
                "metadata": { "name": name, "namespace": "shop", "creationTimestamp": made.to_string() },
                "spec": { "request": "", "dnsNames": ["old.example.com"], "issuerRef": { "name": "acme" } },
                "status": {
                    "state": if at % 2 == 0 { "valid" } else { "invalid" }, "certificate": certificate,
                    "url": format!("https://ca.test/order/old-{at}"), "failureTime": made.to_string(),
                },
            }),
        );
    }
    model.boot();
    model.order("one", &["www.example.com"]);
    let mut told = String::new();
    while model.step(Crash::Never).await {
        let reason = model.status("one")["reason"].as_str().unwrap_or_default().to_owned();
        if !reason.is_empty() {
            told = reason;
        }
    }
    assert_eq!(model.status("one")["state"], "valid", "{:#?}", model.story);
    assert_eq!(model.ca.requests(Endpoint::NewOrder), 1);
    let waited = model.clock.now().since(made);
    assert!(waited >= Duration::from_secs(36), "the next order is due after 36 seconds, not after {waited:?}");
    assert!(told.contains("this account may make 300 new orders in 180 minutes"), "{told}");
}

#[tokio::test]
async fn a_finalizer_by_its_former_name_is_ours_too() {
    for seed in 0..8 {
        let mut model = Model::new(seed).await;
        model.order("one", &["www.example.com"]);
        while model.cluster.below(CHALLENGES).is_empty() {
            assert!(model.step(Crash::Never).await);
        }
        let mut challenge = model.cluster.below(CHALLENGES).remove(0);
        challenge["metadata"]["finalizers"] = json!(["finalizer.acme.cert-manager.io", "example.com/theirs"]);
        let path = format!("{CHALLENGES}/{}", challenge["metadata"]["name"].as_str().unwrap());
        model.cluster.put(&path, challenge);
        model.boot();
        model.run(Crash::Never).await;
        let story = format!("seed {seed}: {:#?}", model.story);
        assert_eq!(model.status("one")["state"], "valid", "{story}");
        let left = model.cluster.below(CHALLENGES);
        assert_eq!(left[0]["metadata"]["finalizers"], json!(["example.com/theirs"]), "{story}");
        assert!(!left[0]["metadata"]["deletionTimestamp"].is_null(), "{story}");
        assert_eq!(model.records.len(), 0, "{story}");
    }
}

#[tokio::test]
async fn a_status_that_somebody_wipes_is_written_again() {
    for seed in 0..8 {
        let mut model = Model::new(seed).await;
        model.order("one", &["www.example.com"]);
        while model.status("one")["url"].is_null() {
            assert!(model.step(Crash::Never).await);
        }
        let url = model.status("one")["url"].clone();
        let mut order = model.cluster.below(&format!("{ORDERS}/one")).remove(0);
        order["status"] = json!({});
        model.cluster.put(&format!("{ORDERS}/one"), order);
        model.watch();
        model.run(Crash::Never).await;
        let (status, story) = (model.status("one"), format!("seed {seed}: {:#?}", model.story));
        assert_eq!(status["state"], "valid", "{story}");
        assert_eq!(status["url"], url, "{story}");
        assert_eq!(model.ca.requests(Endpoint::NewOrder), 1, "{story}");
    }
}
