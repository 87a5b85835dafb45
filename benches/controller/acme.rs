//! ACME on a cluster that has nothing else to do: DNS-01 by a name server that takes updates, HTTP-01 through a stand-in for an ingress controller.

#[expect(dead_code, unreachable_pub, reason = "tests use more of it, from elsewhere")]
#[path = "../../kube-adapter/tests/kit/ingress.rs"]
mod ingress;

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use kube_adapter::client::connect;
use kube_adapter::{Controller, Responder, Settings};
use serde_json::{Value, json};
use testkit::servers::{Bind, ChallTestSrv, ControlPlane, Pebble, TsigAlgorithm, TsigKey, Zone};
use tokio::sync::watch;

use crate::bare::text;
use crate::cluster::{Cluster, Field, clock, pause};

use ingress::IngressStandIn;

/// From a Certificate that is made to its readiness.
#[derive(Debug)]
pub(crate) struct Acme {
    /// DNS-01, one name.
    pub(crate) one: Vec<Duration>,
    /// DNS-01, a name and the wildcard below it.
    pub(crate) wildcard: Vec<Duration>,
    /// HTTP-01, one name.
    pub(crate) http: Vec<Duration>,
}

/// Measures all of it.
pub(crate) async fn measure(cluster: &Cluster) -> Result<Acme, String> {
    let (one, wildcard) = dns(cluster).await?;
    Ok(Acme { one, wildcard, http: http(cluster).await? })
}

async fn dns(cluster: &Cluster) -> Result<(Vec<Duration>, Vec<Duration>), String> {
    let key =
        TsigKey::new("update.example.test", TsigAlgorithm::HmacSha256, b"thirty-two bytes of a secret key".to_vec());
    let zone = Zone::new("example.test").update_with(&key);
    let (bind, pebble) = blocking(move || {
        let bind = Bind::builder().recursive().zone(zone).start();
        let pebble = Pebble::builder().dns_server(bind.address()).start();
        (bind, pebble)
    })
    .await?;
    let field = cluster.field("dns").await?;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "tsig" }, "stringData": { "key": key.secret_base64() },
    });
    cluster.post("/api/v1/namespaces/dns/secrets", &secret).await?;
    let solver = json!({ "dns01": { "rfc2136": {
        "nameserver": bind.address().to_string(), "tsigKeyName": key.name(), "tsigAlgorithm": "HMACSHA256",
        "tsigSecretSecretRef": { "name": "tsig", "key": "key" },
    } } });
    let mut settings = Settings::default();
    settings.acme.dns01_nameservers = vec![bind.address().to_string()];
    settings.acme.dns01_recursive_only = true;
    let running = Running::start(cluster, &field, settings).await?;
    issuer(cluster, &field, &pebble, &solver).await?;
    let one = samples(cluster, &field, "one", |number| vec![format!("one-{number}.example.test")]).await?;
    let both = |number| vec![format!("both-{number}.example.test"), format!("*.both-{number}.example.test")];
    let wildcard = samples(cluster, &field, "both", both).await?;
    running.stop().await?;
    blocking(move || drop((pebble, bind))).await?;
    Ok((one, wildcard))
}

async fn http(cluster: &Cluster) -> Result<Vec<Duration>, String> {
    let own = own_address()?;
    let plane = cluster.plane();
    let (front, names, pebble) = blocking(move || {
        let front: IngressStandIn<Arc<ControlPlane>> = IngressStandIn::start(plane, "http", "nginx");
        let names = ChallTestSrv::start();
        names.set_default_ipv4(Some(own));
        names.set_default_ipv6(None);
        let pebble = Pebble::builder().http_port(front.port()).dns_server(names.dns_address()).start();
        (front, names, pebble)
    })
    .await?;
    let field = cluster.field("http").await?;
    let responder = Responder::bind((own, 0).into()).await.map_err(text)?;
    let mut settings = Settings::default();
    settings.acme.solver_addresses = vec![IpAddr::V4(own)];
    settings.acme.solver_port = responder.local_address().port();
    settings.acme.http01_port = front.port();
    settings.acme.http01_nameservers = vec![names.dns_address().to_string()];
    let (stop, stopped) = watch::channel(false);
    let answering = tokio::spawn(responder.run(client(cluster).await?, Some(vec![field.namespace.clone()]), stopped));
    let running = Running::start(cluster, &field, settings).await?;
    issuer(cluster, &field, &pebble, &json!({ "http01": { "ingress": { "ingressClassName": "nginx" } } })).await?;
    let times = samples(cluster, &field, "web", |number| vec![format!("web-{number}.example.test")]).await?;
    running.stop().await?;
    // It may have ended by itself.
    let _ = stop.send(true);
    answering.await.map_err(text)?;
    blocking(move || drop((pebble, names, front))).await?;
    Ok(times)
}

async fn issuer(cluster: &Cluster, field: &Field, pebble: &Pebble, solver: &Value) -> Result<(), String> {
    let issuer = json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": { "name": "acme" },
        "spec": { "acme": {
            "server": pebble.directory_url(), "skipTLSVerify": true, "privateKeySecretRef": { "name": "account" }, "solvers": [solver],
        } },
    });
    cluster.post(&crate::cluster::path(&field.namespace, "issuers", ""), &issuer).await?;
    cluster.is_ready(field, "acme").await
}

async fn samples(
    cluster: &Cluster,
    field: &Field,
    prefix: &str,
    names: impl Fn(usize) -> Vec<String>,
) -> Result<Vec<Duration>, String> {
    let mut readiness = cluster.readiness(field).await?;
    let before = readiness.count();
    let mut times = Vec::new();
    for number in 0..SAMPLES {
        pause(SETTLE).await;
        let name = format!("{prefix}-{number}");
        let certificate = json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": { "name": name },
            "spec": {
                "secretName": name, "dnsNames": names(number), "issuerRef": { "name": "acme" },
                "privateKey": { "algorithm": "ECDSA", "size": 256 },
            },
        });
        let begin = clock();
        cluster.post(&crate::cluster::path(&field.namespace, "certificates", ""), &certificate).await?;
        readiness.reaches(before + number + 1).await?;
        times.push(begin.elapsed());
    }
    Ok(times)
}

/// A controller in this process.
struct Running {
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<Result<(), String>>,
}

impl Running {
    async fn start(cluster: &Cluster, field: &Field, mut settings: Settings) -> Result<Self, String> {
        settings.namespaces = Some(vec![field.namespace.clone()]);
        let controller = Controller::new(client(cluster).await?, settings);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(async move { controller.run(stopped).await.map_err(text) });
        Ok(Self { stop, task })
    }

    async fn stop(self) -> Result<(), String> {
        // It may have ended by itself.
        let _ = self.stop.send(true);
        self.task.await.map_err(text)?
    }
}

async fn client(cluster: &Cluster) -> Result<kube::Client, String> {
    // The first choice of this process stays.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let kubeconfig = kube::config::Kubeconfig::from_yaml(&cluster.kubeconfig()).map_err(text)?;
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(text)?;
    connect(config, "certwright-bench-acme").map_err(text)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(text)
}

/// An address of this machine that is not the loopback, which EndpointSlices refuse. Nothing is sent to find it.
fn own_address() -> Result<Ipv4Addr, String> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).map_err(text)?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).map_err(text)?;
    match socket.local_addr().map_err(text)?.ip() {
        IpAddr::V4(address) if !address.is_loopback() => Ok(address),
        other @ (IpAddr::V4(_) | IpAddr::V6(_)) => {
            Err(format!("this machine has no address beside the loopback, and EndpointSlices take no other: {other}"))
        }
    }
}

const SAMPLES: usize = 5;
const SETTLE: Duration = Duration::from_millis(500);
