//! A model of an ACME authority behind HTTPS, which does on demand what no real server does, and the name server that shows what DNS-01 left.

use std::sync::Arc;

use acme_core::protocol::{Registration, Url};
use acme_core::{Clock as _, Directory, PrivateKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certwright_kube_adapter::Settings;
use issuers::TokioTimer;
use serde_json::json;
use testkit::VirtualClock;
use testkit::ca::{ModelCa, Settings as CaSettings};
use testkit::https::HttpsFront;
use testkit::servers::{Bind, Zone};
use tokio::runtime::Runtime;

use super::space::Space;

/// An authority that believes whatever it is told, and whose every answer may be chosen.
pub struct Model {
    pub ca: ModelCa,
    pub bind: Bind,
    directory: Url,
    _front: HttpsFront,
    _runtime: Runtime,
}

impl Model {
    /// Starts both.
    pub fn start(settings: CaSettings) -> Self {
        super::definitions::choose_provider();
        let bind = Bind::builder().recursive().zone(Zone::new("example.test").update_from_loopback()).start();
        let (ca, runtime) = (ModelCa::new(settings), Runtime::new().expect("a runtime"));
        let front = runtime.block_on(HttpsFront::start(ca.clone(), Arc::new(TokioTimer))).expect("a port");
        Self { ca, bind, directory: front.directory_url().clone(), _front: front, _runtime: runtime }
    }

    /// Makes the Issuer `ca` of it.
    pub fn prepare(&self, space: &Space) {
        space.apply(&json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": { "name": "ca" },
            "spec": { "acme": {
                "server": self.directory, "skipTLSVerify": true, "privateKeySecretRef": { "name": "account" },
                "solvers": [{ "dns01": { "rfc2136": { "nameserver": self.bind.address().to_string() } } }],
            } },
        }));
    }

    /// How a controller finds the name server.
    pub fn settings(&self, space: &Space) -> Settings {
        let mut settings = space.settings();
        settings.acme.dns01_nameservers = vec![self.bind.address().to_string()];
        settings.acme.dns01_recursive_only = true;
        settings.check_again_after = std::time::Duration::from_millis(100);
        settings
    }

    /// Ends the account whose key is in this Secret, as its owner may at any time.
    pub fn deactivate(&self, space: &Space, secret: &str) {
        let secret = space.get("secrets", secret).expect("the key of the account");
        let pem = STANDARD.decode(secret["data"]["tls.key"].as_str().expect("a key")).expect("base64");
        let key = PrivateKey::from_pem(&String::from_utf8(pem).expect("PEM")).expect("a key");
        let clock = VirtualClock::new();
        clock.set(TokioTimer.now());
        let transport = Arc::new(self.ca.transport(&clock));
        let directory = Directory::new(self.ca.directory_url(), transport, Arc::new(clock.clone()));
        testkit::run(&clock, async {
            let session = directory.register(Arc::new(key), &Registration::agreeing_to_terms()).await;
            session.expect("it is registered").deactivate().await.expect("it ends");
        });
    }
}
