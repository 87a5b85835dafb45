//! DNS-01 on a real API server, against Pebble and BIND.

use serde_json::{Value, json};

use super::rig::{Rig, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_made_by_hand_gets_its_certificate_by_dns() {
    let rig = Rig::new("single");
    let running = rig.start(rig.settings(), json!([rig.solver()])).await;

    rig.order("single", &["www.example.test"]);
    let order = rig.until("single", "valid", |it| it["status"]["certificate"].is_string()).await;
    gone(&rig).await;
    running.stop().await;

    let status = &order["status"];
    assert_eq!(status["state"], "valid");
    assert_eq!(status["authorizations"][0]["identifier"], "www.example.test");
    assert_eq!(status["authorizations"][0]["initialState"], "pending");
    assert!(text(&status["finalizeURL"]).starts_with("https://"));
    assert!(rig.bind.txt("_acme-challenge.www.example.test").is_empty(), "the record was taken away");
    let writes = rig.writes();
    assert!(writes.iter().all(|it| it.starts_with("create") || it.starts_with("patch") || it.starts_with("delete")));
    assert!(writes.iter().filter(|it| it.contains("challenges")).count() >= 3, "C, Z, D: {writes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_apex_and_its_wildcard_are_proven_one_after_the_other() {
    let rig = Rig::new("wild");
    let running = rig.start(rig.settings(), json!([rig.solver()])).await;

    rig.order("wild", &["example.test", "*.example.test"]);
    rig.until("wild", "valid", |it| it["status"]["certificate"].is_string()).await;
    gone(&rig).await;
    running.stop().await;

    let added = rig.bind.log().matches("adding an RR at '_acme-challenge.example.test' TXT").count();
    assert_eq!(added, 2, "one value for each of the two");
    assert!(rig.bind.txt("_acme-challenge.example.test").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_its_time_is_shown_and_taken_up_after_a_crash() {
    let rig = Rig::new("slow");
    let mut solver = rig.solver();
    solver["waitInsteadOfSelfCheck"] = json!("5s");
    let running = rig.start(rig.settings(), json!([solver.clone()])).await;

    rig.order("slow", &["www.example.test"]);
    let shown = rig
        .wait("a word in the Challenge", || {
            let challenges = rig.challenges();
            let told = challenges.iter().find(|it| it["status"]["presented"] == true).cloned();
            told.ok_or_else(|| json!(challenges))
        })
        .await;
    running.kill().await;
    let status = &shown["status"];
    assert_eq!(status["reason"], "Waiting 5s before accepting DNS-01 challenge without self-check");
    assert_eq!((&status["state"], &status["processing"]), (&json!("pending"), &json!(true)));
    let made = rig.until("slow", "made", |it| it["status"]["url"].is_string()).await;

    let running = rig.start(rig.settings(), json!([solver])).await;
    let order = rig.until("slow", "valid", |it| it["status"]["certificate"].is_string()).await;
    gone(&rig).await;
    running.stop().await;

    assert_eq!(order["status"]["url"], made["status"]["url"], "the same order");
    assert!(rig.bind.txt("_acme-challenge.www.example.test").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_goes_although_nobody_can_clean_up_any_more() {
    let rig = Rig::new("leaving");
    let mut solver = rig.solver();
    solver["waitInsteadOfSelfCheck"] = json!("1h");
    let running = rig.start(rig.settings(), json!([solver.clone()])).await;
    rig.order("leaving", &["www.example.test"]);
    rig.wait("the record", || match rig.bind.txt("_acme-challenge.www.example.test").as_slice() {
        [] => Err(Value::Null),
        _ => Ok(()),
    })
    .await;
    running.kill().await;

    let path = format!("/api/v1/namespaces/{}", rig.namespace);
    rig.plane.write("DELETE", &path, &json!({}));
    rig.wait("the end of the Secret", || match rig.plane.call("GET", &format!("{path}/secrets/tsig"), None).status {
        404 => Ok(()),
        status => Err(json!(status)),
    })
    .await;
    let running = rig.start(rig.settings(), json!([solver])).await;
    rig.wait("the end of the namespace", || match rig.plane.call("GET", &path, None) {
        answer if answer.status == 404 => Ok(()),
        answer => Err(answer.body),
    })
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_credentials_are_told_and_mended() {
    let rig = Rig::new("credentials");
    let right = rig.plane.read(&format!("/api/v1/namespaces/{}/secrets/tsig", rig.namespace))["data"].clone();
    let path = format!("/api/v1/namespaces/{}/secrets/tsig", rig.namespace);
    rig.plane.write("PATCH", &path, &json!({ "stringData": { "key": "bm90IHRoZSBrZXkgYXQgYWxs" } }));
    let mut settings = rig.settings();
    settings.visible_after = std::time::Duration::from_millis(200);
    let running = rig.start(settings, json!([rig.solver()])).await;

    rig.order("credentials", &["www.example.test"]);
    let told = rig
        .wait("a word about the credentials", || {
            let challenges = rig.challenges();
            let reason = challenges.first().map(|it| text(&it["status"]["reason"])).unwrap_or_default();
            if reason.is_empty() { Err(json!(challenges)) } else { Ok(reason) }
        })
        .await;
    assert!(told.contains("BADSIG") || told.contains("signature") || told.contains("key"), "{told}");
    rig.plane.write("PATCH", &path, &json!({ "data": right }));
    rig.until("credentials", "valid", |it| it["status"]["certificate"].is_string()).await;
    gone(&rig).await;
    running.stop().await;
}

/// Waits until no Challenge is left.
async fn gone(rig: &Rig) {
    rig.wait("the end of the Challenges", || match rig.challenges().as_slice() {
        [] => Ok(()),
        left => Err(json!(left)),
    })
    .await;
}
