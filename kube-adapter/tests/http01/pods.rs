//! Pods, where they have to answer.

use std::time::Duration;

use certwright_kube_adapter::Settings;
use serde_json::{Value, json};

use crate::kit::kubelet::Kubelet;
use crate::kit::{Fault, eventually};
use crate::scene::Scene;

fn with_pods(settings: &mut Settings) {
    settings.acme.solver_pods.image = "example.test/certwright-operator:0.1.0".to_owned();
    settings.acme.http01_pod_after = Duration::from_millis(200);
}

/// The writes about solver objects, in their order.
fn solver_writes(scene: &Scene) -> Vec<String> {
    let ledger = scene.proxy.ledger();
    let about = |resource: &str| matches!(resource, "pods" | "services" | "endpointslices" | "ingresses");
    ledger.objects().filter(|it| about(&it.call.resource)).map(|it| it.call.to_string()).collect()
}

#[test]
fn a_controller_that_passes_over_services_without_selector_is_led_to_a_pod() {
    let scene = Scene::new("skips", |it| it.skips_services_without_selector());
    let _kubelet = Kubelet::start(&scene.space);
    scene.issuer(json!({ "ingress": { "ingressClassName": "nginx" } }));
    let operator = scene.start_with(with_pods);
    scene.certificate_called("first", &["www.shop.test"], json!({}));
    scene.space.await_ready("first");
    scene.space.await_quiet(&scene.proxy);
    assert_eq!(
        solver_writes(&scene),
        [
            "create services",
            "create endpointslices",
            "create ingresses",
            "create pods",
            "create services",
            "patch ingresses",
            "delete ingresses",
            "delete services",
            "delete pods",
        ]
    );
    scene.proxy.forget();

    // Once a Pod was reached where the shared Service was not, the next one is made at once.
    scene.certificate_called("second", &["api.shop.test"], json!({}));
    scene.space.await_ready("second");
    scene.space.await_quiet(&scene.proxy);
    operator.stop();
    assert_eq!(
        solver_writes(&scene),
        ["create pods", "create services", "create ingresses", "delete ingresses", "delete services", "delete pods"]
    );
    assert_eq!(scene.space.list("pods"), Vec::<Value>::new());
}

#[test]
fn a_pod_template_is_answered_by_a_pod_at_once() {
    let scene = Scene::new("template", |it| it);
    let _kubelet = Kubelet::start(&scene.space);
    scene.issuer(json!({ "ingress": { "ingressClassName": "nginx", "podTemplate": {
        "metadata": { "labels": { "team": "pki" } }, "spec": { "nodeSelector": { "disk": "ssd" } },
    } } }));
    let operator = scene.start_with(with_pods);
    scene.certificate(&["www.shop.test"], json!({}));
    let pod = eventually("a Pod", || scene.space.list("pods").pop().ok_or_else(|| "there is none".to_owned()));
    scene.space.await_ready("shop");
    scene.space.await_quiet(&scene.proxy);
    operator.stop();
    assert_eq!(pod["metadata"]["labels"]["team"], "pki");
    assert_eq!(pod["spec"]["nodeSelector"]["disk"], "ssd");
    assert_eq!(
        solver_writes(&scene),
        ["create pods", "create services", "create ingresses", "delete ingresses", "delete services", "delete pods"]
    );
    scene.proxy.ledger().assert_clean();
}

#[test]
fn nothing_is_left_of_a_pod_whose_controller_died() {
    let scene = Scene::new("orphan", |it| it.skips_services_without_selector());
    let _kubelet = Kubelet::start(&scene.space);
    scene.issuer(json!({ "ingress": { "ingressClassName": "nginx" } }));
    scene.proxy.fail(|call| (call.write.is_some() && call.resource == "pods").then_some(Fault::KillAfter));
    let operator = scene.start_with(with_pods);
    scene.certificate(&["www.shop.test"], json!({}));
    eventually("the end of the controller", || if operator.is_alive() { Err("it lives".to_owned()) } else { Ok(()) });
    assert_eq!(scene.space.list("pods").len(), 1);
    scene.proxy.heal();
    let operator = scene.start_with(with_pods);
    scene.space.await_ready("shop");
    eventually("nothing left", || {
        let kinds = ["pods", "ingresses", "challenges"];
        let left: Vec<String> =
            kinds.iter().flat_map(|it| scene.space.list(it)).map(|it| it["metadata"]["name"].to_string()).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    });
    operator.stop();
    let services = scene.space.list("services");
    assert_eq!(services.len(), 1, "the shared one stays: {services:?}");
}

#[test]
fn a_pod_that_ended_is_replaced() {
    let scene = Scene::new("ended", |it| it);
    scene.issuer(json!({ "ingress": { "ingressClassName": "nginx", "podTemplate": {} } }));
    let operator = scene.start_with(|settings| {
        with_pods(settings);
        settings.acme.http01_doubt_after = Duration::from_millis(200);
    });
    scene.certificate(&["www.shop.test"], json!({}));
    let first = eventually("a Pod", || scene.space.list("pods").pop().ok_or_else(|| "there is none".to_owned()));
    let name = first["metadata"]["name"].as_str().expect("a name");
    scene.space.patch("pods", name, "status", &json!({ "status": { "phase": "Failed" } }));
    eventually("another Pod", || match scene.space.get("pods", name) {
        Some(pod) if pod["metadata"]["uid"] != first["metadata"]["uid"] => Ok(()),
        other => Err(format!("{:?}", other.map(|it| it["status"].clone()))),
    });
    let _kubelet = Kubelet::start(&scene.space);
    scene.space.await_ready("shop");
    operator.stop();
}
