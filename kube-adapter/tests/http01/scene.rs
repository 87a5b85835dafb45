//! A namespace with everything that HTTP-01 takes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use certwright_kube_adapter::client::connect;
use certwright_kube_adapter::{Responder, Settings};
use serde_json::{Value, json};
use testkit::servers::{ChallTestSrv, Pebble};
use tokio::sync::watch;

use crate::kit;
use crate::kit::ingress::IngressStandIn;
use crate::kit::{Operator, Proxy, Space};

/// A namespace with everything that HTTP-01 takes.
pub(crate) struct Scene {
    pub(crate) space: Space,
    pub(crate) proxy: Proxy,
    pub(crate) front: IngressStandIn,
    pub(crate) names: ChallTestSrv,
    pub(crate) pebble: Pebble,
    pub(crate) solver: Option<Answering>,
}

impl Scene {
    pub(crate) fn new(hint: &str, with: impl FnOnce(IngressStandIn) -> IngressStandIn) -> Self {
        let space = Space::new(hint);
        let front = with(IngressStandIn::start(space.plane, &space.namespace, "nginx"));
        let names = ChallTestSrv::start();
        names.set_default_ipv4(Some(own_address()));
        names.set_default_ipv6(None);
        let pebble = Pebble::builder().http_port(front.port()).dns_server(names.dns_address()).start();
        let solver = Some(Answering::start(&space, 0));
        let proxy = space.proxy();
        Self { space, proxy, front, names, pebble, solver }
    }

    pub(crate) fn issuer(&self, http01: Value) {
        self.space.apply(&json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": { "name": "acme" },
            "spec": { "acme": {
                "server": self.pebble.directory_url(), "skipTLSVerify": true, "privateKeySecretRef": { "name": "account" },
                "solvers": [{ "http01": http01 }],
            } },
        }));
    }

    pub(crate) fn certificate(&self, names: &[&str], annotations: Value) {
        self.certificate_called("shop", names, annotations);
    }

    pub(crate) fn certificate_called(&self, name: &str, names: &[&str], annotations: Value) {
        self.certificate_with(name, annotations, json!({ "dnsNames": names }));
    }

    /// A Certificate of these subject alternative names.
    pub(crate) fn certificate_with(&self, name: &str, annotations: Value, names: Value) {
        let mut certificate = json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Certificate",
            "metadata": { "name": name, "annotations": annotations },
            "spec": {
                "secretName": format!("{name}-tls"), "issuerRef": { "name": "acme" },
                "privateKey": { "algorithm": "ECDSA", "size": 256 },
            },
        });
        for (field, value) in names.as_object().expect("fields") {
            certificate["spec"][field] = value.clone();
        }
        self.space.apply(&certificate);
    }

    pub(crate) fn start(&self) -> Operator {
        self.start_with(|_| {})
    }

    /// Starts the controller with other settings.
    pub(crate) fn start_with(&self, change: impl FnOnce(&mut Settings)) -> Operator {
        let mut settings = self.settings();
        change(&mut settings);
        Operator::start(&self.proxy, settings)
    }

    pub(crate) fn settings(&self) -> Settings {
        let mut settings = self.space.settings();
        settings.acme.gateway_api = true;
        settings.acme.solver_addresses = vec![IpAddr::V4(own_address())];
        settings.acme.solver_port = self.solver.as_ref().map_or(UNUSED, |it| it.address.port());
        settings.acme.http01_port = self.front.port();
        settings.acme.http01_nameservers = vec![self.names.dns_address().to_string()];
        settings.acme.http01_rules.apart = Duration::from_millis(50);
        settings.acme.http01_rules.again_after = Duration::from_millis(50);
        // Slow machines show what quick ones do not.
        settings.visible_after = Duration::from_secs(60);
        settings
    }
}

/// The role `solver` in a runtime of its own.
pub(crate) struct Answering {
    pub(crate) address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Answering {
    /// Starts it on a port, or on any.
    pub(crate) fn start(space: &Space, port: u16) -> Self {
        kit::definitions::choose_provider();
        let (stop, stopped) = watch::channel(false);
        let (bound, address) = std::sync::mpsc::channel();
        let proxy = space.proxy();
        let namespace = space.namespace.clone();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let responder = Responder::bind((own_address(), port).into()).await.expect("a port");
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
pub(crate) fn own_address() -> Ipv4Addr {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a socket");
    let routed = socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).and_then(|()| socket.local_addr());
    match routed.map(|it| it.ip()) {
        Ok(IpAddr::V4(address)) if !address.is_loopback() => address,
        other => panic!("this machine has no address beside the loopback, and EndpointSlices take no other: {other:?}"),
    }
}

/// A port that nobody listens on.
pub(crate) const UNUSED: u16 = 9;
