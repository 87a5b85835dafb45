//! What may be in the way.

use std::time::Duration;

use serde_json::{Value, json};

use crate::kit::eventually;
use crate::scene::{Answering, Scene, UNUSED, own_address};

const MOMENT: Duration = Duration::from_millis(200);

#[test]
fn two_certificates_of_one_host_do_not_meet() {
    let scene = Scene::new("twice", |it| it.programs_after(3));
    scene.issuer(json!({ "ingress": { "ingressClassName": "nginx" } }));
    let operator = scene.start();
    scene.certificate_called("one", &["www.shop.test"], json!({}));
    scene.certificate_called("two", &["www.shop.test"], json!({}));
    scene.space.await_ready("one");
    scene.space.await_ready("two");
    scene.space.await_quiet(&scene.proxy);
    operator.stop();
    scene.proxy.ledger().assert_clean();
    assert_eq!(scene.space.list("ingresses"), Vec::<Value>::new());
}

#[test]
fn a_wildcard_is_not_for_http() {
    let scene = Scene::new("wildcard", |it| it);
    scene.issuer(json!({ "ingress": { "ingressClassName": "nginx" } }));
    let operator = scene.start_with(|settings| settings.visible_after = MOMENT);
    scene.certificate(&["*.shop.test"], json!({}));
    let reason = eventually("a word about the solvers", || {
        let orders = scene.space.list("orders");
        let reason = orders.first().and_then(|it| it["status"]["reason"].as_str()).unwrap_or_default().to_owned();
        if reason.is_empty() { Err(format!("{orders:?}")) } else { Ok(reason) }
    });
    operator.stop();
    let beginning = "Failed to determine a valid solver configuration for the set of domains on the Order: no configured challenge solvers can be used";
    assert!(reason.starts_with(beginning), "{reason}");
    assert_eq!(scene.space.list("challenges"), Vec::<Value>::new());
    assert_eq!(scene.space.list("ingresses"), Vec::<Value>::new());
}

#[test]
fn an_address_is_proven_by_a_rule_without_a_host() {
    let scene = Scene::new("address", |it| it);
    scene.issuer(json!({ "ingress": { "ingressClassName": "nginx" } }));
    let operator = scene.start();
    scene.certificate_with("shop", json!({}), json!({ "ipAddresses": [own_address().to_string()] }));
    scene.space.await_ready("shop");
    scene.space.await_quiet(&scene.proxy);
    operator.stop();
    scene.proxy.ledger().assert_clean();
}

#[test]
fn an_ingress_of_several_names_that_admission_refuses_is_split() {
    let scene = Scene::new("split", |it| it);
    one_name_for_an_ingress(&scene);
    scene.issuer(json!({ "ingress": { "ingressClassName": "nginx" } }));
    let operator = scene.start();
    scene.certificate(&["www.shop.test", "api.shop.test"], json!({}));
    scene.space.await_ready("shop");
    scene.space.await_quiet(&scene.proxy);
    operator.stop();
    let ledger = scene.proxy.ledger();
    let count = |what: &str| ledger.objects().filter(|it| it.call.to_string() == what && it.code / 100 == 2).count();
    assert_eq!((count("create ingresses"), count("delete ingresses")), (2, 2), "{ledger}");
    assert_eq!(scene.space.list("ingresses"), Vec::<Value>::new());
}

/// A policy as ingress controllers have them that look at every host, and refuse what they do not like.
fn one_name_for_an_ingress(scene: &Scene) {
    let namespace = &scene.space.namespace;
    let api = "admissionregistration.k8s.io/v1";
    scene.space.plane.apply(&json!({
        "apiVersion": api, "kind": "ValidatingAdmissionPolicy", "metadata": { "name": namespace },
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": { "resourceRules": [{
                "apiGroups": ["networking.k8s.io"], "apiVersions": ["v1"], "resources": ["ingresses"], "operations": ["CREATE", "UPDATE"],
            }] },
            "validations": [{ "expression": "object.spec.rules.size() <= 1", "message": "one name for each Ingress" }],
        },
    }));
    scene.space.plane.apply(&json!({
        "apiVersion": api, "kind": "ValidatingAdmissionPolicyBinding", "metadata": { "name": namespace },
        "spec": {
            "policyName": namespace, "validationActions": ["Deny"],
            "matchResources": { "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } } },
        },
    }));
    let rule = |host: &str| {
        json!({ "host": host, "http": { "paths": [
            { "path": "/", "pathType": "Prefix", "backend": { "service": { "name": "web", "port": { "number": 80 } } } },
        ] } })
    };
    let probe = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": { "name": "probe" },
        "spec": { "rules": [rule("a.test"), rule("b.test")] },
    });
    let path = format!("{}?dryRun=All", scene.space.path("ingresses", ""));
    eventually("the policy", || match scene.space.plane.call("POST", &path, Some(&probe)) {
        answer if answer.status >= 400 => Ok(()),
        answer => Err(answer.status.to_string()),
    });
}

#[test]
fn an_ingress_that_somebody_deletes_is_made_again() {
    let mut scene = Scene::new("deleted", |it| it);
    let port = scene.solver.take().expect("it runs").address.port();
    scene.issuer(json!({ "ingress": { "ingressClassName": "nginx" } }));
    let operator = scene.start_with(|settings| {
        settings.acme.solver_port = port;
        settings.acme.http01_doubt_after = MOMENT;
    });
    scene.certificate(&["www.shop.test"], json!({}));
    let first = eventually("an Ingress", || scene.space.list("ingresses").pop().ok_or_else(|| "none".to_owned()));
    scene.space.delete("ingresses", first["metadata"]["name"].as_str().expect("a name"));
    eventually("another Ingress", || match scene.space.list("ingresses").pop() {
        Some(it) if it["metadata"]["uid"] != first["metadata"]["uid"] => Ok(()),
        other => Err(format!("{other:?}")),
    });

    // Whoever answers starts late, as after a restart in the middle: nothing but a look more is lost.
    scene.solver = Some(Answering::start(&scene.space, port));
    scene.space.await_ready("shop");
    scene.space.await_quiet(&scene.proxy);
    operator.stop();
    assert_eq!(scene.space.list("ingresses"), Vec::<Value>::new());
}

#[test]
fn what_cannot_be_seen_from_here_is_asked_all_the_same() {
    let scene = Scene::new("hairpin", |it| it);
    scene.issuer(json!({ "ingress": { "ingressClassName": "nginx" } }));
    let operator = scene.start_with(|settings| {
        settings.acme.http01_port = UNUSED;
        settings.acme.http01_rules.blind_after = Some(MOMENT);
    });
    scene.certificate(&["www.shop.test"], json!({}));
    scene.space.await_ready("shop");
    scene.space.await_quiet(&scene.proxy);
    operator.stop();
    scene.proxy.ledger().assert_clean();
}

#[test]
fn what_nobody_could_see_is_told_when_the_authority_sees_nothing_either() {
    let mut scene = Scene::new("blind", |it| it);
    drop(scene.solver.take());
    scene.issuer(json!({ "ingress": { "ingressClassName": "nginx" } }));
    let operator = scene.start_with(|settings| {
        settings.acme.http01_port = UNUSED;
        settings.acme.http01_rules.blind_after = Some(MOMENT);
    });
    scene.certificate(&["www.shop.test"], json!({}));
    let reason = eventually("a challenge that failed", || {
        let challenges = scene.space.list("challenges");
        let failed = challenges.iter().find(|it| it["status"]["state"] == "invalid");
        let reason = failed.and_then(|it| it["status"]["reason"].as_str()).map(str::to_owned);
        reason.ok_or_else(|| format!("{challenges:?}"))
    });
    operator.stop();
    assert!(
        reason.starts_with("Error accepting authorization: acme: authorization error for www.shop.test: "),
        "{reason}"
    );
    assert!(reason.contains("nothing of the answer could be seen from here"), "{reason}");
}

#[test]
fn a_service_that_nobody_needs_any_more_is_swept() {
    let scene = Scene::new("swept", |it| it);
    scene.issuer(json!({ "ingress": { "ingressClassName": "nginx" } }));
    let shortly = |settings: &mut certwright_kube_adapter::Settings| settings.acme.http01_service_for = MOMENT;
    let operator = scene.start_with(shortly);
    for name in ["first", "second"] {
        scene.certificate_called(name, &[&format!("{name}.shop.test")], json!({}));
        scene.space.await_ready(name);
        eventually("the end of the Service, and of its EndpointSlices", || {
            let left: Vec<Value> = ["services", "endpointslices"].iter().flat_map(|it| scene.space.list(it)).collect();
            if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
        });
    }
    operator.stop();
    let swept = scene.proxy.ledger().objects().filter(|it| it.call.to_string() == "delete services").count();
    assert!(swept >= 2, "{}", scene.proxy.ledger());
}
