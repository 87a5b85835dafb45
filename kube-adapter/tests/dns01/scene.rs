//! A zone that a double of a DNS service keeps, an ACME server that asks for it, and a controller that reaches the double.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use acme_core::{Clock, Error, ErrorKind, Secret, Timestamp, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use certwright_kube_adapter::Settings;
use http::{Request, Response};
use serde_json::{Value, json};
use testkit::doubles::NameServer;
use testkit::servers::Pebble;
use testkit::{Log, SimDns};

use crate::kit::manifests::certificate;
use crate::kit::{Operator, Proxy, Space, conditions, eventually};

/// A zone, an ACME server that asks for it, and a namespace.
pub(crate) struct Scene {
    pub(crate) space: Space,
    pub(crate) proxy: Proxy,
    /// What the world sees: the zone `example.test`.
    pub(crate) dns: SimDns,
    name_server: NameServer,
    pebble: Pebble,
    log: Log,
}

impl Scene {
    /// Everything but a controller.
    pub(crate) fn new(hint: &str) -> Self {
        let space = Space::new(hint);
        let proxy = space.proxy();
        Self::in_space(space, proxy)
    }

    /// The same, for a controller that acts through `proxy`.
    pub(crate) fn in_space(space: Space, proxy: Proxy) -> Self {
        let dns = SimDns::new();
        dns.add_zone("example.test", &["ns.example.test"]);
        let name_server = NameServer::start(dns.clone());
        let pebble = Pebble::builder().dns_server(name_server.address()).start();
        Self { space, proxy, dns, name_server, pebble, log: Log::default() }
    }

    /// Starts a controller that reaches these services.
    pub(crate) fn start(&self, services: Services) -> Operator {
        self.start_with(self.space.settings(), services)
    }

    /// The same with other settings.
    pub(crate) fn start_with(&self, mut settings: Settings, services: Services) -> Operator {
        settings.acme.dns01_nameservers = vec![self.name_server.address().to_string()];
        settings.acme.dns01_recursive_only = true;
        settings.check_again_after = Duration::from_millis(100);
        settings.visible_after = Duration::from_millis(200);
        let (way, log) = (Arc::new(services), self.log.clone());
        Operator::start_as(&self.proxy, settings, move |controller| {
            log.listen_to_this_thread();
            controller.reaching_dns_services_by(way)
        })
    }

    /// Makes a Secret, or other values of it.
    pub(crate) fn secret(&self, name: &str, values: Value) {
        self.space.apply(
            &json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": values }),
        );
    }

    /// Makes the Issuer `ca`, whose one solver is this.
    pub(crate) fn issuer(&self, dns01: Value) {
        self.issuer_of("Issuer", json!([{ "dns01": dns01 }]));
    }

    /// Makes an issuer `ca` of this kind with these solvers.
    pub(crate) fn issuer_of(&self, kind: &str, solvers: Value) {
        self.space.apply(&json!({
            "apiVersion": "cert-manager.io/v1", "kind": kind, "metadata": { "name": "ca" },
            "spec": { "acme": {
                "server": self.pebble.directory_url(), "skipTLSVerify": true, "privateKeySecretRef": { "name": "account" },
                "solvers": solvers,
            } },
        }));
    }

    /// Asks for a certificate for the name `NAME.example.test`.
    pub(crate) fn ask(&self, name: &str) {
        self.space.apply(&certificate(name, "ca"));
    }

    /// Waits until a Challenge says why its answer cannot be made, and answers that. Nothing secret is in it, and it waits.
    pub(crate) fn refused(&self) -> String {
        let told = eventually("a word about what was refused", || {
            let challenges = self.space.list("challenges");
            let status = challenges.first().map(|it| it["status"].clone()).unwrap_or_default();
            let reason = status["reason"].as_str().unwrap_or_default().to_owned();
            if status["presented"] != true && !reason.is_empty() { Ok(reason) } else { Err(status.to_string()) }
        });
        assert!(!told.contains(SECRET), "{told}");
        let order = self.space.list("orders").first().map(|it| it["status"]["state"].clone()).unwrap_or_default();
        assert_eq!(order, "pending", "it waits for who corrects it: {told}");
        told
    }

    /// Waits until the certificate is there, and its challenge taken away.
    pub(crate) fn settled(&self, name: &str) {
        eventually(&format!("certificate {name}"), || {
            let object = self.space.get("certificates", name).ok_or("there is none")?;
            let challenges =
                || self.space.list("challenges").iter().map(|it| it["status"].to_string()).collect::<String>();
            let is_ready = conditions(&object).iter().any(|it| it["type"] == "Ready" && it["status"] == "True");
            if is_ready { Ok(()) } else { Err(format!("{}; challenges: {}", object["status"], challenges())) }
        });
        eventually("the end of the Challenges", || match self.space.list("challenges").as_slice() {
            [] => Ok(()),
            left => Err(format!("{left:?}")),
        });
        let log = self.log.text();
        assert!(log.contains("_acme-challenge"), "what is logged is heard: {log}");
        assert!(!log.contains(SECRET), "{log}");
    }

    /// The answers to challenges that the world still sees.
    pub(crate) fn left(&self) -> Vec<String> {
        self.dns.names_with_txt()
    }
}

/// Who answers at which host; every other host is out of reach.
#[derive(Default)]
pub(crate) struct Services(BTreeMap<&'static str, Arc<dyn Transport>>);

impl Services {
    /// One service.
    pub(crate) fn at(host: &'static str, service: impl Transport + 'static) -> Self {
        Self::default().and(host, service)
    }

    /// Another one.
    pub(crate) fn and(mut self, host: &'static str, service: impl Transport + 'static) -> Self {
        self.0.insert(host, Arc::new(service));
        self
    }
}

#[async_trait]
impl Transport for Services {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let host = request.uri().host().unwrap_or_default();
        match self.0.get(host) {
            Some(service) => service.send(request).await,
            None => Err(Error::new(ErrorKind::Unreachable, format!("there is no host {host:?} in this test"))),
        }
    }
}

/// The time of servers that look at signatures.
pub(crate) struct Wall;

impl Clock for Wall {
    #[expect(clippy::disallowed_methods, reason = "real servers go by the wall clock")]
    fn now(&self) -> Timestamp {
        Timestamp::from(std::time::SystemTime::now())
    }
}

pub(crate) fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

/// What every secret value of these tests contains.
pub(crate) const SECRET: &str = "TOP-SECRET";
