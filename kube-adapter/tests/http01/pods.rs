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
fn every_field_of_the_templates_stands_in_what_is_made() {
    let scene = Scene::new("templates", |it| it);
    let _kubelet = Kubelet::start(&scene.space);
    let priority = format!("{}-low", scene.space.namespace);
    scene.space.plane.apply(&json!({
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": { "name": priority }, "value": 7,
    }));
    scene.space.apply(&json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "solver" } }));
    let affinity = json!({ "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": [
        { "matchExpressions": [{ "key": "zone", "operator": "In", "values": ["a", "b"] }] },
    ] } } });
    let security = json!({
        "runAsUser": 1000, "runAsGroup": 1001, "runAsNonRoot": true, "fsGroup": 1002, "supplementalGroups": [1003],
        "seccompProfile": { "type": "RuntimeDefault" },
    });
    let tolerations = json!([{ "key": "pki", "operator": "Equal", "value": "yes", "effect": "NoSchedule" }]);
    scene.issuer(json!({ "ingress": {
        "ingressClassName": "nginx", "serviceType": "ClusterIP",
        "ingressTemplate": { "metadata": {
            "labels": { "team": "pki" },
            "annotations": { "nginx.ingress.kubernetes.io/whitelist-source-range": "192.0.2.0/24", "example.test/note": "kept" },
        } },
        "podTemplate": {
            "metadata": { "labels": { "team": "pki" }, "annotations": { "sidecar.istio.io/inject": "true", "example.test/note": "kept" } },
            "spec": {
                "nodeSelector": { "disk": "ssd" }, "affinity": affinity, "tolerations": tolerations, "priorityClassName": priority,
                "serviceAccountName": "solver", "imagePullSecrets": [{ "name": "pull" }], "securityContext": security,
                "resources": { "requests": { "cpu": "20m" }, "limits": { "memory": "80Mi" } },
            },
        },
    } }));
    let operator = scene.start_with(with_pods);
    scene.certificate(&["www.shop.test"], json!({}));
    let one = |kind: &str| {
        eventually(kind, || {
            let mut found = scene.space.list(kind);
            found.retain(|it| it["metadata"]["labels"]["acme.cert-manager.io/http01-solver"] == "true");
            found.pop().ok_or_else(|| "there is none".to_owned())
        })
    };
    let (pod, service, ingress) = (one("pods"), one("services"), one("ingresses"));
    scene.space.await_ready("shop");
    scene.space.await_quiet(&scene.proxy);
    operator.stop();

    let (metadata, spec) = (&pod["metadata"], &pod["spec"]);
    assert_eq!(
        (&metadata["labels"]["team"], &metadata["annotations"]["example.test/note"]),
        (&json!("pki"), &json!("kept"))
    );
    assert_eq!(metadata["annotations"]["sidecar.istio.io/inject"], "true", "the template goes before what is usual");
    assert_eq!(spec["nodeSelector"], json!({ "kubernetes.io/os": "linux", "disk": "ssd" }));
    assert_eq!((&spec["affinity"], &spec["securityContext"]), (&affinity, &security));
    let tolerated = spec["tolerations"].as_array().expect("tolerations");
    assert!(tolerated.contains(&tolerations[0]), "{tolerated:?}");
    assert_eq!((&spec["priorityClassName"], &spec["priority"]), (&json!(priority), &json!(7)));
    assert_eq!(
        (&spec["serviceAccountName"], &spec["imagePullSecrets"]),
        (&json!("solver"), &json!([{ "name": "pull" }]))
    );
    let resources = &spec["containers"][0]["resources"];
    assert_eq!(resources["requests"], json!({ "cpu": "20m", "memory": "64Mi" }));
    assert_eq!(resources["limits"], json!({ "cpu": "100m", "memory": "80Mi" }));
    assert_eq!(service["spec"]["type"], "ClusterIP");
    let (labels, notes) = (&ingress["metadata"]["labels"], &ingress["metadata"]["annotations"]);
    assert_eq!((&labels["team"], &notes["example.test/note"]), (&json!("pki"), &json!("kept")));
    assert_eq!(notes["nginx.ingress.kubernetes.io/whitelist-source-range"], "192.0.2.0/24");
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
