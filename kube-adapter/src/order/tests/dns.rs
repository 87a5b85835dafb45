//! DNS-01 to the end.

use serde_json::json;

use super::rig::{Rig, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_made_by_hand_gets_its_certificate_by_dns() {
    let rig = Rig::new("single");
    let running = rig.start(rig.settings(), json!([rig.solver()])).await;

    rig.order("single", &["www.example.test"]);
    let order = rig.until("single", "valid", |it| it["status"]["certificate"].is_string()).await;
    rig.wait("the Challenge's end", || match rig.challenges().as_slice() {
        [] => Ok(()),
        left => Err(json!(left)),
    })
    .await;
    running.stop().await;

    let status = &order["status"];
    assert_eq!(status["state"], "valid");
    assert_eq!(status["authorizations"][0]["identifier"], "www.example.test");
    assert_eq!(status["authorizations"][0]["initialState"], "pending");
    assert!(text(&status["finalizeURL"]).starts_with("https://"));
    assert!(rig.bind.txt("_acme-challenge.www.example.test").is_empty(), "the record was taken away");
    println!("{:#?}", rig.writes());
}
