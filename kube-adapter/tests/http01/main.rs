//! HTTP-01 from a Certificate to its Secret: through Ingresses and HTTPRoutes, a stand-in for their controllers, the role `solver`, and Pebble.

#[path = "../kit/kit.rs"]
mod kit;

mod renewal;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;

use certwright_kube_adapter::client::connect;
use certwright_kube_adapter::{Responder, Settings};
use kit::ingress::IngressStandIn;
use kit::{Fault, Operator, Proxy, Space};
use serde_json::{Value, json};
use testkit::servers::{ChallTestSrv, Endpoint, Pebble};
use tokio::sync::watch;

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
    assert_eq!(after["spec"], before["spec"]);
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

/// Is this Certificate ready for what its specification says now?
fn is_ready(certificate: &Value) -> bool {
    let conditions = certificate["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True")
}

/// A namespace with everything that HTTP-01 takes.
struct Scene {
    space: Space,
    proxy: Proxy,
    front: IngressStandIn,
    names: ChallTestSrv,
    pebble: Pebble,
    solver: Answering,
}

impl Scene {
    fn new(hint: &str, with: impl FnOnce(IngressStandIn) -> IngressStandIn) -> Self {
        let space = Space::new(hint);
        let front = with(IngressStandIn::start(space.plane, &space.namespace, "nginx"));
        let names = ChallTestSrv::start();
        names.set_default_ipv4(Some(own_address()));
        names.set_default_ipv6(None);
        let pebble = Pebble::builder().http_port(front.port()).dns_server(names.dns_address()).start();
        let solver = Answering::start(&space);
        let proxy = space.proxy();
        Self { space, proxy, front, names, pebble, solver }
    }

    fn issuer(&self, http01: Value) {
        self.space.apply(&json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": { "name": "acme" },
            "spec": { "acme": {
                "server": self.pebble.directory_url(), "skipTLSVerify": true, "privateKeySecretRef": { "name": "account" },
                "solvers": [{ "http01": http01 }],
            } },
        }));
    }

    fn certificate(&self, names: &[&str], annotations: Value) {
        self.certificate_called("shop", names, annotations);
    }

    fn certificate_called(&self, name: &str, names: &[&str], annotations: Value) {
        self.space.apply(&json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Certificate",
            "metadata": { "name": name, "annotations": annotations },
            "spec": {
                "secretName": format!("{name}-tls"), "dnsNames": names, "issuerRef": { "name": "acme" },
                "privateKey": { "algorithm": "ECDSA", "size": 256 },
            },
        }));
    }

    fn start(&self) -> Operator {
        Operator::start(&self.proxy, self.settings())
    }

    fn settings(&self) -> Settings {
        let mut settings = self.space.settings();
        settings.acme.gateway_api = true;
        settings.acme.solver_addresses = vec![IpAddr::V4(own_address())];
        settings.acme.solver_port = self.solver.address.port();
        settings.acme.http01_port = self.front.port();
        settings.acme.http01_nameservers = vec![self.names.dns_address().to_string()];
        settings.acme.http01_rules.apart = std::time::Duration::from_millis(50);
        settings.acme.http01_rules.again_after = std::time::Duration::from_millis(50);
        // Slow machines show what quick ones do not.
        settings.visible_after = std::time::Duration::from_secs(60);
        settings
    }
}

/// The role `solver` in a runtime of its own.
struct Answering {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Answering {
    fn start(space: &Space) -> Self {
        kit::definitions::choose_provider();
        let (stop, stopped) = watch::channel(false);
        let (bound, address) = std::sync::mpsc::channel();
        let proxy = space.proxy();
        let namespace = space.namespace.clone();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let responder = Responder::bind((own_address(), 0).into()).await.expect("a port");
                bound.send(responder.local_address()).expect("who started it waits");
                let config = kube::Config::new(proxy.url().parse().expect("the proxy's address"));
                let client = connect(config, "certwright-solver").expect("a client");
                responder.run(client, Some(vec![namespace]), stopped).await;
            });
        });
        Self { address: address.recv().expect("it listens"), stop, thread: Some(thread) }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// An address of this machine that is not the loopback, which EndpointSlices refuse. Nothing is sent to find it.
fn own_address() -> Ipv4Addr {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a socket");
    let routed = socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).and_then(|()| socket.local_addr());
    match routed.map(|it| it.ip()) {
        Ok(IpAddr::V4(address)) if !address.is_loopback() => address,
        other => panic!("this machine has no address beside the loopback, and EndpointSlices take no other: {other:?}"),
    }
}

/// More than the path has, with all that a kill may cost.
const MOST_WRITES: usize = 40;
