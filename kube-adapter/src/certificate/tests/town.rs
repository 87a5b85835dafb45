//! A Certificate that is issued, the account that issued it, and everything around them.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use acme_core::client::{Chain, Client as _};
use acme_core::flow::Next;
use acme_core::key::KeyType;
use acme_core::protocol::{CertificateId, Registration};
use acme_core::{Clock, Directory, Identifier, PrivateKey, Timestamp};
use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use issuers::acme::{AccountSettings, AcmeIssuer, Pace, Paced, RenewalQuestions};
use issuers::chain::Leaf;
use issuers::{CertificateRequest, InMemory, Timer, csr, drive};
use serde_json::{Value, json};
use solvers::{Answers, Http01, Selector, Solvers};
use testkit::ca::{ModelCa, Settings as CaSettings};
use testkit::{DurableStore, VirtualClock};

use crate::api::{Api, Room};
use crate::certificate::{self, Action, Certificates};
use crate::context::Context;
use crate::crd::certificate::Certificate;
use crate::crd::issuer::Issuer;
use crate::engine::{Account, Engine, Found, Servers, Verdict};
use crate::events::Events;
use crate::issuer::{IssuerRecord, Tried};
use crate::key::Name;
use crate::leader::Leadership;
use crate::metrics::Metrics;
use crate::order::tests::cluster::Cluster;
use crate::secret::SecretMetadata;
use crate::settings::Settings;
use crate::subject::Subject;
use crate::watch::Event;
use crate::workshop::Workshop;
use crate::world::{Change, News, Record as _, World};

/// Everything there is.
pub(super) struct Town {
    pub(super) cluster: Cluster,
    pub(super) ca: ModelCa,
    pub(super) clock: VirtualClock,
    /// The certificate in the Secret, as its authority calls it.
    pub(super) id: CertificateId,
    pub(super) world: World,
    account: Arc<Account>,
    context: Arc<Context>,
}

/// What the issuer says of renewals.
pub(super) enum Told {
    Anything,
    /// `spec.acme.renewalInformationSource: None`.
    Nothing,
}

pub(super) const CERTIFICATE: &str = "/apis/cert-manager.io/v1/namespaces/shop/certificates/web";
const SECRET: &str = "/api/v1/namespaces/shop/secrets/web";
pub(super) const ORDERS: &str = "/apis/acme.cert-manager.io/v1/namespaces/shop/orders";

impl Town {
    /// The Certificate `web`, issued a moment ago by the issuer `acme`.
    pub(super) fn new(settings: CaSettings, told: Told) -> Self {
        let (clock, ca) = (VirtualClock::new(), ModelCa::new(settings));
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let directory = Directory::new(ca.directory_url(), Arc::new(ca.transport(&clock)), Arc::clone(&shared));
        let key = PrivateKey::generate(KeyType::EcdsaP256).expect("a key");
        let names = [Identifier::parse("shop.example.com").expect("a name")];
        let issuer = AcmeIssuer::builder(
            "model",
            directory.clone(),
            Solvers::new().with("http", Http01::new(Answers::new()), Selector::any()),
            Arc::clone(&shared),
        )
        .account(Arc::new(DurableStore::new()), AccountSettings::new(Registration::agreeing_to_terms()))
        .build()
        .expect("an issuer");
        let issued = testkit::run(&clock, async {
            let request = csr::create(&key, &names).await.expect("a signing request");
            drive(&issuer, &CertificateRequest::new(&request, &names), &mut InMemory::new(), &Virtual(clock.clone()))
                .await
        });
        let chain = issued.expect("a certificate").chain;
        let source = match told {
            Told::Anything => "ARI",
            Told::Nothing => "None",
        };
        let spec = json!({ "server": ca.directory_url().as_str(), "renewalInformationSource": source });
        let pace = Arc::new(Pace::in_memory(Arc::clone(&shared)));
        let session = testkit::run(&clock, async {
            let key = Arc::new(PrivateKey::generate(KeyType::EcdsaP256).expect("a key"));
            directory.register(key, &Registration::agreeing_to_terms()).await
        });
        let session = session.expect("an account");
        let account = Arc::new(Account {
            url: session.account().clone(),
            client: Arc::new(Paced::new(session, Arc::clone(&pace))),
            renewals: Arc::new(RenewalQuestions::new(directory, Arc::clone(&pace), shared)),
            pace,
            spec: Arc::new(serde_json::from_value(spec).expect("a spec")),
            dns_solvers: Arc::default(),
        });
        let cluster = Cluster::default();
        let leaf = Leaf::read(chain.leaf().expect("a leaf")).expect("it can be read");
        cluster.put(CERTIFICATE, object(&leaf));
        cluster.put(SECRET, secret(&key, &chain));
        let context = context(&cluster, &clock);
        let world = World::new(Arc::clone(&context.settings));
        let id = leaf.id.expect("it has an authority");
        let mut town = Self { cluster, ca, clock, id, world, account, context };
        town.boot();
        town
    }

    /// Forgets everything but what is in the cluster, as after a crash.
    pub(super) fn boot(&mut self) {
        self.world = World::new(Arc::clone(&self.context.settings));
        let now = self.clock.now();
        self.world.planning_since = Some(now);
        let name = Name::new("shop", "acme");
        let issuer = json!({ "metadata": {
            "name": "acme", "namespace": "shop", "generation": 1, "uid": "00000000-0000-0000-0000-00000000000a", "resourceVersion": "1",
        }, "spec": { "acme": {} } });
        let issuer: Issuer = serde_json::from_value(issuer).expect("it is an Issuer");
        let identity = IssuerRecord::identity(&issuer).expect("it has one");
        let mut record = IssuerRecord::read(issuer, None).expect("it is kept");
        let verdict = Verdict::ready(Engine::Acme(Arc::clone(&self.account)), "ACMEAccountRegistered", "");
        let found = Found::Verdict(verdict);
        record.0.memory.tried = Some(Tried { generation: 1, found, read: Vec::new(), again: None, failures: 0 });
        self.world.issuers.learn(name.clone(), identity, record);
        certificate::account_changed(&mut self.world, &name, Some(&self.account));
        self.watch();
    }

    /// Lets the watch say how the Certificate is now.
    pub(super) fn watch(&mut self) {
        let object: Certificate = serde_json::from_value(self.object()).expect("it is a Certificate");
        let now = self.clock.now();
        let news = News { scope: None, event: Event::Apply(object) };
        self.world.take(Change::Certificate(Box::new(news)), now);
        let secret = self.cluster.below(SECRET).pop().expect("it is there");
        let secret: SecretMetadata = serde_json::from_str(&secret.to_string()).expect("it has metadata");
        self.world.take(Change::TlsSecret(News { scope: None, event: Event::Apply(secret) }), now);
    }

    /// The Certificate as it is in the cluster.
    pub(super) fn object(&self) -> Value {
        self.cluster.below(CERTIFICATE).pop().expect("it is there")
    }

    /// Does what is to be done now; answers what that was, and until when there is nothing more to do.
    pub(super) async fn settle(&mut self) -> (Vec<Action>, Option<Timestamp>) {
        let (name, mut done) = (Name::new("shop", "web"), Vec::new());
        for _ in 0..100 {
            let now = self.clock.now();
            let Next::Go(agenda) = Certificates::next(&self.world, &name, now) else { return (done, None) };
            let Some(action) = agenda.ready.into_iter().next() else {
                return (done, agenda.wake.map(|it| it.at));
            };
            let answer = Certificates::start(&mut self.world, &self.context, &name, &action, now).await;
            Certificates::fold(&mut self.world, &name, &action, answer, self.clock.now());
            done.push(action);
        }
        panic!("it never ends: {done:#?}");
    }

    /// Settles, and lets time pass until this time, settling whenever something is due.
    pub(super) async fn live_until(&mut self, end: Timestamp) -> Vec<Action> {
        let mut done = Vec::new();
        loop {
            let (now_done, wake) = self.settle().await;
            done.extend(now_done);
            match wake.filter(|at| *at <= end) {
                Some(at) => self.clock.set(at),
                None => {
                    self.clock.set(end.max(self.clock.now()));
                    return done;
                }
            }
        }
    }
}

fn context(cluster: &Cluster, clock: &VirtualClock) -> Arc<Context> {
    let settings = Arc::new(Settings::default());
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let timer: Arc<dyn Timer> = Arc::new(Virtual(clock.clone()));
    Arc::new(Context {
        api: Api::new(cluster.client(), Arc::new(Room::new(settings.writes)), Arc::clone(&shared), settings.patience),
        events: Events::new(Arc::clone(&timer), &Metrics::default()),
        settings,
        leadership: Leadership::undisputed(),
        timer,
        workshop: Workshop::new(1),
        requester: Default::default(),
        http01: Default::default(),
        dns_services: Default::default(),
        servers: Servers::new(shared, None),
        queue_length: AtomicUsize::new(0),
    })
}

fn object(leaf: &Leaf) -> Value {
    let lead = leaf.not_after - leaf.not_after.since(leaf.not_before) / 3;
    let second = |at: Timestamp| Timestamp::from_unix_seconds(at.unix_seconds()).to_string();
    json!({
        "metadata": { "name": "web", "namespace": "shop", "generation": 1, "uid": "3f1f9f0e-55a3-4b43-9d0f-0a43b1a0f5b1" },
        "spec": {
            "secretName": "web", "dnsNames": ["shop.example.com"], "issuerRef": { "name": "acme" },
            "privateKey": { "algorithm": "ECDSA" },
        },
        "status": {
            "revision": 1, "notBefore": second(leaf.not_before), "notAfter": second(leaf.not_after), "renewalTime": second(lead),
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "Ready", "observedGeneration": 1,
                "message": "Certificate is up to date and has not expired", "lastTransitionTime": second(leaf.not_before),
            }],
        },
    })
}

fn secret(key: &PrivateKey, chain: &Chain) -> Value {
    let annotation = |name: &str| format!("cert-manager.io/{name}");
    let owned = |names: &[&str]| -> Value { names.iter().map(|it| (format!("f:{it}"), json!({}))).collect() };
    let annotations = [
        ("certificate-name", "web"),
        ("issuer-name", "acme"),
        ("issuer-kind", "Issuer"),
        ("issuer-group", "cert-manager.io"),
        ("common-name", ""),
        ("alt-names", "shop.example.com"),
        ("ip-sans", ""),
        ("uri-sans", ""),
    ]
    .map(|(name, value)| (annotation(name), value));
    let names: Vec<&str> = annotations.iter().map(|(name, _)| name.as_str()).collect();
    json!({
        "metadata": {
            "name": "web", "namespace": "shop", "labels": { "controller.cert-manager.io/fao": "true" },
            "annotations": annotations.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "managedFields": [{ "manager": "cert-manager-certificates-issuing", "operation": "Apply", "fieldsV1": {
                "f:data": owned(&["tls.crt", "tls.key"]),
                "f:metadata": { "f:labels": owned(&["controller.cert-manager.io/fao"]), "f:annotations": owned(&names) },
            } }],
        },
        "type": "kubernetes.io/tls",
        "data": {
            "tls.crt": BASE64_STANDARD.encode(issuers::chain::to_pem(chain)),
            "tls.key": BASE64_STANDARD.encode(key.to_pem().expose()),
        },
    })
}

/// Virtual time as the controller waits on it.
struct Virtual(VirtualClock);

impl Clock for Virtual {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

#[async_trait]
impl Timer for Virtual {
    async fn sleep_until(&self, at: Timestamp) {
        self.0.sleep_until(at).await;
    }
}
