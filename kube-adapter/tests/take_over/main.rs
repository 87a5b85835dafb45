//! Certificates that cert-manager 1.21 left half-way on a real API server, frozen after each of its writes: finished with the same order and the same key.

#[path = "../kit/kit.rs"]
mod kit;
#[path = "../kit/recorded.rs"]
mod recorded;
mod recording;
mod stage;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use acme_core::{PrivateKey, Signer as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certwright_kube_adapter::{SelfCheck, Settings};
use kit::{Operator, eventually};
use recording::Recording;
use serde_json::{Value, json};
use stage::Stage;
use testkit::ca::Endpoint;
use testkit::servers::{Bind, Zone};

/// A ClusterIssuer is everybody's: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn a_certificate_by_dns_is_finished_from_every_state_of_its_order() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let recording = Recording::of("single");
    for writes in recording.under_way() {
        by_dns(&recording, "single", writes);
    }
}

#[test]
fn an_apex_and_its_wildcard_are_finished_from_where_the_second_is_proven() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let recording = Recording::of("wild");
    let under_way = recording.under_way();
    for writes in under_way.iter().rev().step_by(5).take(3) {
        by_dns(&recording, "wild", *writes);
    }
}

/// Takes over after so many writes, and goes to the end.
fn by_dns(recording: &Recording, certificate: &str, writes: usize) {
    let about = format!("{certificate} after {writes} writes");
    let stage = Stage::set(certificate, recording, writes, "fx-dns");
    let mut zone = Zone::new("example.com").update_from_loopback();
    for challenge in stage.recorded("Challenge").filter(|it| it["status"]["presented"] == true) {
        let (name, value) = (&challenge["spec"]["dnsName"], &challenge["spec"]["key"]);
        zone = zone.record(&format!("_acme-challenge.{}. 60 IN TXT {value}", name.as_str().expect("a name")));
    }
    let bind = Bind::builder().recursive().zone(zone).start();
    let server = bind.address().to_string();
    stage.issuer("ClusterIssuer", "fx-dns");
    let path = "/apis/cert-manager.io/v1/clusterissuers/fx-dns";
    let solvers = json!([{ "dns01": { "rfc2136": { "nameserver": server } } }]);
    stage.space.plane.write("PATCH", path, &json!({ "spec": { "acme": { "solvers": solvers } } }));
    stage.load(|object| {
        if object["kind"] == "Challenge" {
            object["spec"]["solver"]["dns01"]["rfc2136"]["nameserver"] = server.as_str().into();
        }
    });

    let proxy = stage.space.proxy();
    let mut settings = Settings::default();
    settings.cluster_resource_namespace.clone_from(&stage.space.namespace);
    settings.check_again_after = Duration::from_millis(100);
    settings.acme.dns01_nameservers = vec![server];
    settings.acme.dns01_recursive_only = true;
    let operator = Operator::start(&proxy, settings);
    stage.space.await_ready(certificate);
    stage.space.await_quiet(&proxy);
    operator.stop();

    finished(&stage, certificate, &about);
    for challenge in stage.recorded("Challenge") {
        let name = challenge["spec"]["dnsName"].as_str().expect("a name");
        assert!(bind.txt(&format!("_acme-challenge.{name}")).is_empty(), "the record of {name} is left: {about}");
    }
}

#[test]
fn a_certificate_by_http_is_finished_and_nothing_is_left_of_its_solvers() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let recording = Recording::of("h-ingress");
    let writes = recording.under_way().pop().expect("it never had a certificate");
    let stage = Stage::set("by-http", &recording, writes, "http");
    stage.issuer("Issuer", "http");
    stage.load(|object| {
        // What the other API server chose.
        if object["kind"] == "Service" {
            for field in ["clusterIP", "clusterIPs"] {
                object["spec"].as_object_mut().expect("a spec").remove(field);
            }
            object["spec"]["ports"][0]["nodePort"] = Value::Null;
        }
    });
    assert_eq!(stage.space.list("pods").len(), 2, "cert-manager's");

    let proxy = stage.space.proxy();
    let mut settings = stage.space.settings();
    settings.acme.http01_self_check = SelfCheck::Off;
    let operator = Operator::start(&proxy, settings);
    stage.space.await_ready("h-ingress");
    eventually("the end of cert-manager's solvers", || {
        let left: Vec<Value> = ["pods", "services", "ingresses"].iter().flat_map(|it| stage.space.list(it)).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    });
    stage.space.await_quiet(&proxy);
    operator.stop();
    finished(&stage, "h-ingress", "by HTTP-01");
}

/// The same order, the same key, and nothing left half-way.
#[track_caller]
fn finished(stage: &Stage, certificate: &str, about: &str) {
    let space = &stage.space;
    assert_eq!(stage.ca.requests(Endpoint::NewOrder), 0, "nothing is ordered anew: {about}");
    let orders = space.list("orders");
    assert_eq!(orders.len(), 1, "{about}");
    assert_eq!(orders[0]["metadata"]["name"], stage.order["metadata"]["name"], "{about}");
    assert_eq!(orders[0]["status"]["url"], stage.order["status"]["url"], "{about}");
    assert_eq!(space.list("challenges"), Vec::<Value>::new(), "{about}");
    let target = space.get("certificates", certificate).expect("the Certificate")["spec"]["secretName"].clone();
    let secret = space.get("secrets", target.as_str().expect("a name")).expect("the target Secret");
    let next = stage.recorded("Secret").next().expect("the next key");
    assert!(public_key(&secret) == public_key(next), "another key: {about}");
}

/// The public half of the key in a Secret, in whatever form it is kept.
fn public_key(secret: &Value) -> Vec<u8> {
    let pem = STANDARD.decode(secret["data"]["tls.key"].as_str().expect("a key")).expect("base64");
    let key = PrivateKey::from_pem(&String::from_utf8(pem).expect("PEM")).expect("a key");
    key.public_key().to_vec()
}
