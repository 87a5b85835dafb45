//! What each server is told.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::json;

use super::folder::Folder;
use super::identities::Identities;
use super::kubeconfig::Kubeconfig;

/// Where the servers listen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    pub(super) etcd: SocketAddr,
    pub(super) etcd_peers: SocketAddr,
    pub(super) api_server: SocketAddr,
    pub(super) controllers: SocketAddr,
}

pub(super) fn etcd(folder: &Folder, addresses: Addresses) -> Vec<OsString> {
    let client = format!("http://{}", addresses.etcd);
    let peer = format!("http://{}", addresses.etcd_peers);
    let mut flags = Flags::of("etcd");
    flags.set("name", "etcd").path("data-dir", &folder.join("etcd")).set("log-level", "warn");
    flags.set("listen-client-urls", &client).set("advertise-client-urls", &client);
    flags.set("listen-peer-urls", &peer).set("initial-advertise-peer-urls", &peer);
    flags.set("initial-cluster", &format!("etcd={peer}"));
    // A test's data need not survive the machine.
    flags.set("unsafe-no-fsync", "true").set("quota-backend-bytes", ETCD_BYTES);
    flags.0
}

pub(super) fn api_server(
    folder: &Folder,
    addresses: Addresses,
    known: &Identities,
    plugins: &[String],
) -> io::Result<Vec<OsString>> {
    let policy = folder.join("audit-policy.json");
    let rules = json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{ "level": "Metadata" }],
    });
    fs::write(&policy, rules.to_string())?;
    let mut flags = Flags::of("kube-apiserver");
    flags.set("etcd-servers", &format!("http://{}", addresses.etcd));
    flags.listen(addresses.api_server, known);
    // There is one API server, and Pods cannot reach it. Without an address to tell them it looks for one, and needs a route out of the machine.
    flags.set("advertise-address", "192.0.2.1");
    flags.set("endpoint-reconciler-type", "none").set("service-cluster-ip-range", "10.0.0.0/16");
    flags.path("client-ca-file", &known.root).set("authorization-mode", "RBAC").set("allow-privileged", "true");
    flags.set("service-account-issuer", "https://kubernetes.default.svc");
    flags.path("service-account-key-file", &known.service_accounts.public);
    flags.path("service-account-signing-key-file", &known.service_accounts.private);
    flags.path("audit-policy-file", &policy).path("audit-log-path", &folder.audit_log());
    if !plugins.is_empty() {
        flags.set("enable-admission-plugins", &plugins.join(","));
    }
    // A log that is read whole is not rotated.
    flags.set("audit-log-maxsize", "100000").set("profiling", "false");
    Ok(flags.0)
}

pub(super) fn controllers(folder: &Folder, addresses: Addresses, known: &Identities) -> io::Result<Vec<OsString>> {
    let kubeconfig = folder.join("controllers.kubeconfig");
    let user = Kubeconfig::certificate(&known.controllers);
    let url = format!("https://{}", addresses.api_server);
    fs::write(&kubeconfig, Kubeconfig::new(&url, &known.root_pem, &user).to_string())?;
    let mut flags = Flags::of("kube-controller-manager");
    flags.path("kubeconfig", &kubeconfig).listen(addresses.controllers, known);
    flags.path("authentication-kubeconfig", &kubeconfig).path("authorization-kubeconfig", &kubeconfig);
    flags.set("use-service-account-credentials", "true").path("root-ca-file", &known.root);
    flags.path("service-account-private-key-file", &known.service_accounts.private);
    flags
        .set("leader-elect", "false")
        .set("kube-api-qps", "500")
        .set("kube-api-burst", "1000")
        .set("profiling", "false");
    Ok(flags.0)
}

struct Flags(Vec<OsString>);

impl Flags {
    fn of(server: &str) -> Self {
        Self(vec![server.into()])
    }

    fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.0.push(format!("--{name}={value}").into());
        self
    }

    fn path(&mut self, name: &str, value: &Path) -> &mut Self {
        let mut flag = OsString::from(format!("--{name}="));
        flag.push(value);
        self.0.push(flag);
        self
    }

    fn listen(&mut self, address: SocketAddr, known: &Identities) -> &mut Self {
        self.set("bind-address", &address.ip().to_string()).set("secure-port", &address.port().to_string());
        self.path("tls-cert-file", &known.server.public).path("tls-private-key-file", &known.server.private)
    }
}

/// Eight gigabytes: what etcd's makers call the most that makes sense.
const ETCD_BYTES: &str = "8589934592";
