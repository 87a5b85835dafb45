//! A namespace, a name server that takes updates, an ACME server that asks it, and the controller between them.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use acme_core::client::Client as _;
use acme_core::key::KeyType;
use acme_core::protocol::{Registration, Url};
use acme_core::{Clock, Directory, Identifier, PrivateKey};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use issuers::acme::{Pace, Paced, RenewalQuestions};
use issuers::{TokioTimer, csr};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use testkit::servers::{Bind, ControlPlane, Pebble, TsigAlgorithm, TsigKey, Zone};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Settings;
use crate::controller::Controller;
use crate::crd::acme::AcmeIssuer;
use crate::engine::Account;
use crate::key::Name;
use crate::order;
use crate::world::World;

/// A namespace that nobody else uses.
pub(crate) struct Space {
    pub(crate) plane: &'static ControlPlane,
    pub(crate) namespace: String,
}

/// All that an Order needs.
pub(crate) struct Rig {
    space: Space,
    pub(crate) bind: Bind,
    pub(crate) pebble: Pebble,
    pub(crate) key: TsigKey,
    account: Arc<PrivateKey>,
}

impl Deref for Rig {
    type Target = Space;

    fn deref(&self) -> &Space {
        &self.space
    }
}

/// A controller that runs.
pub(crate) struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Space {
    pub(crate) fn new(hint: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let plane = plane();
        let namespace = format!("{hint}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        plane.apply(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } }));
        Self { plane, namespace }
    }

    /// A client whom the audit log calls by the name of the namespace.
    pub(crate) async fn client(&self) -> kube::Client {
        let kubeconfig =
            Kubeconfig::from_yaml(&self.plane.kubeconfig_as(&self.namespace, &["system:masters"])).unwrap();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        crate::client::connect(config, "certwright-orders").unwrap()
    }

    pub(crate) fn apply(&self, manifest: &Value) -> Value {
        self.plane.apply_in(&self.namespace, manifest)
    }

    pub(crate) fn path(&self, resource: &str, name: &str) -> String {
        let path = format!("/apis/acme.cert-manager.io/v1/namespaces/{}/{resource}", self.namespace);
        if name.is_empty() { path } else { format!("{path}/{name}") }
    }
}

impl Rig {
    pub(crate) fn new(hint: &str) -> Self {
        let space = Space::new(hint);
        let secret = b"thirty-two bytes of a secret key".to_vec();
        let key = TsigKey::new("update.example.test", TsigAlgorithm::HmacSha256, secret);
        let bind = Bind::builder().recursive().zone(Zone::new("example.test").update_with(&key)).start();
        let pebble = Pebble::builder().dns_server(bind.address()).start();
        let account = Arc::new(PrivateKey::generate(KeyType::EcdsaP256).unwrap());
        space.apply(&json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "tsig" },
            "stringData": { "key": key.secret_base64() },
        }));
        Self { space, bind, pebble, key, account }
    }

    /// The solver that writes to the name server.
    pub(crate) fn solver(&self) -> Value {
        json!({ "dns01": { "rfc2136": {
            "nameserver": self.bind.address().to_string(), "tsigKeyName": self.key.name(), "tsigAlgorithm": "HMACSHA256",
            "tsigSecretSecretRef": { "name": "tsig", "key": "key" },
        } } })
    }

    /// Makes an Order for these names by hand.
    pub(crate) fn order(&self, name: &str, names: &[&str]) -> Value {
        let identifiers: Vec<Identifier> = names.iter().map(|it| Identifier::parse(it).unwrap()).collect();
        let key = PrivateKey::generate(KeyType::EcdsaP256).unwrap();
        let request = csr::Draft::new(&identifiers).unwrap().sign_now(&key).unwrap();
        let pem = acme_core::pem::encode("CERTIFICATE REQUEST", &request);
        self.apply(&json!({
            "apiVersion": "acme.cert-manager.io/v1", "kind": "Order", "metadata": { "name": name },
            "spec": {
                "request": BASE64_STANDARD.encode(pem), "dnsNames": names, "issuerRef": { "name": "acme", "kind": "Issuer" },
            },
        }))
    }

    pub(crate) fn settings(&self) -> Settings {
        let namespaces = Some(vec![self.namespace.clone()]);
        let mut settings = Settings { namespaces, ..Settings::default() };
        settings.acme.dns01_nameservers = vec![self.bind.address().to_string()];
        settings.acme.dns01_recursive_only = true;
        settings.check_again_after = Duration::from_millis(100);
        settings
    }

    /// Starts the controller with an issuer `acme` of these solvers.
    pub(crate) async fn start(&self, settings: Settings, solvers: Value) -> Running {
        let kubeconfig =
            Kubeconfig::from_yaml(&self.plane.kubeconfig_as(&self.namespace, &["system:masters"])).unwrap();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        let client = crate::client::connect(config, "certwright-orders").unwrap();
        let mut world = World::new(Arc::new(settings.clone()));
        let account = self.account(solvers).await;
        order::account_changed(&mut world, Name::new(self.namespace.as_str(), "acme"), Some(account));
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            Controller::new(client, settings).run_on(world, stopped).await.unwrap();
        });
        Running { stop, task }
    }

    /// The account, as the issuer would have it.
    async fn account(&self, solvers: Value) -> Arc<Account> {
        let clock: Arc<dyn Clock> = Arc::new(TokioTimer);
        let transport = acme_core::transport::ReqwestTransport::builder()
            .add_root_pem(self.pebble.root_pem().as_bytes())
            .unwrap()
            .only_given_roots()
            .build()
            .unwrap();
        let url = Url::parse(&self.pebble.directory_url()).unwrap();
        let directory = Directory::new(url, Arc::new(transport), Arc::clone(&clock));
        let registration = Registration::agreeing_to_terms();
        let session = directory.register(self.account.clone(), &registration).await.unwrap();
        let spec: AcmeIssuer = serde_json::from_value(json!({ "solvers": solvers })).unwrap();
        let url = session.account().clone();
        let pace = Arc::new(Pace::in_memory(Arc::clone(&clock)));
        let renewals = Arc::new(RenewalQuestions::new(directory, Arc::clone(&pace), clock));
        let client = Arc::new(Paced::new(session, Arc::clone(&pace)));
        Arc::new(Account { client, renewals, pace, url, spec: Arc::new(spec), dns_solvers: Arc::default() })
    }

    pub(crate) fn challenges(&self) -> Vec<Value> {
        self.plane.read(&self.path("challenges", ""))["items"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until an Order is in a state, and answers it.
    pub(crate) async fn until(&self, name: &str, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let path = self.path("orders", name);
        self.wait(&format!("Order {name}: {what}"), || {
            let order = self.plane.read(&path);
            is_it(&order).then(|| order.clone()).ok_or(order)
        })
        .await
    }

    /// Waits until there is an answer, or a minute has passed.
    pub(crate) async fn wait<T>(&self, what: &str, mut ask: impl FnMut() -> Result<T, Value>) -> T {
        #[expect(clippy::disallowed_methods, reason = "real servers take real time")]
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            match ask() {
                Ok(answer) => return answer,
                #[expect(clippy::disallowed_methods, reason = "real servers take real time")]
                Err(why) if Instant::now() > end => panic!("{what} did not come in a minute: {why:#}"),
                Err(_) => pause(Duration::from_millis(50)).await,
            }
        }
    }

    /// The writes of the controller so far: verb, resource and subresource.
    pub(crate) fn writes(&self) -> Vec<String> {
        let audit = self.plane.audit();
        let mine = audit
            .iter()
            .filter(|it| it.user == self.namespace && it.verb != "get" && it.verb != "list" && it.verb != "watch");
        mine.filter_map(|it| Some(format!("{} {}", it.verb, it.rbac_resource()?))).collect()
    }
}

impl Running {
    /// Stops it as a Pod is stopped.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(true);
        self.task.await.unwrap();
    }

    /// Kills it between two instructions.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "real servers take real time")]
pub(crate) async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

fn plane() -> &'static ControlPlane {
    static SHARED: OnceLock<ControlPlane> = OnceLock::new();
    let definitions = || {
        let all = crate::crd::all().unwrap();
        all.iter().map(|it| serde_json::to_value(it).unwrap()).collect::<Vec<_>>()
    };
    SHARED.get_or_init(|| ControlPlane::builder().crds(definitions()).start())
}
