//! Renewal information (RFC 9773): asked politely, told sparingly, followed, and named in the Order that replaces.

use std::time::Duration;

use acme_core::{Clock as _, Timestamp};
use serde_json::Value;
use testkit::ca::{Endpoint, Fault, Settings, Times, Wait};

use super::town::{ORDERS, Told, Town};
use crate::certificate::Action;

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

fn is_question(action: &Action) -> bool {
    matches!(action, Action::AskRenewal { .. })
}

fn told(actions: &[Action]) -> usize {
    actions.iter().filter(|it| matches!(it, Action::Report(_))).count()
}

fn time(value: &Value) -> Timestamp {
    Timestamp::parse_rfc3339(value.as_str().unwrap_or_default()).expect("it is a time")
}

#[tokio::test]
async fn the_issuer_is_asked_within_the_hour_and_its_window_is_followed() {
    let mut town = Town::new(Settings::default(), Told::Anything);
    let start = town.clock.now();
    let window = (start + hours(24 * 20), start + hours(24 * 22));
    town.ca.set_renewal_window(window.0, window.1);
    let done = town.live_until(start + hours(1)).await;
    assert_eq!(done.iter().filter(|it| is_question(it)).count(), 1, "{done:?}");
    assert_eq!(told(&done), 1, "{done:?}");
    let status = town.object()["status"].clone();
    let ari = &status["acme"]["ari"];
    let second = |at: Timestamp| Timestamp::from_unix_seconds(at.unix_seconds()).to_string();
    assert_eq!(ari["suggestedWindow"]["start"], second(window.0));
    assert_eq!(ari["suggestedWindow"]["end"], second(window.1));
    assert!(ari["lastChecked"].is_string() && ari["nextCheck"].is_string() && ari["lastError"].is_null(), "{ari}");
    let renewal = time(&status["renewalTime"]);
    assert!(window.0 <= renewal && renewal <= window.1, "{renewal}");

    // A start changes nothing, and asks nobody before it is time.
    let asked = town.ca.requests(Endpoint::RenewalInfo);
    town.boot();
    let (done, _) = town.settle().await;
    assert!(!done.iter().any(is_question) && told(&done) == 0, "{done:?}");
    assert_eq!(town.ca.requests(Endpoint::RenewalInfo), asked);
}

#[tokio::test]
async fn what_does_not_change_is_told_once_a_day_however_often_it_is_asked() {
    let mut town = Town::new(Settings::default(), Told::Anything);
    let start = town.clock.now();
    town.ca.set_renewal_window(start + hours(24 * 20), start + hours(24 * 22));
    town.live_until(start + hours(1)).await;
    let asked = town.ca.requests(Endpoint::RenewalInfo);
    let done = town.live_until(start + hours(24 * 4 + 2)).await;
    assert!(town.ca.requests(Endpoint::RenewalInfo) - asked >= 12, "every few hours");
    assert_eq!(told(&done), 4, "once a day: {done:?}");
    assert_eq!(town.ca.requests_inside_windows(), 0);
}

#[tokio::test]
async fn a_window_that_moves_moves_the_renewal_and_the_order_says_what_it_replaces() {
    let mut town = Town::new(Settings::default(), Told::Anything);
    let start = town.clock.now();
    town.ca.set_renewal_window(start + hours(24 * 20), start + hours(24 * 22));
    town.live_until(start + hours(1)).await;
    // Revoked in masses: now.
    town.ca.set_renewal_window(start, start + hours(1));
    let end = start + hours(48);
    while town.cluster.below(ORDERS).is_empty() && town.clock.now() < end {
        let (_, wake) = town.settle().await;
        if let Some(wake) = wake {
            town.clock.set(wake);
        }
    }
    let orders = town.cluster.below(ORDERS);
    assert_eq!(orders.len(), 1, "{:#}", town.object());
    assert_eq!(orders[0]["spec"]["replaces"], town.id.as_str());
    assert!(town.clock.now() <= start + hours(8), "as soon as it was asked again: {}", town.clock.now());

    // A crash does not make another Order of it.
    town.boot();
    town.settle().await;
    assert_eq!(town.cluster.below(ORDERS).len(), 1);
}

#[tokio::test]
async fn an_answer_that_fails_is_told_and_asked_for_again_when_the_server_says() {
    let mut town = Town::new(Settings::default(), Told::Anything);
    let start = town.clock.now();
    town.ca.inject(Endpoint::RenewalInfo, Fault::RateLimited(Wait::Seconds(hours(5))), Times::Once);
    town.live_until(start + hours(1)).await;
    let status = town.object()["status"].clone();
    let renewal = status["renewalTime"].clone();
    let ari = &status["acme"]["ari"];
    assert!(ari["lastError"].is_string() && ari["suggestedWindow"].is_null(), "{ari}");
    let again = time(&ari["nextCheck"]).since(time(&ari["lastChecked"]));
    assert!(again >= hours(5), "{ari}");
    town.live_until(start + hours(7)).await;
    let status = town.object()["status"].clone();
    assert!(status["acme"]["ari"]["lastError"].is_null(), "{status}");
    assert_ne!(status["renewalTime"], renewal, "the window of the server counts now");
    assert_eq!(town.ca.requests_inside_windows(), 0);
}

#[tokio::test]
async fn an_issuer_that_shall_not_be_asked_or_tells_nothing_is_left_alone() {
    let mut town = Town::new(Settings::default(), Told::Nothing);
    let start = town.clock.now();
    town.live_until(start + hours(24)).await;
    assert_eq!(town.ca.requests(Endpoint::RenewalInfo), 0);
    let mut town = Town::new(Settings { renewal_info: false, ..Settings::default() }, Told::Anything);
    let done = town.live_until(start + hours(48)).await;
    assert_eq!(done.iter().filter(|it| is_question(it)).count(), 1, "the directory says no: {done:?}");
    assert!(town.object()["status"]["acme"].is_null());
}
