//! A namespace where both controllers find what they need: a certificate authority on the internet, a name server, and manifests.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certwright_kube_adapter::Settings;
use serde_json::Value;
use testkit::servers::{AuditEvent, AuditPosition, Bind, CertManager, Pebble, TsigAlgorithm, TsigKey, Zone};

use crate::kit::{Operator, Proxy, Space, now, pause};

/// A namespace, and what is around it.
pub(crate) struct Scene {
    pub(crate) space: Space,
    pub(crate) proxy: Proxy,
    pub(crate) bind: Bind,
    pub(crate) pebble: Pebble,
    key: TsigKey,
}

impl Scene {
    pub(crate) fn new(hint: &str) -> Self {
        let space = Space::new(hint);
        let key = TsigKey::new("update.example.test", TsigAlgorithm::HmacSha256, b"thirty-two bytes of a secret key");
        let bind = Bind::builder().recursive().zone(Zone::new("example.test").update_with(&key)).start();
        let pebble = Pebble::builder().dns_server(bind.address()).blocked_name("blocked.example.test").start();
        let proxy = space.proxy();
        Self { space, proxy, bind, pebble, key }
    }

    /// Makes the cluster hold these manifests: YAML, in which `$DIRECTORY`, `$ROOT`, `$NAMESERVER` and `$TSIG` stand for what is around.
    pub(crate) fn apply(&self, manifests: &str) {
        let text = manifests
            .replace("$DIRECTORY", &self.pebble.directory_url())
            .replace("$ROOT", &STANDARD.encode(self.pebble.root_pem()))
            .replace("$NAMESERVER", &self.bind.address().to_string())
            .replace("$TSIG", &self.key.secret_base64());
        for manifest in serde_saphyr::from_multiple::<Value>(&text).expect("YAML") {
            self.space.apply(&manifest);
        }
    }

    /// Our controller, for this namespace alone.
    pub(crate) fn ours(&self) -> Operator {
        Operator::start(&self.proxy, self.settings())
    }

    pub(crate) fn settings(&self) -> Settings {
        let mut settings = self.space.settings();
        settings.acme.dns01_nameservers = vec![self.bind.address().to_string()];
        settings.acme.dns01_recursive_only = true;
        settings.check_again_after = Duration::from_millis(500);
        settings
    }

    /// cert-manager's controller, for this namespace alone.
    pub(crate) fn theirs(&self) -> CertManager {
        self.theirs_with(&self.space.plane.kubeconfig_as(&self.rival(), &["system:masters"]))
    }

    /// The same, by way of a proxy.
    pub(crate) fn theirs_through(&self, proxy: &Proxy) -> CertManager {
        let kubeconfig = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "proxy",
            "clusters": [{ "name": "proxy", "cluster": { "server": proxy.url() } }],
            "users": [{ "name": "proxy", "user": {} }],
            "contexts": [{ "name": "proxy", "context": { "cluster": "proxy", "user": "proxy" } }],
        });
        self.theirs_with(&kubeconfig.to_string())
    }

    fn theirs_with(&self, kubeconfig: &str) -> CertManager {
        let namespace = format!("--namespace={}", self.space.namespace);
        let nameserver = format!("--dns01-recursive-nameservers={}", self.bind.address());
        CertManager::start(
            kubeconfig,
            &[
                &namespace,
                &nameserver,
                "--dns01-recursive-nameservers-only=true",
                "--dns01-check-retry-period=1s",
                "--v=2",
            ],
        )
    }

    /// How the audit log calls cert-manager.
    fn rival(&self) -> String {
        format!("cert-manager-of-{}", self.space.namespace)
    }

    /// What cert-manager wrote since, Events apart.
    pub(crate) fn written_by_theirs(&self, since: AuditPosition) -> Vec<String> {
        let rival = self.rival();
        let writes =
            |it: &AuditEvent| it.user == rival && matches!(it.verb.as_str(), "create" | "patch" | "update" | "delete");
        let told = |it: AuditEvent| {
            let resource = it.rbac_resource().unwrap_or_default();
            format!("{} {resource} {} was answered {}", it.verb, it.name.unwrap_or_default(), it.code)
        };
        let events = self.space.plane.audit_since(since).into_iter();
        events.filter(writes).filter(|it| it.resource.as_deref() != Some("events")).map(told).collect()
    }

    /// Waits until nothing changed for so long.
    pub(crate) fn await_rest(&self, quiet: Duration, bound: Duration) {
        let begun = now();
        let mut seen = (self.versions(), now());
        while now() - begun < bound {
            pause(Duration::from_millis(500));
            let versions = self.versions();
            if versions != seen.0 {
                seen = (versions, now());
            } else if now() - seen.1 >= quiet {
                return;
            }
        }
        panic!("{} never came to rest", self.space.namespace);
    }

    /// Everything that a controller may write to, with its version.
    pub(crate) fn versions(&self) -> BTreeMap<String, String> {
        let mut versions = BTreeMap::new();
        for kind in KINDS {
            for object in self.space.list(kind) {
                let metadata = &object["metadata"];
                versions.insert(format!("{kind} {}", metadata["name"]), metadata["resourceVersion"].to_string());
            }
        }
        versions
    }
}

pub(crate) const KINDS: [&str; 6] =
    ["certificates", "certificaterequests", "issuers", "secrets", "orders", "challenges"];
