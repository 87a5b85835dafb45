//! HTTP-01 from a Certificate to its Secret: through Ingresses and HTTPRoutes, a stand-in for their controllers, the role `solver`, and Pebble.

#[path = "../kit/kit.rs"]
mod kit;

mod hindrances;
mod pods;
mod renewal;
mod scene;

use kit::Fault;
use scene::Scene;
use serde_json::{Value, json};
use testkit::servers::Endpoint;

#[test]
fn a_certificate_of_two_names_has_one_ingress_for_both() {
    let scene = Scene::new("class", |it| it);
    scene.issuer(json!({ "ingress": { "ingressClassName": "nginx" } }));
    let operator = scene.start();
    scene.space.await_condition("issuers", "acme", "Ready", "True");
    scene.certificate(&["www.shop.test", "api.shop.test"], json!({}));
    let ready = scene.space.await_ready("shop");
    assert_eq!(ready["status"]["revision"], 1);
    scene.space.await_quiet(&scene.proxy);
    operator.stop();
    // Of the account and the namespace, once; then 12 + 2n.
    scene.proxy.ledger().assert_is(
        &[
            "create secrets",
            "patch issuers/status",
            "create services",
            "create endpointslices",
            "create secrets",
            "create certificaterequests",
            "patch certificaterequests/status",
            "create orders",
            "patch orders/status",
            "create challenges",
            "create challenges",
            "create ingresses",
            "patch orders/status",
            "patch certificaterequests/status",
            "patch secrets",
            "patch certificates/status",
            "delete secrets",
            "delete ingresses",
            "delete challenges",
            "delete challenges",
        ],
        1,
    );
    assert_eq!(scene.space.list("ingresses"), Vec::<Value>::new());
    assert_eq!(scene.space.list("challenges"), Vec::<Value>::new());
}

#[test]
fn a_name_in_two_spellings_is_proven_once_and_asked_for_as_it_is_spelled() {
    let scene = Scene::new("spelled", |it| it);
    scene.issuer(json!({ "ingress": { "ingressClassName": "nginx" } }));
    let operator = scene.start();
    scene.certificate(&["WWW.Shop.test", "www.shop.test"], json!({}));
    scene.space.await_ready("shop");
    scene.space.await_quiet(&scene.proxy);
    operator.stop();
    let challenges = scene.proxy.ledger().objects().filter(|it| it.call.to_string() == "create challenges").count();
    assert_eq!(challenges, 1, "{}", scene.proxy.ledger());
    let orders = scene.space.list("orders");
    assert_eq!(orders.len(), 1);
    // As cert-manager makes it of the same request, so that each finds the other's.
    assert_eq!(orders[0]["spec"]["dnsNames"], json!(["WWW.Shop.test", "www.shop.test"]));
}

#[test]
fn an_ingress_of_the_user_is_as_it_was_afterwards() {
    let scene = Scene::new("place", |it| it);
    let before = scene.space.apply(&json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": { "name": "web" },
        "spec": { "ingressClassName": "nginx", "rules": [{ "host": "www.shop.test", "http": { "paths": [
            { "path": "/", "pathType": "Prefix", "backend": { "service": { "name": "web", "port": { "number": 80 } } } },
        ] } }] },
    }));
    scene.issuer(json!({ "ingress": { "name": "web" } }));
    let operator = scene.start();
    scene.certificate(&["www.shop.test", "new.shop.test"], json!({}));
    scene.space.await_ready("shop");
    scene.space.await_quiet(&scene.proxy);
    operator.stop();
    let after = scene.space.get("ingresses", "web").expect("the user's Ingress");
    let without_versions = |ingress: &Value| {
        let mut ingress = ingress.clone();
        for field in ["resourceVersion", "generation", "managedFields"] {
            ingress["metadata"][field] = Value::Null;
        }
        ingress.to_string()
    };
    assert_eq!(without_versions(&after), without_versions(&before), "to the byte");
    let edits = scene.proxy.ledger().objects().filter(|it| it.call.resource == "ingresses").count();
    assert_eq!(edits, 2, "{}", scene.proxy.ledger());
    scene.proxy.ledger().assert_clean();
}

#[test]
fn an_annotation_says_which_ingress_class_is_asked() {
    let scene = Scene::new("override", |it| it.programs_after(2));
    scene.issuer(json!({ "ingress": { "ingressClassName": "nobody" } }));
    let operator = scene.start();
    scene.certificate(
        &["www.shop.test"],
        json!({ "acme.cert-manager.io/http01-override-ingress-ingressclassname": "nginx" }),
    );
    scene.space.await_ready("shop");
    scene.space.await_quiet(&scene.proxy);
    operator.stop();
    scene.proxy.ledger().assert_clean();
    assert_eq!(scene.space.list("ingresses"), Vec::<Value>::new());
}

#[test]
fn a_kill_at_any_write_leaves_nothing_and_orders_nothing_twice() {
    let scene = Scene::new("killed", |it| it);
    scene.issuer(json!({ "ingress": { "class": "nginx" } }));
    let operator = scene.start();
    scene.space.await_condition("issuers", "acme", "Ready", "True");
    operator.stop();
    for write in 1..=MOST_WRITES {
        for fault in [Fault::KillBefore, Fault::KillAfter] {
            scene.space.await_quiet(&scene.proxy);
            scene.proxy.forget();
            scene.proxy.fail(move |call| (call.write == Some(write)).then_some(fault));
            let ordered = scene.pebble.requests().count(Endpoint::NewOrder);
            let mut operator = scene.start();
            let name = format!("shop-{write}-{}", fault == Fault::KillAfter);
            scene.certificate_called(&name, &[&format!("{name}.shop.test")], json!({}));
            kit::eventually("a kill, or readiness", || {
                let ready = scene.space.get("certificates", &name).is_some_and(|it| is_ready(&it));
                if ready || !operator.is_alive() { Ok(()) } else { Err("neither".to_owned()) }
            });
            // What follows readiness is a write, too.
            scene.space.await_quiet(&scene.proxy);
            let was_killed = !operator.is_alive();
            if was_killed {
                scene.proxy.heal();
                operator = scene.start();
            }
            scene.space.await_ready(&name);
            kit::eventually(&format!("nothing left after a kill at write {write}"), || {
                let left: Vec<String> = ["ingresses", "challenges", "pods"]
                    .iter()
                    .flat_map(|it| scene.space.list(it))
                    .map(|it| it["metadata"]["name"].to_string())
                    .collect();
                let secrets = scene.space.list("secrets").into_iter();
                let keys =
                    secrets.filter(|it| it["metadata"]["labels"]["cert-manager.io/next-private-key"] == "true").count();
                if left.is_empty() && keys == 0 {
                    Ok(())
                } else {
                    Err(format!(
                        "{left:?} and {keys} keys of {}",
                        scene.space.get("certificates", &name).unwrap_or_default()["status"]
                    ))
                }
            });
            scene.space.await_quiet(&scene.proxy);
            operator.stop();
            let orders = scene.pebble.requests().count(Endpoint::NewOrder) - ordered;
            assert!(orders <= 2, "{orders} orders were made where the kill was at write {write}");
            if !was_killed {
                return;
            }
        }
    }
    panic!("the path has more than {MOST_WRITES} writes");
}

#[test]
fn who_takes_over_in_the_middle_goes_on_with_the_same_order_and_ingress() {
    for change in [Change::Stop, Change::Kill] {
        let mut scene = Scene::new("leader", |it| it);
        let port = scene.solver.take().expect("it runs").address.port();
        scene.issuer(json!({ "ingress": { "ingressClassName": "nginx" } }));
        if change == Change::Kill {
            scene.proxy.fail(|call| (call.to_string() == "create ingresses").then_some(Fault::KillAfter));
        }
        // Nobody answers yet, so that nothing is proven before the leader goes.
        let first = scene.start_with(|settings| settings.acme.solver_port = port);
        scene.certificate(&["www.shop.test"], json!({}));
        let ingress = kit::eventually("an Ingress", || scene.space.list("ingresses").pop().ok_or("none".to_owned()));
        let order = kit::eventually("an Order with its URL", || {
            let order = scene.space.list("orders").pop().ok_or("none")?;
            if order["status"]["url"].is_string() { Ok(order) } else { Err(order["status"].to_string()) }
        });
        if change == Change::Kill {
            kit::eventually("its end", || if first.is_alive() { Err("it lives".to_owned()) } else { Ok(()) });
        }
        first.stop();
        let (ordered, challenges) = (scene.pebble.requests().count(Endpoint::NewOrder), scene.space.list("challenges"));
        assert_eq!((ordered, challenges.len()), (1, 1), "{change:?}");

        let proxy = scene.space.proxy();
        let mut settings = scene.settings();
        settings.acme.solver_port = port;
        let second = kit::Operator::start(&proxy, settings);
        scene.space.await_quiet(&proxy);
        let is_same = |before: &Value, after: Option<Value>| {
            after.is_some_and(|it| it["metadata"]["uid"] == before["metadata"]["uid"])
        };
        assert!(is_same(&ingress, scene.space.list("ingresses").pop()), "{change:?}");
        scene.solver = Some(scene::Answering::start(&scene.space, port));
        scene.space.await_ready("shop");
        scene.space.await_quiet(&proxy);
        second.stop();
        let after = scene.space.list("orders").pop().expect("the Order");
        assert!(is_same(&order, Some(after.clone())) && after["status"]["url"] == order["status"]["url"], "{after}");
        assert_eq!(scene.pebble.requests().count(Endpoint::NewOrder), 1, "{change:?}");
        // One that died before it heard of its Ingress is followed by one that asks for the same, and is told that it is there.
        let is_made = |it: &&kit::Written, what: &str| it.call.to_string() == what && it.code / 100 == 2;
        let made = |what: &str| proxy.ledger().objects().filter(|it| is_made(it, what)).count();
        assert_eq!(
            (made("create orders"), made("create challenges"), made("create ingresses")),
            (0, 0, 0),
            "{change:?}"
        );
        assert_eq!((made("delete ingresses"), made("delete challenges")), (1, 1), "{}", proxy.ledger());
        assert_eq!([scene.space.list("ingresses"), scene.space.list("challenges")], [const { Vec::<Value>::new() }; 2]);
    }
}

/// How a leader goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// As a Pod is stopped.
    Stop,
    /// In the middle of a write.
    Kill,
}

#[test]
fn a_route_leads_there_as_well() {
    let scene = Scene::new("route", |it| it.programs_after(1));
    scene.issuer(json!({ "gatewayHTTPRoute": { "labels": { "gateway": "shared" }, "parentRefs": [{ "name": "gw", "namespace": "infra" }] } }));
    let operator = scene.start();
    scene.certificate(&["www.shop.test"], json!({}));
    scene.space.await_ready("shop");
    scene.space.await_quiet(&scene.proxy);
    operator.stop();
    scene.proxy.ledger().assert_clean();
    let of_routes = scene.proxy.ledger().objects().filter(|it| it.call.resource == "httproutes").count();
    assert_eq!(of_routes, 2, "{}", scene.proxy.ledger());
}

#[test]
fn more_names_than_a_route_takes_have_another_route() {
    let scene = Scene::new("routes", |it| it.programs_after(1));
    scene.issuer(json!({ "gatewayHTTPRoute": { "parentRefs": [{ "name": "gw", "namespace": "infra" }] } }));
    let operator = scene.start();
    let names: Vec<String> = (1..=17).map(|it| format!("w{it}.shop.test")).collect();
    scene.certificate(&names.iter().map(String::as_str).collect::<Vec<_>>(), json!({}));
    scene.space.await_ready("shop");
    scene.space.await_quiet(&scene.proxy);
    operator.stop();
    scene.proxy.ledger().assert_clean();
    let count = |what: &str| scene.proxy.ledger().objects().filter(|it| it.call.to_string() == what).count();
    assert_eq!((count("create httproutes"), count("delete httproutes")), (2, 2), "{}", scene.proxy.ledger());
}

/// Is this Certificate ready for what its specification says now?
fn is_ready(certificate: &Value) -> bool {
    let conditions = certificate["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True")
}

/// More than the path has, with all that a kill may cost.
const MOST_WRITES: usize = 40;
