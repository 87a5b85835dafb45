//! What goes wrong, and what people read of it.

use std::time::Duration;

use acme_core::protocol::{Problem, ProblemType};
use serde_json::{Value, json};
use testkit::ca::{Endpoint, Fault, NeverValid, Settings, Times, Wait};

use super::model::{CHALLENGES, Crash, Model, ORDERS};

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[tokio::test]
async fn an_answer_that_the_server_does_not_find_fails_order_and_challenge() {
    for seed in 0..20 {
        let mut model = Model::new(seed).await;
        let crash = if seed % 2 == 0 { Crash::Never } else { Crash::Sometimes };
        model.ca.set_validator(NeverValid(
            Problem::new(ProblemType::Unauthorized, "no TXT record was found").with_status(403),
        ));
        model.order("one", &["www.example.com"]);
        model.run(crash).await;

        let status = model.status("one");
        let story = format!("seed {seed}: {status:#} {:#?}", model.story);
        assert_eq!(status["state"], "invalid", "{story}");
        assert!(text(&status["reason"]).contains("no TXT record was found"), "{story}");
        assert!(status["failureTime"].is_string(), "{story}");
        assert_eq!(model.records.len(), 0, "{story}");
        let challenges = model.cluster.below(CHALLENGES);
        assert!(challenges.iter().all(|it| it["metadata"]["finalizers"].is_null()), "{story}");
        // A crash may lose which challenge it was; the Order still tells why.
        if crash == Crash::Sometimes {
            continue;
        }
        assert_eq!(challenges.len(), 1, "what failed is kept for people: {story}");
        let told = &challenges[0]["status"];
        assert_eq!(told["state"], "invalid", "{story}");
        assert_eq!(told["processing"], false, "{story}");
        assert_eq!(
            told["reason"],
            "Error accepting authorization: acme: authorization error for www.example.com: 403 \
             urn:ietf:params:acme:error:unauthorized: no TXT record was found",
            "{story}"
        );
    }
}

#[tokio::test]
async fn a_name_that_policy_forbids_fails_the_order_with_cert_managers_words() {
    let settings = Settings { blocked: vec!["google.com".to_owned()], ..Settings::default() };
    let mut model = Model::with(1, settings, None).await;
    model.order("one", &["google.com"]);
    model.run(Crash::Never).await;

    let status = model.status("one");
    assert_eq!(status["state"], "errored");
    assert_eq!(
        status["reason"],
        "Failed to create Order: 400 urn:ietf:params:acme:error:rejectedIdentifier: policy forbids issuing for 1 of the \
         names; subproblems:\n\turn:ietf:params:acme:error:rejectedIdentifier: [dns: google.com] policy forbids issuing for \
         this name"
    );
    assert!(status["url"].is_null());
    assert_eq!(model.cluster.log(), ["PATCH orders/status"]);
}

#[tokio::test]
async fn a_rate_limit_is_waited_out_and_told() {
    for endpoint in [Endpoint::NewOrder, Endpoint::Finalize, Endpoint::Challenge] {
        let mut model = Model::new(3).await;
        let wait = Duration::from_secs(30 * 3600);
        model.ca.inject(endpoint, Fault::RateLimited(Wait::Seconds(wait)), Times::Once);
        model.order("one", &["www.example.com"]);
        let mut told = None;
        while model.step(Crash::Never).await {
            let status = model.status("one");
            let challenges = model.cluster.below(CHALLENGES);
            let mut shown = challenges.iter().map(|it| &it["status"]).chain([&status]);
            let limited = shown.find(|it| text(&it["reason"]).contains("rateLimited")).cloned();
            told = told.or(limited);
        }
        let status = model.status("one");
        if endpoint == Endpoint::Challenge {
            // Half a day is what an acceptance is waited for.
            assert!(["errored", "invalid"].contains(&text(&status["state"])), "{status:#}");
            continue;
        }
        assert_eq!(status["state"], "valid", "{endpoint:?}: {status:#} {:#?}", model.story);
        let told = told.unwrap_or_else(|| panic!("nobody told of it: {:#?}", model.story));
        assert!(text(&told["reason"]).contains("retry at 2026-01-03T09:04:0"), "{told:#}");
        assert!(!["errored", "invalid"].contains(&text(&told["state"])), "{told:#}");
        assert_eq!(model.ca.requests_inside_windows(), 0);
    }
}

#[tokio::test]
async fn an_order_without_a_solver_waits_for_another_word_of_its_issuer() {
    let mut model = Model::new(5).await;
    let aside = json!({ "solvers": [
        { "selector": { "dnsZones": ["other.example"] }, "dns01": { "rfc2136": { "nameserver": "192.0.2.53" } } },
    ] });
    let fitting = model.solvers(aside);
    model.order("one", &["www.example.com"]);
    for _ in 0..20 {
        model.step(Crash::Never).await;
    }
    let status = model.status("one");
    assert_eq!(status["state"], "pending", "{status:#}");
    let reason = text(&status["reason"]);
    assert!(
        reason.starts_with(
            "Failed to determine a valid solver configuration for the set of domains on the Order: no configured challenge \
             solvers can be used for this challenge"
        ),
        "{reason}"
    );
    assert!(reason.contains("zones"), "which solver fell out by which selector: {reason}");
    let asked = model.ca.total();
    for _ in 0..20 {
        model.step(Crash::Never).await;
    }
    assert_eq!(model.ca.total(), asked, "nothing goes round in vain");

    model.solvers(fitting);
    model.run(Crash::Never).await;
    let status = model.status("one");
    assert_eq!(status["state"], "valid", "{status:#} {:#?}", model.story);
    assert!(status["reason"].is_null());
    assert_eq!(model.ca.orders(), 1);
}

#[tokio::test]
async fn a_solver_without_a_provider_is_told() {
    let mut model = Model::new(5).await;
    model.solvers(json!({ "solvers": [{ "dns01": { "cnameStrategy": "Follow" } }] }));
    model.order("one", &["www.example.com"]);
    for _ in 0..20 {
        model.step(Crash::Never).await;
    }
    let status = model.status("one");
    assert!(text(&status["reason"]).contains("no dns provider config specified for challenge"), "{status:#}");
    assert!(model.cluster.below(CHALLENGES).is_empty());
}

#[tokio::test]
async fn writes_whose_answers_are_lost_are_looked_for() {
    for seed in 0..40 {
        let mut model = Model::new(seed).await;
        model.cluster.lose_every(2 + seed % 3);
        model.order("one", &["example.com", "*.example.com"]);
        model.run(Crash::Never).await;
        let story = &model.story;
        assert_eq!(model.status("one")["state"], "valid", "seed {seed}: {story:#?}");
        assert_eq!(model.ca.issued().len(), 1, "seed {seed}: {story:#?}");
        assert_eq!(model.records.len(), 0, "seed {seed}: {story:#?}");
        assert!(model.cluster.below(CHALLENGES).is_empty(), "seed {seed}: {story:#?}");
    }
}

#[tokio::test]
async fn what_somebody_else_writes_meanwhile_stays() {
    for seed in 0..20 {
        let mut model = Model::new(seed).await;
        model.order("one", &["www.example.com"]);
        let mut steps = 0;
        while model.step(Crash::Never).await {
            steps += 1;
            if steps % 3 == 0 {
                model.cluster.touch(&format!("{ORDERS}/one"), steps);
                for challenge in model.cluster.below(CHALLENGES) {
                    let name = challenge["metadata"]["name"].as_str().unwrap().to_owned();
                    model.cluster.touch(&format!("{CHALLENGES}/{name}"), steps);
                }
                model.watch();
            }
            assert!(steps < 2000, "{:#?}", model.story);
        }
        assert_eq!(model.status("one")["state"], "valid", "seed {seed}: {:#?}", model.story);
        assert!(model.cluster.below(ORDERS)[0]["metadata"]["labels"]["touched"].is_string());
    }
}

#[tokio::test]
async fn what_was_replaced_already_is_ordered_without_saying_so() {
    for seed in 0..8 {
        let mut model = Model::new(seed).await;
        let crash = if seed % 2 == 0 { Crash::Never } else { Crash::Sometimes };
        model.order("first", &["www.example.com"]);
        model.run(Crash::Never).await;
        let first = model.ca.issued()[0].id.clone();
        model.replacing("second", &["www.example.com"], &first);
        model.run(crash).await;
        model.replacing("third", &["www.example.com"], &first);
        model.run(crash).await;

        let story = format!("seed {seed}: {:#?}", model.story);
        for name in ["second", "third"] {
            assert_eq!(model.status(name)["state"], "valid", "{name} of {story}");
        }
        let replaced: Vec<_> = model.ca.issued().into_iter().map(|it| it.replaces).collect();
        // A crash after newOrder may make another order, which is refused as a second replacement.
        if crash == Crash::Never {
            assert_eq!(replaced, [None, Some(first), None], "{story}");
        }
    }
}
